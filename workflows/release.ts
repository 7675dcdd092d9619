/** A release: from a request to its end, through the stages of its plan. */
import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import { failure, type Failure } from '../domain/failures.js';
import { stageWithout } from '../domain/leaving.js';
import { turnsIn } from '../domain/turns.js';
import { replanned, stageNamed, stageNames } from '../domain/plan.js';
import { type Stage } from '../domain/stage.js';
import type { EndedPhase, HistoryEntry, ReleaseInputs } from '../domain/release.js';
import { failureError, failureOf } from './failures.js';
import { questionAt } from './gates.js';
import { grayAgain } from './gray-again.js';
import type { ReleaseResult, Steering, Turn } from './messages.js';
import { patience, resolveImages, type Images } from './images.js';
import { makePlan } from './planning.js';
import { gateText } from '../domain/stage-order.js';
import { rollbackNeedless, stableMoved } from '../domain/way-back.js';
import { closeLane, isPromotedLane, rollBack } from './rollback.js';
import { until } from './together.js';
import { Run } from './run.js';
import { nothingReached, type Reached } from './steps.js';
import { Turns } from './turn.js';
import { walk } from './walk.js';

interface Ending {
  readonly phase: EndedPhase;
  readonly failure: Failure | null;
  readonly left: readonly string[];
}

const success: Ending = { phase: 'succeeded', failure: null, left: [] };

export async function release(inputs: ReleaseInputs): Promise<ReleaseResult> {
  const run = new Run(inputs);
  const turns = new Turns(run);
  // A cancellation by Temporal is an abort: it undoes, and cannot interrupt the undoing.
  CancellationScope.current().cancelRequested.catch(() =>
    run.requestAbort('Temporal', 'the workflow was cancelled'),
  );
  return CancellationScope.nonCancellable(async () => {
    const ending = await conduct(run, turns);
    if (ending.phase !== 'failed' || !inputs.planOnly)
      run.record.finish(ending.phase, ending.failure, ending.left);
    await turns.giveBack(null, (turn) => entryOf(run, turn, ending));
    await condition(allHandlersFinished);
    // A refused release leaves its id free, so that the same request may come again.
    if (run.submitted !== null && run.submitted.problems.length > 0) throw failureError(ending.failure!);
    return { phase: ending.phase, view: run.record.view() };
  });
}

async function conduct(run: Run, turns: Turns): Promise<Ending> {
  const { rollbackOf } = run.inputs.request;
  if (rollbackOf !== undefined) run.record.note('note', `This rolls back release ${rollbackOf}.`);
  run.record.expect(looking('the images and clusters', patience.attendedMs));
  const { images, problems } = await resolveImages(run);
  if (problems.length > 0)
    return refuse(run, [...problems, ...(await furtherProblems(run, images, problems))]);
  const held = await askFirstTurns(run, turns, images);
  if (typeof held === 'object') return refuse(run, [held]);

  const planning = await makePlan(run, images);
  if (planning.plan === null) return refuse(run, planning.problems);
  const needless = rollbackNeedless(planning.plan);
  if (needless !== null) return refuse(run, [needless]);
  run.record.follow(planning.plan);
  if (!run.inputs.planOnly) run.record.keepDeclared(planning.plan);
  run.record.note('note', `Plan ${planning.plan.hash}.`);
  for (const warning of planning.plan.warnings) run.record.note('note', warning);
  run.record.expect(null);
  run.submitted = { phase: run.record.phase, plan: planning.plan, problems: [] };
  if (run.inputs.planOnly) return success;

  for (const [i, { environment, targets }] of planning.plan.stages.entries()) {
    if (targets.every((t) => run.gone.has(t.application))) continue;
    const fresh = i === 0 && held;
    const obstacle = fresh ? null : await prepareStage(run, turns, environment, images);
    if (obstacle !== null) return obstacle;
    const stage = stageNamed(run.record.plan!, environment)!;
    for (const gate of stage.gates ?? []) run.record.note('note', `${gateText(gate)}.`);
    const ending = await carryOut(run, stage);
    if (ending !== null) return ending;
    // After the last one the release ends at once, so that no abort is taken that comes too late.
    if (i < planning.plan.stages.length - 1)
      await turns.giveBack(environment, (turn) => entryOf(run, turn, success));
  }
  return { ...success, left: run.left };
}

const looking = (at: string, patienceMs: number) => ({
  what: `${at} to be looked at`,
  until: new Date(Date.now() + patienceMs).toISOString(),
  can: ['abort'],
});

/** What else is wrong, so that one answer names it all; not after a registry that took all the time there is. */
async function furtherProblems(
  run: Run,
  images: Images,
  problems: readonly Failure[],
): Promise<readonly Failure[]> {
  return problems.some((p) => p.retryable) ? [] : (await makePlan(run, images)).problems;
}

/** Refused: nothing was changed. */
function refuse(run: Run, problems: readonly Failure[]): Ending {
  run.submitted = { phase: 'failed', plan: null, problems };
  const only =
    problems.length === 1
      ? problems[0]!
      : failure('release_refused', { problems: problems.map((p) => p.message) });
  return { phase: 'failed', failure: only, left: [] };
}

/** Answers whether the turns in the first environment were granted at once; or why the policy refuses. */
async function askFirstTurns(run: Run, turns: Turns, images: Images): Promise<boolean | Failure> {
  if (run.inputs.planOnly) return true;
  const { applications, request } = run.inputs;
  const [first] = run.changes.has('first-turns-are-of-the-first-stage')
    ? stageNames(applications, request.environment)
    : applications[0]!.environments.map((e) => e.name);
  const environment = request.wayBack?.stages[0]?.environment ?? request.environment ?? first!;
  try {
    for (const turn of turnsIn(run.inputs, environment)) {
      const isOwn = turn.environment === environment;
      const spec = applications.find((a) => isOwn && a.name === turn.application);
      const declared = spec?.environments.find((e) => e.name === environment);
      const policy = declared?.release?.queue ?? spec?.release?.queue ?? 'wait';
      if (!(await turns.ask({ ...turn, ...questionAt(run, images, turn) }, policy))) return false;
    }
    return true;
  } catch (error) {
    return failureOf(error);
  }
}

/** Waits for the turns and looks again: while it waited, or in the stages before, the cluster may have changed. */
async function prepareStage(
  run: Run,
  turns: Turns,
  environment: string,
  images: Images,
): Promise<Ending | null> {
  const index = run.record.plan!.stages.findIndex((s) => s.environment === environment);
  const stage = run.record.plan!.stages[index]!;
  // Half-way through its environments a release is not refused any more.
  const policy = index > 0 && stage.queue === 'refuse' ? 'wait' : stage.queue;
  let atOnce = index > 0;
  run.record.phase = 'queued';
  for (const turn of turnsIn(run.inputs, environment)) {
    try {
      const by = turn.environment === environment ? policy : 'wait';
      const asked = { ...turn, ...questionAt(run, images, turn) };
      const taken = await turns.take(asked, by, stage.queueDeadlineMs);
      if (taken === null && run.aborted !== null)
        return { phase: 'cancelled', failure: run.aborted, left: run.left };
      if (taken === null) return { phase: 'failed', failure: failure('queue_expired', turn), left: run.left };
      atOnce &&= taken === 'at once';
    } catch (error) {
      return { phase: 'failed', failure: failureOf(error), left: run.left };
    }
  }
  run.record.expect(looking(`${environment}, now that it is its turn,`, patience.unattendedMs));
  const planning = await until(
    () => run.aborted !== null,
    () => makePlan(run, images, patience.unattendedMs, index),
  );
  if (run.aborted !== null) return { phase: 'cancelled', failure: run.aborted, left: run.left };
  if (planning?.plan == null) return { phase: 'failed', failure: planning!.problems[0]!, left: run.left };
  const moved = stableMoved(
    run.inputs.request,
    stageNamed(planning.plan, environment)!,
    atOnce ? stage : null,
  );
  if (moved !== null) return { phase: 'failed', failure: moved, left: run.left };
  run.record.follow(replanned(run.record.plan!, planning.plan, index));
  return null;
}

/** Takes the steps of a stage; on any failure undoes what was reached. Answers null after success. */
async function carryOut(run: Run, stage: Stage): Promise<Ending | null> {
  try {
    return await takeSteps(run, stage);
  } finally {
    run.isClosing = false;
  }
}

async function takeSteps(run: Run, stage: Stage): Promise<Ending | null> {
  const reached = nothingReached();
  if (run.aborted !== null) return undo(run, stage, reached, Promise.resolve(), run.aborted);
  const forward = new CancellationScope();
  const walking = forward.run(() => walk(run, stage, reached));
  let failed: Failure | null = null;
  let arrived = false;
  const settled = walking.then(
    () => void (arrived = true),
    (error: unknown) => void (failed = failureOf(error)),
  );
  await condition(() => arrived || failed !== null || run.aborted !== null);
  if (arrived && run.aborted === null) return null;
  const isAborted = (): boolean => run.aborted !== null;
  forward.cancel();
  if (!isAborted() && isPromotedLane(run, stageWithout(stage, run.gone), reached)) {
    const ending = await close(run, stage, reached, settled, failed!);
    // Somebody may have aborted meanwhile.
    if (ending !== null || !isAborted()) return ending;
  }
  return undo(run, stage, reached, settled, run.aborted ?? failed!);
}

/** Answers null where a lane, all of which is promoted, was carried through, as far as nobody aborts it. */
async function close(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
  why: Failure,
): Promise<Ending | null> {
  run.isClosing = true;
  run.promotedIn.add(stage.environment);
  run.record.go();
  run.record.note('note', `${why.message} Nothing is undone for that: all of the lane run the new version.`);
  const { left, abandoned } = await closeLane(run, stageWithout(stage, run.gone), reached, settled);
  run.left = [...run.left, ...left];
  return abandoned === null ? null : givenUp(run.left, abandoned);
}

async function undo(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
  why: Failure,
): Promise<Ending> {
  run.record.go();
  run.record.paused = false;
  run.record.note('note', why.message);
  run.promotedIn.delete(stage.environment);
  if (reached.gray.size + reached.stable.size + reached.route.size === 0) {
    await settled;
    return { phase: why === run.aborted ? 'cancelled' : 'failed', failure: why, left: run.left };
  }
  const rest = stageWithout(stage, run.gone);
  const again = run.isClosing ? await grayAgain(run, rest, reached, settled) : null;
  if (again?.abandoned != null) return givenUp([...run.left, ...again.left], again.abandoned);
  const undone = await rollBack(run, rest, reached, settled);
  const left = [...run.left, ...undone.left];
  const { abandoned } = undone;
  return abandoned === null ? { phase: 'rolled_back', failure: why, left } : givenUp(left, abandoned);
}

const givenUp = (left: readonly string[], { by, reason }: Steering): Ending => ({
  phase: 'failed',
  failure: failure('abandoned', { who: by.name, reason, left }),
  left,
});

function entryOf(run: Run, turn: Turn, ending: Ending): HistoryEntry | null {
  const view = run.record.view();
  const stage = view.plan?.stages.find((s) => s.environment === turn.environment);
  const target = stage?.targets.find((t) => t.application === turn.application);
  if (target === undefined) return null;
  return {
    release: view.id,
    environment: turn.environment,
    version: target.image.version,
    digest: target.image.digest,
    previousDigest: target.stableDigest,
    phase: phaseOf(run, turn, ending),
    initiator: view.initiator,
    reason: view.reason,
    ...(view.rollbackOf === undefined ? {} : { rollbackOf: view.rollbackOf }),
    ...overrodeIn(stage, turn.application),
    startedAt: view.startedAt,
    endedAt: view.endedAt ?? new Date().toISOString(),
  };
}

/** In the history of the application, where a rollback looks for what stable had. */
function phaseOf({ gone, promotedIn }: Run, { application, environment }: Turn, ending: Ending): EndedPhase {
  if (gone.has(application)) return 'rolled_back';
  return promotedIn.has(environment) ? 'succeeded' : ending.phase;
}

function overrodeIn(stage: Stage | undefined, application: string): Pick<HistoryEntry, 'overrode'> {
  const gates = stage?.gates?.filter((g) => g.application === application && g.passed === 'overridden') ?? [];
  return gates.length === 0 ? {} : { overrode: gates.map((g) => g.environment) };
}
