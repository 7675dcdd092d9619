/** A lane of two releases that know nothing of each other, of a and of c behind it: each with its own approval, until the last has left. */
import { expect } from 'vitest';
import type { ReleaseView } from '../../domain/release.js';
import { answered, chainDrain, waysSince, type Chain } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { expectSettled } from './undone.js';

const way = (a: string, c: string): string => `a ${a} -> b v1 -> c ${c}`;
const [neither, onlyA, both] = [way('v1', 'v1'), way('v2', 'v1'), way('v2', 'v2')];
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;
const holds = ({ phase }: ReleaseView): boolean => phase === 'holding';

/**
 * P1 P9: from v1 to v2 of a and c, whose share is moved at the route of a; answers the release of c, which has ended.
 * @param drain as long as the proxies may need to hear of a change
 */
export async function expectTwoTeams(shared: Chain, drain = chainDrain): Promise<ReleaseView> {
  const long = { approval: { required: true }, drain, steps: [{ weight: 50, hold: '10m' }] } as const;
  await shared.settings({ edges: true, a: long, c: long });
  const lanes = async (): Promise<unknown> => (await shared.a.call('GET', '/v1/lanes')).body['items'];
  const { a, b, c } = shared;
  const { untagged, tagged, stop } = shared.steady();
  const [ofA, ofC] = [await a.release('v2'), await c.release('v2')];
  await Promise.all([a.until(ofA, 'waiting for approval', open), c.until(ofC, 'waiting for approval', open)]);
  const standing = Date.now();
  await Promise.all([answered(untagged, standing), answered(tagged, standing)]);
  expect([waysSince(untagged), waysSince(tagged, standing)]).toEqual([[neither], [both]]);
  expect(await lanes()).toMatchObject([
    {
      tag: 'x-lane: gray',
      entries: [{ application: a.applicationName, router: a.router, namespace: a.namespace }],
      members: [
        { application: a.applicationName, version: 'v2', ready: 1, release: ofA, share: 0 },
        { application: c.applicationName, version: 'v2', ready: 1, release: ofC, share: 0 },
      ],
      baseline: [{ application: b.applicationName, ready: 2, unseen: null }],
      chain: [a, b, c].map((world) => world.applicationName),
    },
  ]);

  // One team is approved, the other is not: nobody without the tag comes to the other's.
  await a.approve(ofA);
  await a.until(ofA, 'holding', holds);
  await eventually('a request in the share of a', () => waysSince(untagged).includes(onlyA));
  const mine = Date.now();
  await answered(untagged, mine, 20);
  expect(waysSince(untagged)).toEqual([neither, onlyA]);
  await c.approve(ofC);
  await c.until(ofC, 'holding', holds);
  await eventually('a request in both shares', () => waysSince(untagged).includes(both));

  // The first has left: its version is stable now, and the tag still leads to the other's.
  expect((await a.steer(ofA, 'promote')).status).toBe(200);
  expect((await a.ended(ofA)).outcome).toMatchObject({ phase: 'succeeded' });
  const left = Date.now();
  await Promise.all([answered(untagged, left, 30), answered(tagged, left)]);
  expect([waysSince(untagged, left), waysSince(tagged, left)]).toEqual([[onlyA, both], [both]]);
  expect(await lanes()).toMatchObject([
    {
      entries: [{ application: a.applicationName }],
      members: [{ application: c.applicationName, release: ofC, phase: 'holding', share: 50 }],
      baseline: [{ application: a.applicationName, version: 'v2' }, { unseen: null }],
    },
  ]);
  expect((await c.steer(ofC, 'promote')).status).toBe(200);
  const view = await c.ended(ofC);
  expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  expectSettled(view);
  const ended = Date.now();
  await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
  await stop();
  expect([waysSince(untagged, ended), waysSince(tagged, ended)]).toEqual([[both], [both]]);
  expect(waysSince(tagged, standing)).toEqual([both]);
  expect(waysSince(untagged)).toEqual([neither, onlyA, both]);
  expect(await shared.leftovers()).toEqual([]);
  expect(await lanes()).toEqual([]);
  return view;
}
