/** What the metrics say of a weight, by the analyses of all that it concerns; and waiting under that guard. */
import { condition, isCancellation } from '@temporalio/workflow';
import type { AnalyseInput, AnalyseResult } from '../activities/contract.js';
import { emptyTally, type AnalysisSettings } from '../domain/analysis.js';
import { milliseconds } from '../domain/duration.js';
import { failure } from '../domain/failures.js';
import { mayLeave } from '../domain/leaving.js';
import { entriesOf } from '../domain/member.js';
import { concerned, type Stage, type Step } from '../domain/stage.js';
import { type Target } from '../domain/target.js';
import { isForGray, type Traffic } from '../domain/traffic.js';
import { analyse } from './activities.js';
import { failureError, failureOf } from './failures.js';
import type { Run } from './run.js';
import { until } from './together.js';
import { weighed } from './traffic.js';

export type HoldStep = Extract<Step, { kind: 'hold' }>;

/** What the analyses of a hold came to together, and which of them were inconclusive. */
export type Judgement = AnalyseResult & { readonly doubtful: readonly Doubt[] };

/** Whose analysis was inconclusive, and why. */
export interface Doubt {
  readonly target: Target;
  readonly settings: AnalysisSettings;
  readonly why: string;
}

/** One analysis of each target; fails the step when one of them fails. */
export async function judge(
  run: Run,
  stage: Stage,
  step: HoldStep,
  durationMs: number,
  summary: string,
): Promise<Judgement> {
  const until = new Date(Date.now() + durationMs).toISOString();
  const judged = judgedIn(run, stage, step);
  const results = await untilOneFails(stage, judged, (one) => {
    const input = inputOf(run, stage, one, until);
    const { cluster } = one.target;
    return one.settings === null
      ? watch(cluster, input, summary, durationMs)
      : analyse(cluster, input, summary);
  });
  failOnBreach(run, stage, judged, results);
  const known = results.flatMap((result) => (result === null ? [] : [result]));
  const doubtful = judged.flatMap(({ target, settings }, i): Doubt[] => {
    const result = results[i];
    return settings !== null && result?.verdict === 'inconclusive'
      ? [{ target, settings, why: result.why }]
      : [];
  });
  const first =
    known.find((r) => r.verdict === 'inconclusive') ??
    results.find((r, i) => r !== null && judged[i]!.settings !== null) ??
    known[0]!;
  return { ...first, findings: known.flatMap((r) => r.findings), doubtful };
}

/** A hold without an analysis ends by its time, whether or not there is a worker to watch gray meanwhile. */
async function watch(
  cluster: string,
  input: AnalyseInput,
  summary: string,
  durationMs: number,
): Promise<AnalyseResult> {
  try {
    return await analyse(cluster, input, summary, durationMs + answerMs);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const why = `held, but gray could not be watched: ${failureOf(error).message}`;
    return { verdict: 'pass', why, tally: emptyTally, trafficRestored: false, findings: [] };
  }
}

/** How long an answer may take after the end of a hold, ms. */
const answerMs = 15_000;

/** Null for an analysis that was let go because another one failed. */
async function untilOneFails(
  stage: Stage,
  judged: readonly Judged[],
  act: (one: Judged) => Promise<AnalyseResult>,
): Promise<readonly (AnalyseResult | null)[]> {
  let failed: Judged | null = null;
  let over = false;
  const isLetGo = (one: Judged): boolean => over || (failed !== null && !maySpoil(stage, one, failed));
  const judging = judged.map((one) =>
    until(
      () => isLetGo(one),
      async () => {
        const result = await act(one);
        if (result.verdict === 'fail') failed ??= one;
        // Of this nobody else is the reason.
        if (result.lost === true) over = true;
        return result;
      },
    ),
  );
  const all = Promise.all(judging);
  const finish = (): void => void (over = true);
  all.then(finish, finish);
  await condition(() => over || failed !== null);
  const suspects = judged.filter((one) => !over && !isLetGo(one));
  // Its traffic is with stable already.
  if (suspects.length > 0) {
    const ms = Math.max(
      ...suspects.map(({ settings }) => (settings === null ? 0 : milliseconds(settings.interval))),
    );
    await condition(() => over, Math.min(ms + 1_000, longestSuspicionMs), { summary: 'who is to blame' });
    over = true;
  }
  return all;
}

/** How long those that may be the reason are waited for, ms. */
const longestSuspicionMs = 30_000;

/** Whether one that fails may do so for what this one answered it, so that only this one has to go back. */
const maySpoil = (stage: Stage, { target, beside = [] }: Judged, failed: Judged): boolean =>
  !mayLeave(stage, 'hold', failed.target.application) &&
  [target, ...beside].some(
    ({ level, application }) => level < failed.target.level && mayLeave(stage, 'hold', application),
  );

/** The first failing verdict ends the step, with what it saw, and what the guard did about the traffic. */
function failOnBreach(
  run: Run,
  stage: Stage,
  judged: readonly Judged[],
  results: readonly (AnalyseResult | null)[],
): void {
  const isLost = (i: number): boolean => results[i]?.lost === true;
  const lostFirst = [...judged.entries()].toSorted(([i], [j]) => Number(isLost(j)) - Number(isLost(i)));
  for (const [i, { target }] of lostFirst) {
    const result = results[i];
    if (result?.verdict !== 'fail') continue;
    const { why, whose = target.application } = result;
    run.record.keep(run.record.view().step ?? '', result.findings);
    if (result.trafficRestored) weighed(run, stage, 0);
    const reason =
      result.lost === true
        ? failure('gray_lost', { workload: whose, why })
        : failure('analysis_failed', { why });
    throw run.blame(whose, failureError(reason));
  }
}

/** A target with how it is judged. */
export interface Judged {
  readonly target: Target;
  /** Null: nothing is measured, gray is only watched. */
  readonly settings: AnalysisSettings | null;
  /** Others that are only watched. */
  readonly beside?: readonly Target[];
}

/** All of a hold whose gray takes requests; none where there is nothing to measure or to watch. */
export function judgedIn(run: Run, stage: Stage, step: Pick<HoldStep, 'of' | 'analysis'>): readonly Judged[] {
  const watches = run.changes.has('gray-is-watched-where-nothing-is-measured');
  const judged = concerned(stage, step).flatMap((target): Judged[] => {
    // Where nothing of a hold is judged, as on the way back, nothing of it is, whatever the application says.
    const settings =
      step.analysis === null || target.analysis === undefined ? step.analysis : target.analysis;
    const isWatched = settings !== null || (watches && target.route !== null);
    return isWatched ? [{ target, settings }] : [];
  });
  return run.changes.has('gray-is-watched-while-a-person-is-waited-for') ? inOneWatch(judged) : judged;
}

const namesOf = ({ target, beside = [] }: Judged): string =>
  [target, ...beside].map(({ application }) => application).join(', ');

/** One activity watches all of which nothing is measured; not in other clusters, whose workers may be older and know of one only. */
function inOneWatch(judged: readonly Judged[]): readonly Judged[] {
  const watched = judged.filter(({ settings }) => settings === null).map(({ target }) => target);
  return judged.flatMap((one): Judged[] => {
    if (one.settings !== null || one.target.cluster !== 'default') return [one];
    const [first, ...beside] = watched.filter(({ cluster }) => cluster === 'default');
    return first === one.target ? [{ ...one, beside }] : [];
  });
}

/**
 * Waits for something while gray is guarded: a failing verdict ends the waiting. What only tagged requests go to is only watched.
 * @param judges whether a share is measured
 */
export async function guardWhile(
  run: Run,
  stage: Stage,
  traffic: Traffic,
  waiting: () => Promise<unknown>,
  judges = true,
): Promise<void> {
  const judged = guardedIn(run, stage, traffic, judges);
  if (judged.length === 0) {
    await waiting();
    return;
  }
  let over = false;
  const finish = (): void => {
    over = true;
  };
  const waited = waiting();
  waited.then(finish, finish);
  const guards = judged.map(async (one) => {
    const summary =
      traffic.gray === 0 ? `watches gray of ${namesOf(one)}` : `guards ${traffic.gray} % of ${namesOf(one)}`;
    const patient = traffic.gray === 0 ? { patient: true } : {};
    const result = await until(
      () => over,
      () => analyse(one.target.cluster, { ...inputOf(run, stage, one, null), ...patient }, summary),
    );
    finish();
    return result;
  });
  failOnBreach(run, stage, judged, await Promise.all(guards));
  await waited;
}

function guardedIn(run: Run, stage: Stage, traffic: Traffic, judges: boolean): readonly Judged[] {
  if (!isForGray(traffic)) return [];
  const watchesTagged = run.changes.has('gray-is-watched-while-a-person-is-waited-for');
  if (traffic.gray === 0) return watchesTagged ? judgedIn(run, stage, { analysis: null }) : [];
  const holds = stage.steps.filter((s): s is HoldStep => s.kind === 'hold');
  const planned = holds.find((s) => s.analysis !== null) ?? holds[0];
  return judgedIn(run, stage, judges && planned !== undefined ? planned : { analysis: null });
}

function inputOf(
  run: Run,
  stage: Stage,
  { target, settings, beside = [] }: Judged,
  until: string | null,
): AnalyseInput {
  const routes = entriesOf(stage, stage.targets).flatMap(({ route }) => (route === null ? [] : [route]));
  const guard = routes.length === 0 ? null : { routes, seq: run.currentSeq };
  const since = run.graySince === null ? {} : { since: run.graySince };
  const others = beside.length === 0 ? {} : { beside };
  return { release: run.inputs.id, target, settings, until, guard, ...others, ...since };
}
