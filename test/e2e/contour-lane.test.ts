/** A lane of a and c with b between them, all behind HTTPProxies of Contour's: what those make of real requests. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseView } from '../../domain/release.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { expectSettled } from './undone.js';
import { expectWholeWays } from './whole-way.js';

const stable = 'a v1 -> b v1 -> c v1';
const gray = 'a v2 -> b v1 -> c v2';

let chain: Chain;
beforeAll(async () => {
  chain = await Chain.create(inject('stack'), { router: 'contour' });
});
afterAll(() => chain.close());

describe('a lane on HTTPProxies', () => {
  it('P1 P4 P9: an abort in the middle of its weights takes it back, and no request noticed', async () => {
    const steps = [
      { weight: 10, hold: '200ms' },
      { weight: 50, hold: '10m' },
    ];
    await chain.settings({ a: { steps } });
    const { a } = chain;
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release();
    const isShared = (v: ReleaseView): boolean => v.applications.every((one) => one.grayWeight === 50);
    await a.until(id, 'at 50 %', (v) => v.phase === 'holding' && isShared(v));
    await eventually('a request that fell into the share', () => waysSince(untagged).includes(gray));
    expect((await a.steer(id, 'abort')).status).toBe(200);
    const view = await a.ended(id);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    expectSettled(view);
    for (const load of [untagged, tagged]) {
      expect(waysSince(load)).toEqual([stable, gray]);
      expect(waysSince(load, ended)).toEqual([stable]);
    }
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it('P1 P9: by tag, header, parameter, cookie or share a request is in it for its whole way, or not at all', async () => {
    const view = await expectWholeWays(chain);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });
});
