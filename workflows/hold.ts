/** Holding a weight: for a time, judged by metrics, and never alone. */
import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import type { AnalyseResult, Finding } from '../activities/contract.js';
import type { AnalysisSettings } from '../domain/analysis.js';
import { milliseconds } from '../domain/duration.js';
import type { Stage, Step } from '../domain/plan.js';
import { analyse } from './activities.js';
import { fail } from './failures.js';
import type { Run } from './run.js';

interface Held {
  readonly result: string | null;
  readonly findings: readonly Finding[];
}

/** Holds for the step's time; on an inconclusive verdict longer, until it is conclusive, somebody decides, or the deadline passes. */
export async function hold(run: Run, stage: Stage, step: Extract<Step, { kind: 'hold' }>): Promise<Held> {
  const settings = step.analysis;
  if (settings === null) {
    await sleep(step.durationMs, { summary: step.summary });
    return { result: 'held, nothing was judged', findings: [] };
  }
  const first = await judge(run, stage, settings, step.durationMs, step.summary);
  if (first.verdict === 'pass') return { result: first.why, findings: first.findings };
  return holdLonger(run, stage, settings, step, first);
}

async function holdLonger(
  run: Run,
  stage: Stage,
  settings: AnalysisSettings,
  step: Extract<Step, { kind: 'hold' }>,
  first: AnalyseResult,
): Promise<Held> {
  const deadlineMs = Date.now() + milliseconds(settings.inconclusiveDeadline);
  run.record.keep(step.id, first.findings);
  run.ask('inconclusive');
  run.record.wait({
    what: `a conclusive analysis at ${step.weight} %: ${first.why}`,
    until: new Date(deadlineMs).toISOString(),
    can: ['resume', 'abort'],
  });
  try {
    return await untilConclusive(run, stage, settings, deadlineMs, first.why);
  } finally {
    run.answered();
    run.record.go();
  }
}

async function untilConclusive(
  run: Run,
  stage: Stage,
  settings: AnalysisSettings,
  deadlineMs: number,
  firstWhy: string,
): Promise<Held> {
  let why = firstWhy;
  const since = Date.now();
  while (Date.now() < deadlineMs) {
    // Longer with the time waited, so that a week of doubt does not fill the history.
    const patienceMs = Math.min(
      deadlineMs - Date.now(),
      Math.max(2 * milliseconds(settings.interval), (Date.now() - since) / 20),
    );
    const result = await until(
      () => run.goOn !== null,
      () => judge(run, stage, settings, patienceMs, `still inconclusive: ${why}`),
    );
    if (run.goOn !== null)
      return {
        result: `${run.goOn.by.name} went on although inconclusive: ${run.goOn.reason}`,
        findings: [],
      };
    if (result?.verdict === 'pass') return { result: result.why, findings: result.findings };
    why = result?.why ?? why;
  }
  if (settings.onInconclusive === 'pass')
    return { result: `inconclusive, passed by policy: ${why}`, findings: [] };
  return fail('analysis_inconclusive', { why });
}

/** One analysis over all targets; fails the step when one of them fails. */
async function judge(
  run: Run,
  stage: Stage,
  settings: AnalysisSettings,
  durationMs: number,
  summary: string,
): Promise<AnalyseResult> {
  const until = new Date(Date.now() + durationMs).toISOString();
  const results = await Promise.all(
    stage.targets.map((t) => analyse(t.cluster, inputOf(run, t, settings, until), summary)),
  );
  failOnBreach(run, stage, results);
  return results.find((r) => r.verdict === 'inconclusive') ?? results[0]!;
}

/** The first failing verdict ends the step, with what it saw, and what the guard did about the traffic. */
function failOnBreach(run: Run, stage: Stage, results: readonly (AnalyseResult | null)[]): void {
  for (const [i, result] of results.entries()) {
    if (result?.verdict !== 'fail') continue;
    run.record.keep(run.record.view().step ?? '', result.findings);
    if (result.trafficRestored) run.record.weigh(stage.targets[i]!.application, 0);
    fail('analysis_failed', { why: result.why });
  }
}

/** Waits for something with the weight under guard: a failing verdict ends the waiting. */
export async function guardWhile(
  run: Run,
  stage: Stage,
  weight: number,
  waiting: () => Promise<unknown>,
): Promise<void> {
  const settings = stage.steps.flatMap((s) =>
    s.kind === 'hold' && s.analysis !== null ? [s.analysis] : [],
  )[0];
  if (weight === 0 || settings === undefined) {
    await waiting();
    return;
  }
  let over = false;
  const finish = (): void => {
    over = true;
  };
  const waited = waiting();
  waited.then(finish, finish);
  const guards = stage.targets.map(async (target) => {
    const summary = `guards ${weight} % of ${target.application}`;
    const result = await until(
      () => over,
      () => analyse(target.cluster, inputOf(run, target, settings, null), summary),
    );
    finish();
    return result;
  });
  failOnBreach(run, stage, await Promise.all(guards));
  await waited;
}

function inputOf(
  run: Run,
  target: Stage['targets'][number],
  settings: AnalysisSettings,
  until: string | null,
) {
  const guard = target.route === null ? null : { route: target.route, seq: run.currentSeq };
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
