/** What is true of every lane of a and c, whatever its routes are: a request is in it for its whole way, or not at all; and nobody notices an abort. */
import { expect } from 'vitest';
import type { Duration } from '../../domain/duration.js';
import type { ReleaseView } from '../../domain/release.js';
import type { Entry } from '../../domain/enter.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { answered, chainDrain, waysSince, type Chain } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { withImage, type Snapshot } from '../rig/snapshot.js';
import type { World } from '../rig/world.js';
import { expectSettled } from './undone.js';

const stable = 'a v1 -> b v1 -> c v1';
const gray = 'a v2 -> b v1 -> c v2';
const enter: readonly Entry[] = [
  { header: 'x-user', regex: 'qa-[0-9]+' },
  { query: 'group', exact: 'gray' },
  { cookie: 'beta', exact: '1' },
  { header: 'x-country', exact: 'de', percent: 50 },
];

const approval = { required: true };
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;
const holdingAt =
  (weight: number) =>
  ({ phase, applications }: ReleaseView): boolean =>
    phase === 'holding' && applications.some((one) => one.grayWeight === weight);

export const promotedTo = (world: World, view: ReleaseView, taken: Snapshot): Snapshot => {
  const { digest } = view.applications.find((one) => one.name === world.applicationName)!;
  return withImage(taken, `${world.repository}:v1`, `${world.repository}@${digest}`);
};

/**
 * P1 P9: by tag, header, parameter, cookie or share, from v1 to v2 of a and c; answers the release, which has ended.
 * @param drain as long as the proxies may need to hear of a change
 */
export async function expectWholeWays(chain: Chain, drain = chainDrain): Promise<ReleaseView> {
  const steps = [
    { weight: 30, hold: '10m' },
    { weight: 100, hold: '200ms' },
  ];
  await chain.settings({
    a: { approval, steps, drain, tag: { header: 'x-lane', enter } },
    c: { approval, drain },
  });
  const { a, c } = chain;
  const before = await chain.snapshots();
  const base = { url: a.stack.ingress, host: a.host, requestsPerSecond: 20 };
  const untagged = startLoad(base);
  const inside = [
    startLoad({ ...base, headers: { 'x-lane': 'gray' } }),
    startLoad({ ...base, headers: { 'x-user': 'qa-7' } }),
    startLoad({ ...base, path: '/?a=1&group=gray' }),
    startLoad({ ...base, headers: { cookie: 'a=2; beta=1' } }),
  ];
  /** Of whom a half is in it. */
  const halved = startLoad({ ...base, headers: { 'x-country': 'de' } });
  const all = [untagged, halved, ...inside];
  const answeredSince = (at: number): Promise<unknown> =>
    Promise.all(all.map((load: Load) => answered(load, at)));

  const id = await chain.release();
  const waiting = await a.until(id, 'waiting for approval', open);
  const asked = Date.now();
  await answeredSince(asked);
  expect(waysSince(untagged)).toEqual([stable]);
  await eventually('both ways of those of whom a half is in it', () => waysSince(halved, asked).length === 2);
  expect(waiting.evidence.find((e) => e.kind === 'probe')?.summary).toContain(
    `tagged: ${gray}; untagged: ${stable}`,
  );
  await a.approve(id);
  await a.until(id, 'at 30 %', holdingAt(30));
  await eventually('a request that fell into the share', () => waysSince(untagged).includes(gray));
  await answeredSince(Date.now());
  expect((await a.steer(id, 'skip')).status).toBe(200);
  const view = await a.ended(id);
  expectSettled(view);
  const ended = Date.now();
  await answeredSince(ended);
  await Promise.all(all.map((load) => load.stop()));
  for (const load of [untagged, halved]) {
    expect(waysSince(load)).toEqual([stable, gray]);
    expect(waysSince(load, ended)).toEqual([gray]);
  }
  for (const load of inside) {
    expect(waysSince(load)).toEqual([stable, gray]);
    expect(waysSince(load, asked)).toEqual([gray]);
  }
  expect(await chain.snapshots()).toEqual([
    promotedTo(a, view, before[0]!),
    before[1],
    promotedTo(c, view, before[2]!),
  ]);
  expect(await chain.leftovers()).toEqual([]);
  return view;
}

/**
 * P1 P4 P9: an abort in the middle of the weights takes a and c, or b and c with the share at the route of a, back to v1, and no request noticed;
 * answers the release, which has ended.
 * @param drain as long as the proxies may need to hear of a change
 */
export async function expectAbortUnnoticed(
  chain: Chain,
  { drain = chainDrain, behind = false }: { readonly drain?: Duration; readonly behind?: boolean } = {},
): Promise<ReleaseView> {
  const other = behind ? 'a v1 -> b v2 -> c v2' : gray;
  const steps = [
    { weight: 10, hold: '200ms' },
    { weight: 50, hold: '10m' },
  ];
  const own = { steps, drain };
  await chain.settings({ a: own, b: own, c: own, edges: behind ? 'of b too' : false });
  const { a } = chain;
  const before = await chain.snapshots();
  const { untagged, tagged, stop } = chain.steady();
  const id = await (behind ? chain.releaseBehind('v2') : chain.release());
  await a.until(id, 'at 50 %', holdingAt(50));
  await eventually('a request that fell into the share', () => waysSince(untagged).includes(other));
  expect((await a.steer(id, 'abort')).status).toBe(200);
  const view = await a.ended(id);
  const ended = Date.now();
  await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
  await stop();
  expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
  expectSettled(view);
  for (const load of [untagged, tagged]) {
    expect(waysSince(load)).toEqual([stable, other]);
    expect(waysSince(load, ended)).toEqual([stable]);
  }
  expect(await chain.snapshots()).toEqual(before);
  expect(await chain.leftovers()).toEqual([]);
  return view;
}
