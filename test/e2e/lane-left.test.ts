/** A lane over what an earlier one left that was ended by force: no request meets two of the three versions. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { expectSettled } from './undone.js';

const drain = '2s';
const held: ReleaseInput = { drain, steps: [{ weight: 50, hold: '10m' }] };
const whole: ReleaseInput = { drain, steps: [{ weight: 100, hold: '1s' }] };
const holding = (view: ReleaseView): boolean =>
  view.phase === 'holding' && view.applications.every(({ grayWeight }) => grayWeight === 50);

let chain: Chain;
beforeAll(async () => {
  chain = await Chain.create(inject('stack'), { a: held, c: held });
});
afterAll(() => chain.close());

describe('a lane over the leftovers of another', () => {
  it('P1: gives them back from the entry on, and no answer came through two versions', async () => {
    const { a } = chain;
    const dead = await chain.release('v2');
    await a.until(dead, 'at 50 %', holding);
    await a.temporal.workflow.getHandle(releaseWorkflowId(dead)).terminate('by force');
    const { untagged, tagged, stop } = chain.steady(30);
    await answered(untagged, Date.now(), 30);
    expect(waysSince(untagged)).toEqual([chain.answer('v1'), chain.answer('v2')]);

    await chain.settings({ a: whole, c: whole });
    const view = await a.ended(await chain.release('v3'));
    expect(view.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expectSettled(view);
    const now = Date.now();
    await answered(untagged, now);
    await stop();
    const ways = ['v1', 'v2', 'v3'].map((version) => chain.answer(version));
    expect(waysSince(untagged)).toEqual(ways);
    expect(waysSince(tagged)).toEqual(ways);
    expect(waysSince(untagged, now)).toEqual([chain.answer('v3')]);
    expect(await chain.leftovers()).toEqual([]);
  });
});
