/** A candidate at a size, from an empty namespace to an empty namespace. */
import type { KubeError } from '../../infra/local/kube.js';
import {
  pause,
  type Candidate,
  type CandidateName,
  type Place,
  type Running,
} from './candidates/candidate.js';
import type { SluiceRunning } from './candidates/sluice.js';
import type { Cluster } from './cluster.js';
import { badRound, goodRound, idle, type BadRound, type Bench, type GoodRound, type Idle } from './round.js';
import { TemporalWatch, type TemporalCost } from './temporal.js';
import { WeightWatch } from './weights.js';

export interface Measured {
  readonly candidate: CandidateName;
  readonly count: number;
  /** What a weight was asked to be held for, milliseconds. */
  readonly holdMs: number;
  readonly good: readonly GoodRound[];
  readonly bad: readonly BadRound[];
  readonly idle: Idle | null;
  /** Of Sluice alone. */
  readonly temporal: TemporalCost | null;
  /** Why something is missing. */
  readonly problem: string | null;
}

export interface Rounds {
  /** Rounds that are not measured: a process that has just begun compiles its own code. */
  readonly warmUp: number;
  readonly good: number;
  readonly bad: number;
  /** Seconds; 0: not looked at. */
  readonly idle: number;
}

/** How much is measured at a size: few releases say little in one round, many take long. */
export function roundsOf(name: CandidateName, count: number): Rounds {
  const isSluice = name === 'sluice';
  const repeats = count === 1 && name !== 'flagger' ? 3 : 1;
  return {
    warmUp: isSluice && count === 1 ? 1 : 0,
    good: repeats,
    // Beyond that most have ended before the last have begun.
    bad: count > 200 ? 0 : repeats,
    idle: count === 1 || count === 50 ? 20 : 0,
  };
}

export async function measure(
  name: CandidateName,
  candidate: Candidate,
  place: Place,
  say: (line: string) => void,
): Promise<Measured> {
  const { cluster, namespace, count } = place;
  const rounds = roundsOf(name, count);
  const good: GoodRound[] = [];
  const bad: BadRound[] = [];
  let after: Idle | null = null;
  let temporal: TemporalCost | null = null;
  let problem: string | null = null;
  let running: Running | null = null;
  const watch = new WeightWatch(cluster.kube, namespace);
  try {
    await cluster.createNamespace(namespace);
    await cluster.answer(100);
    running = await candidate.start(place);
    const bench: Bench = { place, candidate, running, watch };
    say('ready');
    await pause(2_000);
    let version = 2;
    for (let i = 0; i < rounds.warmUp; i++) await goodRound(bench, version++);
    for (let i = 0; i < Math.max(rounds.good, rounds.bad); i++) {
      if (i < rounds.good) {
        const counting = isSluice(running) && i === 0 ? await TemporalWatch.begin(cluster) : null;
        good.push(await goodRound(bench, version++));
        temporal = (await counting?.end(running as SluiceRunning, count)) ?? temporal;
        say(`${count} promoted`);
      }
      if (i < rounds.bad) {
        bad.push(await badRound(bench, version++));
        say(`${count} rolled back`);
      }
    }
    if (rounds.idle > 0) after = await idle(bench, rounds.idle);
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
    say(`stopped: ${problem}`);
  } finally {
    watch.close();
    await running?.stop();
    await removeNamespace(cluster, namespace);
  }
  return { candidate: name, count, holdMs: candidate.holdMs, good, bad, idle: after, temporal, problem };
}

const isSluice = (running: Running): running is SluiceRunning => 'temporal' in running;

/** Waits until it is gone, because what goes with it would be work beside the next measurement. */
export async function removeNamespace({ kube }: Cluster, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}`;
  await kube.delete(path);
  const until = Date.now() + 180_000;
  while (Date.now() < until) {
    const gone = await kube.get(path).then(
      () => false,
      (error: KubeError) => error.status === 404,
    );
    if (gone) return;
    await pause(500);
  }
}
