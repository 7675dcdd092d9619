/** Holding a weight: for a time, judged by metrics, and never alone. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { AnalyseInput, AnalyseResult, Finding } from '../activities/contract.js';
import type { AnalysisSettings } from '../domain/analysis.js';
import { milliseconds } from '../domain/duration.js';
import { failure } from '../domain/failures.js';
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

/** What the analyses of a hold came to together, and which application that is about. */
type Judgement = AnalyseResult & Pick<Target, 'application'>;

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
    return holdLonger(run, stage, settings, step, result);
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
  settings: AnalysisSettings,
  step: HoldStep,
  first: Judgement,
): Promise<Held> {
  run.startDeadline(milliseconds(settings.inconclusiveDeadline));
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
  let { why, application } = first;
  let leftMs = milliseconds(settings.inconclusiveDeadline);
  for (let waitedMs = 0; leftMs > 0; leftMs += run.takeExtraMs()) {
    // Longer with the time waited, so that a week of doubt does not fill the history.
    const patienceMs = Math.min(leftMs, Math.max(2 * milliseconds(settings.interval), waitedMs / 20));
    leftMs -= patienceMs;
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
    ({ why, application } = result ?? { why, application });
    run.record.retell(doubt(step, why));
  }
  if (settings.onInconclusive === 'pass')
    return { result: `inconclusive, passed by policy: ${why}`, findings: [] };
  throw run.blame(application, failureError(failure('analysis_inconclusive', { why })));
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
  const results = await untilOneFails(
    judged.map((one) => () => analyse(one.target.cluster, inputOf(run, stage, one, until), summary)),
  );
  failOnBreach(run, stage, judged, results);
  const known = results.flatMap((result, i) =>
    result === null ? [] : [{ ...result, application: judged[i]!.target.application }],
  );
  const doubtful = known.find((r) => r.verdict === 'inconclusive');
  const findings = known.flatMap((r) => r.findings);
  return { ...(doubtful ?? known[0]!), findings };
}

/** Null for an analysis that was let go because another one failed. */
async function untilOneFails(
  acts: readonly (() => Promise<AnalyseResult>)[],
): Promise<readonly (AnalyseResult | null)[]> {
  let failed = false;
  return Promise.all(
    acts.map((act) =>
      until(
        () => failed,
        async () => {
          const result = await act();
          failed ||= result.verdict === 'fail';
          return result;
        },
      ),
    ),
  );
}

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
