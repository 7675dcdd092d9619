/** What each kind of step does. A step that fails throws a failure of the catalogue; undoing is in rollback.ts. */
import { isCancellation } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import { entriesOf } from '../domain/member.js';
import { concerned, type Stage, type Step } from '../domain/stage.js';
import { type Target } from '../domain/target.js';
import { quietQuestion } from '../domain/quiet.js';
import { hasEnded, type Phase } from '../domain/release.js';
import { leavingMs, type Traffic } from '../domain/traffic.js';
import { slowly } from './activities.js';
import { waitForApproval } from './approval.js';
import { awaitedIn } from './awaited.js';
import { isBatched, promoteBatches, takeBatch } from './batch.js';
import { failureOf } from './failures.js';
import { firstWeight, scaleGray, sizeFor } from './gray.js';
import { hold } from './hold.js';
import { giveHeldBack } from './holders.js';
import { isPromotedLane } from './rollback.js';
import type { Run } from './run.js';
import { inOrder, together } from './together.js';
import {
  beforePromotion,
  introduce,
  moveTraffic,
  probe,
  returnTraffic,
  tagged,
  takeRoutes,
} from './traffic.js';

/**
 * How far a stage has come: what undoing has to look at, by the names of the applications. Set before the effect, so that a half-done
 * one is undone too.
 */
export interface Reached {
  readonly route: Set<string>;
  /** Of these the route was taken in hand; set after that. */
  readonly taken: Set<string>;
  readonly gray: Set<string>;
  readonly stable: Set<string>;
  /** Whether stable of all runs the new version. */
  isPromoted: boolean;
  /** Where requests come in. */
  traffic: Traffic;
  /** The most pods that stable was seen with when gray was sized. */
  readonly stableReplicas: Map<string, number>;
}

export const nothingReached = (): Reached => ({
  route: new Set(),
  taken: new Set(),
  gray: new Set(),
  stable: new Set(),
  isPromoted: false,
  traffic: { gray: 0, tag: null },
  stableReplicas: new Map(),
});

export type Targets = readonly Target[];

/** A step's outcome for people, with its evidence. */
export interface Done {
  readonly result: string | null;
  readonly findings: readonly Finding[];
}

export async function takeStep(run: Run, stage: Stage, step: Step, reached: Reached): Promise<void> {
  run.record.begin(step, phaseOf(step), awaitedIn(stage, step));
  if (takesTime(step)) run.record.publish();
  try {
    const { result, findings } = await perform(run, stage, step, reached);
    run.record.end(step.id, 'done', result, findings);
  } catch (error) {
    if (!hasEnded(run.record.phase))
      run.record.end(step.id, isCancellation(error) ? 'skipped' : 'failed', null);
    throw error;
  }
}

async function perform(run: Run, stage: Stage, step: Step, reached: Reached): Promise<Done> {
  const targets = concerned(stage, step);
  switch (step.kind) {
    case 'batch':
      return takeBatch(run, targets, reached, step);
    case 'promote':
      if (targets.some(isBatched)) return promoteBatches(run, targets, step.summary);
      await beforePromotion(stage, targets);
      return promote(run, targets, reached, step.summary);
    case 'deploy-straight':
      return deployStable(run, targets, reached, step.summary);
    case 'deploy-gray':
      return deployGray(run, stage, targets, reached, step);
    case 'tag':
      return tagged(run, stage, targets, reached, step.tag);
    case 'probe':
      return probe(run, entriesOf(stage, targets));
    case 'approval':
      return { result: await approvalOf(run, stage, step, targets, reached), findings: [] };
    case 'weight':
      return shift(run, stage, targets, reached, step);
    case 'hold':
      return hold(run, stage, step);
    case 'return-traffic':
      run.isClosing = isPromotedLane(run, stage, reached);
      return returnTraffic(run, stage, targets, reached);
    case 'cleanup':
      return removeGray(run, stage, targets, reached, step.drainMs);
  }
}

async function promote(run: Run, targets: Targets, reached: Reached, summary: string): Promise<Done> {
  const done = await deployStable(run, targets, reached, summary);
  reached.isPromoted = true;
  return done;
}

/** Who rejects one application that asks for itself means that one. */
async function approvalOf(
  run: Run,
  stage: Stage,
  step: Extract<Step, { kind: 'approval' }>,
  targets: Targets,
  { traffic }: Reached,
): Promise<string> {
  const [only, ...others] = targets;
  const ask = (): Promise<string> => waitForApproval(run, stage, step, targets, traffic);
  return only === undefined || others.length > 0 ? ask() : run.blaming(only.application, ask);
}

function phaseOf(step: Step): Phase {
  switch (step.kind) {
    case 'deploy-straight':
    case 'deploy-gray':
      return 'deploying';
    case 'tag':
    case 'probe':
      return 'verifying';
    case 'approval':
      return 'waiting_for_approval';
    case 'weight':
    case 'batch':
      return 'shifting';
    case 'hold':
      return step.weight === 0 && step.pods === undefined ? 'verifying' : 'holding';
    case 'promote':
      return 'promoting';
    case 'return-traffic':
    case 'cleanup':
      return 'cleaning_up';
  }
}

/** The Temporal UI is told of these; the others tell of it themselves, or are over in milliseconds, and telling is an event in the history. */
function takesTime({ kind }: Step): boolean {
  return ['deploy-straight', 'deploy-gray', 'batch', 'promote', 'cleanup'].includes(kind);
}

async function deployStable(run: Run, targets: Targets, reached: Reached, summary: string): Promise<Done> {
  const results = await inOrder(targets, (target) => {
    reached.stable.add(target.application);
    return slowly(
      'deployStable',
      target.cluster,
      { release: run.inputs.id, target },
      within(target, summary),
    );
  });
  return {
    result: `${targets.map((t) => t.deployment).join(', ')} ${targets.length === 1 ? 'is' : 'are'} available`,
    findings: results.flatMap((r) => r.findings),
  };
}

async function deployGray(
  run: Run,
  stage: Stage,
  targets: Targets,
  reached: Reached,
  { summary, ...step }: Extract<Step, { kind: 'deploy-gray' }>,
): Promise<Done> {
  const size = { ...step, weight: firstWeight(stage) };
  await giveHeldBack(run, stage);
  const scaled = await inOrder(targets, (target) => {
    reached.gray.add(target.application);
    return scaleGray(run, reached, target, size, summary);
  });
  return {
    result: `${Math.max(...scaled.map((s) => s.replicas))} gray pod(s) ready`,
    findings: scaled.flatMap((s) => s.findings),
  };
}

/** Gray is scaled to what its weight needs before the weight is set, also where its requests come through another application. */
async function shift(
  run: Run,
  stage: Stage,
  targets: Targets,
  reached: Reached,
  step: Extract<Step, { kind: 'weight' }>,
): Promise<Done> {
  const summary = `scale gray for ${step.weight} %`;
  const scaled = await inOrder(targets, (target) =>
    (run.replicasOf(target.gray) ?? 0) >= sizeFor(target, reached, step)
      ? null
      : scaleGray(run, reached, target, step, summary),
  );
  const entries = entriesOf(stage, targets);
  const untaken = entries.filter(({ application }) => !reached.taken.has(application));
  if (untaken.length > 0) {
    await takeRoutes(run, untaken, reached);
    await introduce(run, stage, entries);
  }
  const traffic = { ...reached.traffic, gray: step.weight };
  const isFresh = targets.every(({ grayReplicas }, i) => grayReplicas !== 'auto' || scaled[i] !== null);
  const grown = grownBy(targets, scaled);
  if (isFresh) return moveTraffic(run, stage, entries, reached, traffic, { grown });
  try {
    return await moveTraffic(run, stage, entries, reached, traffic, { grown, sized: true });
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'gray_too_small') throw error;
    run.record.note('note', message);
  }
  const again = await inOrder(targets, (target) => scaleGray(run, reached, target, step, summary));
  return moveTraffic(run, stage, entries, reached, traffic, { grown: grownBy(targets, again) });
}

/** How many pods gray of each was brought to. */
const grownBy = (
  targets: Targets,
  scaled: readonly ({ readonly replicas: number } | null)[],
): ReadonlyMap<string, number> =>
  new Map(
    targets.flatMap(({ application }, i): [string, number][] => {
      const replicas = scaled[i]?.replicas;
      return replicas === undefined ? [] : [[application, replicas]];
    }),
  );

/** After a drain: traffic has left gray, but connections may still be open, and a proxy may not know yet. */
async function removeGray(
  run: Run,
  stage: Stage,
  targets: Targets,
  reached: Reached,
  drainMs: number,
): Promise<Done> {
  const results = await together(
    targets.map((target) => async () => {
      const leaves = reached.route.has(target.application);
      const quiet = quietQuestion(stage, target);
      const deadlineMs =
        target.progressDeadlineMs + drainMs + (leaves ? leavingMs : 0) + (quiet?.withinMs ?? 0);
      const asked = quiet === null ? {} : { quiet };
      const input = { release: run.inputs.id, target, drainMs, leaves, ...asked };
      const result = await slowly('removeGray', target.cluster, input, {
        deadlineMs,
        summary: 'remove gray',
      });
      reached.gray.delete(target.application);
      reached.route.delete(target.application);
      return result;
    }),
  );
  return { result: null, findings: results.flatMap((r) => r.findings) };
}

const within = (target: Target, summary: string) => ({ deadlineMs: target.progressDeadlineMs, summary });
