/** Holding a weight: for a time, judged by metrics, and never alone. */
import type { Finding } from '../activities/contract.js';
import type { AnalysisSettings } from '../domain/analysis.js';
import { milliseconds } from '../domain/duration.js';
import { failure } from '../domain/failures.js';
import type { Stage } from '../domain/stage.js';
import { failureError } from './failures.js';
import { judge, judgedIn, type Doubt, type HoldStep, type Judgement } from './judge.js';
import type { Run } from './run.js';
import { until } from './together.js';

interface Held {
  readonly result: string | null;
  readonly findings: readonly Finding[];
}

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
    const isJudged = judgedIn(run, stage, step).length > 0;
    return isJudged ? await judged(run, stage, step) : await rest(run, step);
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

async function judged(run: Run, stage: Stage, step: HoldStep): Promise<Held> {
  for (let ms = step.durationMs; ;) {
    const result = await judgeUnlessCut(run, stage, step, ms, step.summary);
    const ended = endedBy(run);
    if (ended !== null || result === null) return ended ?? { result: null, findings: [] };
    ms = run.takeExtraMs();
    if (ms > 0) {
      // It was given more time; what was seen so far is kept.
      run.record.keep(step.id, result.findings);
      continue;
    }
    if (result.verdict === 'pass' || step.analysis === null)
      return { result: result.why, findings: result.findings };
    return holdLonger(run, stage, step, step.analysis, result);
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
    const result = await judgeUnlessCut(run, stage, step, patienceMs, summary);
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

interface Decision {
  readonly afterMs: number;
  /** Null: it passes. */
  readonly blamed: Doubt | null;
}

/** What ends a doubt that stays: the first deadline of those that go back then; else the last of those that pass. */
function decisionOf(doubtful: readonly Doubt[]): Decision {
  const deadlineOf = ({ settings }: Doubt): number => milliseconds(settings.inconclusiveDeadline);
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
  durationMs: number,
  summary: string,
): Promise<Judgement | null> {
  return until(
    () => run.goOn !== null || run.cutShort !== null,
    () => judge(run, stage, step, durationMs, summary),
  );
}
