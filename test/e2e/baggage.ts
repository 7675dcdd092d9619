/** A lane of a and c, of which a and b pass on W3C baggage and nothing else: the tag in it leads a request to gray of c all the same. */
import { request } from 'undici';
import { expect } from 'vitest';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad } from '../../infra/local/load.js';
import { answered, chainDrain, waysSince, type Chain } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { expectSettled } from './undone.js';

/** What of a request came to a, and which version of it answered. */
interface Answer {
  readonly version: string;
  readonly tag: string | null;
  readonly baggage: string | null;
}
async function ask({ a }: Chain, headers: Record<string, string>): Promise<Answer> {
  const { statusCode, body } = await request(a.stack.ingress, { headers: { ...headers, host: a.host } });
  expect(statusCode).toBe(200);
  return (await body.json()) as Answer;
}

/**
 * P1: the tag that is put on at the edge leads to gray of c, and baggage from outside ends there; answers the release, which has ended.
 * @param chain made with `passesOn: 'baggage'`
 * @param drain as long as the proxies may need to hear of a change
 */
export async function expectBaggageLeads(chain: Chain, drain = chainDrain): Promise<ReleaseView> {
  const { a } = chain;
  const release = { approval: { required: true }, drain, tag: { baggage: 'lane' } };
  await chain.settings({ a: { ...release, steps: [{ weight: 50, hold: '10m' }] }, c: release });
  const [stable, gray] = [chain.answer('v1'), chain.answer('v2')];
  const others = 'user=7,lane=blue';
  expect(await ask(chain, { baggage: others })).toMatchObject({ version: 'v1', baggage: others });

  const steady = (headers: Record<string, string> = {}) =>
    startLoad({ url: a.stack.ingress, host: a.host, requestsPerSecond: 8, headers });
  const outside = [steady(), steady({ baggage: others })];
  const inside = [steady({ 'x-lane': 'gray' }), steady({ baggage: 'user=7,lane=gray' })];
  const loads = [...outside, ...inside];
  const waysFromNow = async (): Promise<readonly (readonly string[])[]> => {
    const now = Date.now();
    await Promise.all(loads.map((load) => answered(load, now, 10)));
    return loads.map((load) => waysSince(load, now));
  };
  const id = await chain.release();
  await a.until(id, 'waiting for approval', (v) => v.waitingOn?.approval !== undefined);
  expect(await waysFromNow()).toEqual([[stable], [stable], [gray], [gray]]);
  for (const load of outside) expect(waysSince(load)).toEqual([stable]);
  const told = { version: 'v2', tag: 'gray', baggage: 'lane=gray' };
  for (const headers of [{ 'x-lane': 'gray' }, { baggage: 'user=7,lane=gray' }])
    expect(await ask(chain, headers)).toMatchObject(told);
  const stripped = { version: 'v1', tag: null, baggage: null };
  expect(await ask(chain, { baggage: others, 'x-lane': 'blue' })).toMatchObject(stripped);

  await a.approve(id);
  const holds = ({ phase }: ReleaseView): boolean => phase === 'holding';
  await a.until(id, 'holding', holds);
  for (const load of outside)
    await eventually('a request that fell into the share', () => waysSince(load).includes(gray));
  expect((await a.steer(id, 'promote')).status).toBe(200);
  const view = await a.ended(id);
  expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  expectSettled(view);
  expect(await waysFromNow()).toEqual(loads.map(() => [gray]));
  await Promise.all(loads.map((load) => load.stop()));
  for (const load of loads) expect(waysSince(load)).toEqual([stable, gray]);
  expect(await ask(chain, { baggage: others })).toMatchObject({ version: 'v2', baggage: others });
  expect(await chain.leftovers()).toEqual([]);
  return view;
}
