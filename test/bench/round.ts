/** One candidate at one size: good releases, then releases whose metric breaks, then a while of nothing. */
import { requestsIn, type Requests } from './audit.js';
import {
  applicationName,
  forAll,
  pause,
  weights,
  type Candidate,
  type Place,
  type Running,
} from './candidates/candidate.js';
import { cpuSeconds, CpuWatch, memory, MemoryWatch } from './processes.js';
import { firstWeightAt, holdsOf, returnedAt, WeightWatch } from './weights.js';

/** Raw figures: milliseconds, seconds of CPU, MiB. */
export interface GoodRound {
  /** From the first request to the end of the last release. */
  readonly allMs: number;
  /** From asking to the first weight, for each release. */
  readonly firstWeightMs: readonly number[];
  /** Times between two weights. */
  readonly holdsMs: readonly number[];
  readonly requests: Requests;
  /** By process, while the releases ran. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Of the controller or worker, for one release. */
  readonly cpuSecondsPerRelease: number;
  /** Most that the controller or worker held while they ran. */
  readonly memoryMiB: number;
  /** Why it is not whole. */
  readonly problem: string | null;
}

export interface BadRound {
  readonly firstWeightMs: readonly number[];
  /** From the first failing answer to weight 0 of each application, in the order of their ends. */
  readonly answeredToZeroMs: readonly number[];
  /** Releases that were past their last judged weight before the metric broke. */
  readonly escaped: number;
  /** Why it is not whole. */
  readonly problem: string | null;
}

export interface Idle {
  readonly seconds: number;
  readonly requests: Requests;
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
}

export interface Bench {
  readonly place: Place;
  readonly candidate: Candidate;
  readonly running: Running;
  readonly watch: WeightWatch;
}

const last = weights.at(-1)!;
const deadlineMs = 300_000;
const returnDeadlineMs = 60_000;
const broken = 50;
const whole = 100;

export async function goodRound(
  { place, candidate, running, watch }: Bench,
  version: number,
): Promise<GoodRound> {
  const { cluster, count } = place;
  await cluster.answer(whole);
  watch.clear();
  const held = new MemoryWatch(running.pid());
  const used = new CpuWatch(cluster.pids());
  const begun = Date.now();
  const asked = await askAll(running, count, version);
  const problem = await problemOf(running.ended('promoted', deadlineMs));
  const over = Date.now();
  const spent = used.end();
  // What the candidate does shortly after the end belongs to the release.
  await pause(1_500);
  return {
    allMs: over - begun,
    firstWeightMs: firstWeights(watch, asked),
    holdsMs: names(count).flatMap((name) => holdsOf(watch.of(name), last)),
    requests: await requestsIn(cluster.info.auditLog, candidate.agent, begun),
    cpuSeconds: spent,
    cpuSecondsPerRelease: spent[running.process]! / count,
    memoryMiB: held.end(),
    problem,
  };
}

export async function badRound({ place, running, watch }: Bench, version: number): Promise<BadRound> {
  const { cluster, count } = place;
  await cluster.answer(whole);
  watch.clear();
  const asked = await askAll(running, count, version);
  await untilAllReached(watch, count, weights[1]);
  const from = Date.now();
  const carrying = names(count).filter((name) => isBetween(watch.of(name).at(-1)?.weight ?? 0));
  await cluster.answer(broken);
  const problem = await problemOf(running.ended('either', deadlineMs));
  const { firstAt } = await cluster.asked();
  if (firstAt === null) throw new Error('nobody asked for the metric once it was broken');
  // One that had its last good answer just before is promoted.
  const judged = carrying.filter((name) => !watch.of(name).some((s) => s.at > from && s.weight > last));
  // Argo calls a Rollout Degraded before it writes its route.
  const ends = await returns(watch, judged, from);
  return {
    firstWeightMs: firstWeights(watch, asked),
    answeredToZeroMs: ends.map((at) => at - firstAt).toSorted((a, b) => a - b),
    escaped: count - judged.length,
    problem,
  };
}

/** What was seen until then counts, also where not every release ended as it should. */
const problemOf = (ended: Promise<void>): Promise<string | null> =>
  ended.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

/** When traffic was back, of each. */
async function returns(watch: WeightWatch, names: readonly string[], from: number): Promise<number[]> {
  const until = Date.now() + returnDeadlineMs;
  for (;;) {
    const ends = names.flatMap((name) => returnedAt(watch.of(name), from) ?? []);
    if (ends.length === names.length && ends.length > 0) return ends;
    if (Date.now() > until)
      throw new Error(`of ${names.length} routes only ${ends.length} were seen to return`);
    await pause(100);
  }
}

const isBetween = (weight: number): boolean => weight > 0 && weight <= last;

/** What it costs to have rolled back: nothing is asked for any more. */
export async function idle({ place, candidate, running }: Bench, seconds: number): Promise<Idle> {
  await pause(500);
  const before = cpuSeconds(running.pid());
  const from = Date.now();
  await pause(seconds * 1_000);
  const used = cpuSeconds(running.pid()) - before;
  await pause(500);
  const { auditLog } = place.cluster.info;
  const requests = await requestsIn(auditLog, candidate.agent, from, from + seconds * 1_000);
  return { seconds, requests, cpuSeconds: used, memoryMiB: memory(running.pid()).now };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => applicationName(i));

/** Answers when each was asked. */
async function askAll(running: Running, count: number, version: number): Promise<number[]> {
  const asked: number[] = [];
  await forAll(count, async (i) => {
    asked[i] = Date.now();
    await running.ask(i, version);
  });
  return asked;
}

function firstWeights(watch: WeightWatch, asked: readonly number[]): number[] {
  return asked.flatMap((from, i) => {
    const first = firstWeightAt(watch.of(applicationName(i)));
    return first === null ? [] : [first - from];
  });
}

async function untilAllReached(watch: WeightWatch, count: number, weight: number): Promise<void> {
  const until = Date.now() + deadlineMs;
  const reached = (name: string): boolean => watch.of(name).some((seen) => seen.weight >= weight);
  while (!names(count).every(reached)) {
    if (Date.now() > until) throw new Error(`not every route reached ${weight} %`);
    await pause(50);
  }
}
