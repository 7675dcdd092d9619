/** What it costs that many releases wait for a person. */
import type { Client } from '@temporalio/client';
import { forAll, pause, type Place } from './candidates/candidate.js';
import { sluice } from './candidates/sluice.js';
import { removeNamespace } from './measure.js';
import { cpuSeconds, memory } from './processes.js';

export interface Waiting {
  readonly count: number;
  /** Resident memory of the worker once all wait, MiB. */
  readonly memoryMiB: number | null;
  /** Most that it ever held. */
  readonly peakMiB: number | null;
  /** CPU of the worker in ten seconds of waiting. */
  readonly cpuSecondsIn10s: number | null;
  readonly problem: string | null;
}

const settleMs = 10_000;

export async function measureWaiting(place: Place, say: (line: string) => void): Promise<Waiting> {
  const { cluster, namespace, count } = place;
  const nothing = { count, memoryMiB: null, peakMiB: null, cpuSecondsIn10s: null };
  await cluster.createNamespace(namespace);
  try {
    const running = await sluice({ approval: true }).start(place);
    say('ready');
    try {
      await forAll(count, (i) => running.ask(i, 2));
      await allWait(running.temporal, count);
      say(`${count} wait for approval`);
      await pause(settleMs);
      const before = cpuSeconds(running.pid());
      await pause(10_000);
      const { now, peak } = memory(running.pid());
      return {
        count,
        memoryMiB: now,
        peakMiB: peak,
        cpuSecondsIn10s: cpuSeconds(running.pid()) - before,
        problem: null,
      };
    } finally {
      await running.stop();
    }
  } catch (error) {
    return { ...nothing, problem: (error as Error).message };
  } finally {
    await cluster.endCandidate();
    await removeNamespace(cluster, namespace);
  }
}

async function allWait(temporal: Client, count: number): Promise<void> {
  const until = Date.now() + 300_000;
  for (;;) {
    const query = "SluicePhase = 'waiting_for_approval' AND ExecutionStatus = 'Running'";
    const { count: waiting } = await temporal.workflow.count(query);
    if (waiting >= count) return;
    if (Date.now() > until) throw new Error(`only ${waiting} of ${count} wait after 300 s`);
    await pause(500);
  }
}
