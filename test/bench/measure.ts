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
  const seen: Collected = { good: [], bad: [], idle: null, temporal: null, problem: null };
  let running: Running | null = null;
  const watch = new WeightWatch(cluster.kube, namespace);
  try {
    await cluster.createNamespace(namespace);
    await cluster.answer(100);
    running = await candidate.start(place);
    say('ready');
    await pause(2_000);
    await takeRounds({ place, candidate, running, watch }, roundsOf(name, count), seen, say);
    seen.problem = [...seen.good, ...seen.bad].find((round) => round.problem !== null)?.problem ?? null;
  } catch (error) {
    seen.problem = error instanceof Error ? error.message : String(error);
  } finally {
    watch.close();
    await running?.stop();
    await cluster.endCandidate();
    await removeNamespace(cluster, namespace);
  }
  if (seen.problem !== null) say(seen.problem);
  return { candidate: name, count, holdMs: candidate.holdMs, ...seen };
}

/** What was measured before something went wrong is kept. */
interface Collected {
  readonly good: GoodRound[];
  readonly bad: BadRound[];
  idle: Idle | null;
  temporal: TemporalCost | null;
  problem: string | null;
}

async function takeRounds(
  bench: Bench,
  rounds: Rounds,
  seen: Collected,
  say: (line: string) => void,
): Promise<void> {
  const { running, place } = bench;
  let version = 2;
  for (let i = 0; i < rounds.warmUp; i++) await goodRound(bench, version++);
  for (let i = 0; i < Math.max(rounds.good, rounds.bad); i++) {
    if (i < rounds.good) {
      const counting = i === 0 && isSluice(running) ? await TemporalWatch.begin(place.cluster) : null;
      seen.good.push(await goodRound(bench, version++));
      if (counting !== null) seen.temporal = await counting.end(running as SluiceRunning, place.count);
      say(`${place.count} promoted`);
      // What still runs would be in the way of the next round.
      if (seen.good.at(-1)!.problem !== null) return;
    }
    if (i < rounds.bad) {
      seen.bad.push(await badRound(bench, version++));
      say(`${place.count} rolled back`);
    }
  }
  if (rounds.idle > 0) seen.idle = await idle(bench, rounds.idle);
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
