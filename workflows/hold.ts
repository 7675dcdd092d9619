/** Holding a weight: for a time, judged by metrics, and never alone. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { AnalyseInput, AnalyseResult, Finding } from '../activities/contract.js';
import type { AnalysisSettings } from '../domain/analysis.js';
import { milliseconds } from '../domain/duration.js';
import { failure } from '../domain/failures.js';
import { mayLeave } from '../domain/leaving.js';
import { entriesOf } from '../domain/member.js';
import { concerned, type Stage, type Step } from '../domain/stage.js';
import { type Target } from '../domain/target.js';
import { analyse } from './activities.js';
import { failureError } from './failures.js';
import type { Run } from './run.js';
import { weighed } from './traffic.js';

interface Held {
  readonly result: string | null;
  readonly findings: readonly Finding[];
}

/** What the analyses of a hold came to together, and which of them were inconclusive. */
type Judgement = AnalyseResult & { readonly doubtful: readonly Doubt[] };

type HoldStep = Extract<Step, { kind: 'hold' }>;

/**
 * Holds for the step's time; on an inconclusive verdict longer, until it is conclusive, somebody decides, or the deadline passes.
 * Somebody may end it, or give it more time.
 */
export async function hold(run: Run, stage: Stage, step: HoldStep): Promise<Held> {
  run.startDeadline(step.durationMs);
  run.holding = true;
  run.skipped = null;
  run.goOn = null;
  run.record.waitInStep({ what: whatOf(step), until: run.deadline, can: steeringOf(step) });
  try {
    return step.analysis === null ? await rest(run, step) : await judged(run, stage, step, step.analysis);
  } finally {
    run.holding = false;
    run.endDeadline();
    run.record.go();
  }
}

const whatOf = ({ weight, pods, analysis }: HoldStep): string => {
  if (pods !== undefined) return `the hold with ${pods} pod(s) of the new version to end`;
  const judged = analysis === null ? '' : `, judged every ${analysis.interval}`;
  return weight === 0
    ? `the look at tagged requests to end${judged}`
    : `the hold at ${weight} % to end${judged}`;
};

const steeringOf = ({ weight }: HoldStep): readonly string[] =>
  weight === 0
    ? ['pause', 'skip', 'extend', 'abort']
    : ['pause', 'skip', 'extend', 'weight', 'promote', 'abort'];

async function rest(run: Run, { summary, durationMs }: HoldStep): Promise<Held> {
  await run.meets(() => run.cutShort !== null, durationMs, summary);
  return endedBy(run) ?? { result: 'held, nothing was judged', findings: [] };
}

async function judged(run: Run, stage: Stage, step: HoldStep, settings: AnalysisSettings): Promise<Held> {
  for (let ms = step.durationMs; ;) {
    const result = await judgeUnlessCut(run, stage, step, settings, ms, step.summary);
    const ended = endedBy(run);
    if (ended !== null || result === null) return ended ?? { result: null, findings: [] };
    ms = run.takeExtraMs();
    if (ms > 0) {
      // It was given more time; what was seen so far is kept.
      run.record.keep(step.id, result.findings);
      continue;
    }
    if (result.verdict === 'pass') return { result: result.why, findings: result.findings };
    return holdLonger(run, stage, step, settings, result);
  }
}

/** What a hold ended with that somebody cut short; null: nobody did. */
function endedBy(run: Run): Held | null {
  const { cutShort, detour } = run;
  if (cutShort === null) return null;
  const what = detour === null ? 'ended the hold' : 'asked for another way';
  return { result: `${cutShort.by.name} ${what}: ${cutShort.reason}`, findings: [] };
}

async function holdLonger(
  run: Run,
  stage: Stage,
  step: HoldStep,
  settings: AnalysisSettings,
  first: Judgement,
): Promise<Held> {
  run.startDeadline(decisionOf(first.doubtful).afterMs);
  run.record.keep(step.id, first.findings);
  run.ask('inconclusive');
  run.record.wait({
    what: doubt(step, first.why),
    until: run.deadline,
    can: ['resume', ...steeringOf(step)],
  });
  try {
    return await untilConclusive(run, stage, step, settings, first);
  } finally {
    run.answered();
  }
}

const doubt = ({ weight }: HoldStep, why: string): string => `a conclusive analysis at ${weight} %: ${why}`;

async function untilConclusive(
  run: Run,
  stage: Stage,
  step: HoldStep,
  settings: AnalysisSettings,
  first: Judgement,
): Promise<Held> {
  let { why, doubtful } = first;
  let decision = decisionOf(doubtful);
  let [waitedMs, extraMs] = [0, 0];
  while (waitedMs < decision.afterMs + extraMs) {
    const leftMs = decision.afterMs + extraMs - waitedMs;
    // Longer with the time waited, so that a week of doubt does not fill the history.
    const patienceMs = Math.min(leftMs, Math.max(2 * milliseconds(settings.interval), waitedMs / 20));
    waitedMs += patienceMs;
    const summary = `still inconclusive: ${why}`;
    const result = await judgeUnlessCut(run, stage, step, settings, patienceMs, summary);
    const ended = endedBy(run);
    if (ended !== null) return ended;
    if (run.goOn !== null)
      return {
        result: `${run.goOn.by.name} went on although inconclusive: ${run.goOn.reason}`,
        findings: [],
      };
    if (result?.verdict === 'pass') return { result: result.why, findings: result.findings };
    ({ why, doubtful } = result ?? { why, doubtful });
    extraMs += run.takeExtraMs();
    const last = decision;
    decision = decisionOf(doubtful);
    run.record.retell(doubt(step, why));
    if (decision.afterMs === last.afterMs) continue;
    run.startDeadline(decision.afterMs + extraMs - waitedMs);
    run.record.waitLonger(run.deadline!);
  }
  const { blamed } = decision;
  if (blamed === null) return { result: `inconclusive, passed by policy: ${why}`, findings: [] };
  throw run.blame(
    blamed.target.application,
    failureError(failure('analysis_inconclusive', { why: blamed.why })),
  );
}

/** Whose analysis was inconclusive, and why. */
type Doubt = Judged & { readonly why: string };

interface Decision {
  readonly afterMs: number;
  /** Null: it passes. */
  readonly blamed: Doubt | null;
}

/** What ends a doubt that stays: the first deadline of those that go back then; else the last of those that pass. */
function decisionOf(doubtful: readonly Doubt[]): Decision {
  const deadlineOf = ({ settings }: Judged): number => milliseconds(settings.inconclusiveDeadline);
  const [first] = doubtful
    .filter(({ settings }) => settings.onInconclusive !== 'pass')
    .toSorted((a, b) => deadlineOf(a) - deadlineOf(b));
  return first === undefined
    ? { afterMs: Math.max(...doubtful.map(deadlineOf)), blamed: null }
    : { afterMs: deadlineOf(first), blamed: first };
}

/** Null: somebody ended it first. */
async function judgeUnlessCut(
  run: Run,
  stage: Stage,
  step: HoldStep,
  settings: AnalysisSettings,
  durationMs: number,
  summary: string,
): Promise<Judgement | null> {
  return until(
    () => run.goOn !== null || run.cutShort !== null,
    () => judge(run, stage, step, settings, durationMs, summary),
  );
}

/** One analysis of each target; fails the step when one of them fails. */
async function judge(
  run: Run,
  stage: Stage,
  step: HoldStep,
  settings: AnalysisSettings,
  durationMs: number,
  summary: string,
): Promise<Judgement> {
  const until = new Date(Date.now() + durationMs).toISOString();
  const judged = judgedIn(stage, step, settings);
  const results = await untilOneFails(stage, judged, (one) =>
    analyse(one.target.cluster, inputOf(run, stage, one, until), summary),
  );
  failOnBreach(run, stage, judged, results);
  const known = results.flatMap((result) => (result === null ? [] : [result]));
  const doubtful = judged.flatMap((one, i) => {
    const result = results[i];
    return result?.verdict === 'inconclusive' ? [{ ...one, why: result.why }] : [];
  });
  const first = known.find((r) => r.verdict === 'inconclusive') ?? known[0]!;
  return { ...first, findings: known.flatMap((r) => r.findings), doubtful };
}

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
    const ms = Math.max(...suspects.map(({ settings }) => milliseconds(settings.interval)));
    await condition(() => over, Math.min(ms + 1_000, longestSuspicionMs), { summary: 'who is to blame' });
    over = true;
  }
  return all;
}

/** How long those that may be the reason are waited for, ms. */
const longestSuspicionMs = 30_000;

/** Whether one that fails may do so for what this one answered it, so that only this one has to go back. */
const maySpoil = (stage: Stage, { target }: Judged, failed: Judged): boolean =>
  target.level < failed.target.level &&
  mayLeave(stage, 'hold', target.application) &&
  !mayLeave(stage, 'hold', failed.target.application);

/** The first failing verdict ends the step, with what it saw, and what the guard did about the traffic. */
function failOnBreach(
  run: Run,
  stage: Stage,
  judged: readonly Judged[],
  results: readonly (AnalyseResult | null)[],
): void {
  for (const [i, { target }] of judged.entries()) {
    const result = results[i];
    if (result?.verdict !== 'fail') continue;
    run.record.keep(run.record.view().step ?? '', result.findings);
    if (result.trafficRestored) weighed(run, stage, 0);
    throw run.blame(target.application, failureError(failure('analysis_failed', { why: result.why })));
  }
}

/** A target with how it is judged. */
interface Judged {
  readonly target: Target;
  readonly settings: AnalysisSettings;
}

function judgedIn(stage: Stage, step: Pick<Step, 'of'>, settings: AnalysisSettings): readonly Judged[] {
  return concerned(stage, step).flatMap((target): Judged[] => {
    const own = target.analysis === undefined ? settings : target.analysis;
    return own === null ? [] : [{ target, settings: own }];
  });
}

/** Waits for something with the weight under guard: a failing verdict ends the waiting. */
export async function guardWhile(
  run: Run,
  stage: Stage,
  weight: number,
  waiting: () => Promise<unknown>,
): Promise<void> {
  const held = stage.steps.find((s): s is HoldStep => s.kind === 'hold' && s.analysis !== null);
  if (weight === 0 || held === undefined) {
    await waiting();
    return;
  }
  let over = false;
  const finish = (): void => {
    over = true;
  };
  const waited = waiting();
  waited.then(finish, finish);
  const judged = judgedIn(stage, held, held.analysis!);
  const guards = judged.map(async (one) => {
    const summary = `guards ${weight} % of ${one.target.application}`;
    const result = await until(
      () => over,
      () => analyse(one.target.cluster, inputOf(run, stage, one, null), summary),
    );
    finish();
    return result;
  });
  failOnBreach(run, stage, judged, await Promise.all(guards));
  await waited;
}

function inputOf(run: Run, stage: Stage, { target, settings }: Judged, until: string | null): AnalyseInput {
  const routes = entriesOf(stage, stage.targets).flatMap(({ route }) => (route === null ? [] : [route]));
  const guard = routes.length === 0 ? null : { routes, seq: run.currentSeq };
  const since = run.graySince === null ? {} : { since: run.graySince };
  return { release: run.inputs.id, target, settings, until, guard, ...since };
}

/** Runs `act` until it ends or the condition holds, which cancels it; answers null then. */
export async function until<T>(met: () => boolean, act: () => Promise<T>): Promise<T | null> {
  const scope = new CancellationScope();
  let ended = false;
  const acting = scope.run(act).finally(() => (ended = true));
  acting.catch(() => undefined);
  await condition(() => met() || ended);
  if (ended) return acting;
  scope.cancel();
  return acting.catch((error: unknown) => {
    if (isCancellation(error)) return null;
    throw error;
  });
}
