/** A worker is killed again and again while two of three applications that call each other are released as one lane. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { releaseWorkflowId } from '../../domain/ids.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { reachesEvent } from './follow.js';
import { long, say } from './rig/report.js';

/** Events between two kills of a release; the long form kills at each event, at one of this many offsets in each release. */
const apart = 40;
const offsets = long ? Array.from({ length: apart }, (_, i) => i + 1) : [17];
const patienceMs = 180_000;

describe('P8: a lane of which the worker is killed', () => {
  let chain: Chain;
  beforeAll(async () => {
    const patient = { progressDeadline: '2m', rollbackDeadline: '2m' };
    chain = await Chain.create(inject('stack'), { a: patient, c: patient });
  });
  afterAll(() => chain.close());

  /** Kills at every so many events until the release has ended; answers how often. */
  async function killed(id: string, offset: number): Promise<number> {
    const { a, c } = chain;
    for (let kills = 0; ; kills++) {
      await reachesEvent(a.temporal, id, offset + kills * apart);
      const { status } = await a.temporal.workflow.getHandle(releaseWorkflowId(id)).describe();
      if (status.name !== 'RUNNING') return kills;
      await c.worker.kill('SIGKILL');
      await c.worker.start();
    }
  }

  it('P1 P2 P3 P9: ends as one that nobody disturbed, and no answer mixes versions or fails', async () => {
    const { a } = chain;
    const before = (await chain.snapshots())[1];
    let kills = 0;
    for (const [i, offset] of offsets.entries()) {
      const [from, to] = i % 2 === 0 ? (['v1', 'v2'] as const) : (['v2', 'v1'] as const);
      const { untagged, tagged, stop } = chain.steady(8);
      const id = await chain.release(to);
      kills += await killed(id, offset);
      const view = await a.ended(id, patienceMs);
      const ended = Date.now();
      await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
      await stop();
      expect(view.outcome).toMatchObject({ phase: 'succeeded', left: [] });
      const both = [chain.answer(from), chain.answer(to)].toSorted();
      expect([waysSince(untagged), waysSince(tagged)]).toEqual([both, both]);
      expect([waysSince(untagged, ended), waysSince(tagged, ended)]).toEqual([
        [chain.answer(to)],
        [chain.answer(to)],
      ]);
      expect(await chain.leftovers()).toEqual([]);
    }
    expect((await chain.snapshots())[1]).toEqual(before);
    say(`${kills} kills survived by ${offsets.length} lanes of two applications, no answer mixed or missing`);
  });
});
