/** Undoing a stage: traffic first, then objects. It cannot be cancelled; what cannot be undone asks a person. */
import { sleep } from '@temporalio/workflow';
import type { Finding, RestoreInput } from '../activities/contract.js';
import { entriesOf, isChained } from '../domain/member.js';
import { quietQuestion, type QuietQuestion } from '../domain/quiet.js';
import { drainMsOf, type Stage } from '../domain/stage.js';
import { type Edge, type Routed, type Target } from '../domain/target.js';
import type { AnyRoute } from '../domain/traffic.js';
import { quickly, slowly } from './activities.js';
import { carryOut, type Undo, type Undone } from './carry-out.js';
import { failureOf } from './failures.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';
import { weighed } from './traffic.js';

/**
 * Undoes what a stage has reached. `settled` is the way forward winding down: traffic does not wait for it,
 * objects do, because it may still be creating some.
 */
export async function rollBack(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
): Promise<Undone> {
  run.record.phase = 'rolling_back';
  run.record.publish();
  const undos = undoing({ run, stage, reached, settled, restored: new Set(), drained: new Set() });
  return carryOut({ run, stage, phase: 'rolling_back', can: [] }, undos);
}

/**
 * Whether nothing of a lane is to be undone for a mere failure: where traffic is on its way back to stable, stable cannot change under it without a
 * caller that meets another version than its own. What is left of it is carried through.
 */
export const isPromotedLane = (run: Run, stage: Stage, reached: Reached): boolean =>
  reached.isPromoted && isChained(stage.targets) && run.changes.has('a-promoted-lane-is-carried-through');

/** Gives back the routes of a promoted lane and removes its gray, where that did not work on the way. */
export async function closeLane(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
): Promise<Undone> {
  run.record.phase = 'cleaning_up';
  run.record.publish();
  const kept = { ...reached, stable: new Set<string>() };
  const entries = entriesOf(stage, stage.targets).map(({ application }) => application);
  const restored = new Set(entries.filter((application) => !reached.route.has(application)));
  const undos = undoing({ run, stage, reached: kept, settled, restored, drained: new Set() });
  return carryOut({ run, stage, phase: 'cleaning_up', can: [] }, undos);
}

/**
 * Undoes what a stage has reached of one application, while the others stay as they are and the release goes on: it may be told where to go,
 * and an abort, which cancels this, takes all back.
 */
export async function takeBack(run: Run, stage: Stage, reached: Reached, target: Target): Promise<Undone> {
  const { application } = target;
  const settled = Promise.resolve();
  // Requests of the lane go on: to its stable, as by the policy they may.
  const drained = new Set([tagsEnd]);
  const undone: Undoing = { run, stage, reached, settled, restored: new Set(), drained };
  const done = await carryOut({ run, stage, phase: run.record.phase, can: ['abort'] }, [
    ...(reached.route.has(application) ? trafficBack(undone, target) : []),
    ...(reached.gray.has(application) ? [grayAway(undone, target)] : []),
  ]);
  if (done.abandoned !== null) return done;
  for (const set of [reached.route, reached.taken, reached.gray]) set.delete(application);
  return done;
}

/** A drain, told by what ends in it. */
const tagsEnd = 'requests with the tag end';

interface Undoing {
  readonly run: Run;
  readonly stage: Stage;
  readonly reached: Reached;
  readonly settled: Promise<unknown>;
  /** Applications whose traffic is back. */
  readonly restored: Set<string>;
  /** What has had the time of a drain, once for all targets. */
  readonly drained: Set<string>;
}

/**
 * Traffic, stable, gray; callers before what they call. Where applications share a lane, stable comes first: it was promoted while gray
 * carried everything, and an old caller must not meet a new one, or the reverse. What had no stable version goes last, gray may call it.
 */
function undoing(undoing: Undoing): Undo[] {
  const { run, reached, stage } = undoing;
  const targets = stage.targets.toReversed();
  const within = (set: ReadonlySet<string>): Target[] => targets.filter((t) => set.has(t.application));
  const edges = (stage.edges ?? []).filter((edge) => reached.route.has(edge.application));
  const isStripped = run.changes.has('edges-go-on-taking-the-tag-off') && isChained(targets);
  const traffic = [
    ...edges.map((edge) => edgeBack(undoing, edge, isStripped)),
    ...within(reached.route).flatMap((t) => trafficBack(undoing, t)),
  ];
  const stable = within(reached.stable).filter((t) => t.strategy !== 'first');
  const created = within(reached.stable).filter((t) => t.strategy === 'first');
  const back = stable.map((t) => stableBack(undoing, t));
  return [
    ...(isLone(stage, reached) ? [...traffic, ...back] : [...back, ...traffic]),
    ...(isStripped ? edges.map((edge) => edgeAway(undoing, edge)) : []),
    ...within(reached.gray).map((t) => grayAway(undoing, t)),
    ...created.map((t) => stableBack(undoing, t)),
  ];
}

/** Whether nothing of a lane can meet another version when stable changes under traffic. */
const isLone = ({ targets, edges = [] }: Stage, reached: Reached): boolean =>
  targets.length + edges.filter((edge) => reached.route.has(edge.application)).length === 1;

function trafficBack(undoing: Undoing, target: Target): Undo[] {
  const { run, reached } = undoing;
  const { route, application, environment } = target;
  if (route === null) return [];
  const summary = `traffic of ${application} back to stable`;
  const stays = reached.gray.has(application);
  const staying = { stays, strips: stays && target.inner !== true && isChained(undoing.stage.targets) };
  const act = async (): Promise<readonly Finding[]> => {
    // Requests that came to gray of a caller are still on their way here, and must not meet stable.
    if (target.inner === true) await drain(undoing, tagsEnd);
    // Of several, stable has gone back before.
    const isFirst = reached.stable.has(application) && isLone(undoing.stage, reached);
    const promoted = isFirst ? { promoted: target.deployment } : {};
    try {
      await restore(undoing, target, route, { summary, ...staying, ...promoted });
      return [];
    } catch (error) {
      // A half-done promotion may have left stable without a ready pod, or be about to: then only the old image makes it fit for traffic.
      if (!reached.stable.has(application) || failureOf(error).code !== 'endpoints_missing') throw error;
    }
    run.record.note(
      'note',
      `Stable of ${application} has no ready pod, or may be about to lose its last, so its image goes back before traffic.`,
    );
    const findings = await stableBack(undoing, target).act();
    await restore(undoing, target, route, { summary, ...staying });
    return findings;
  };
  const isDone = (): boolean => undoing.restored.has(application);
  const entry = target.inner === true ? {} : { level: target.level };
  return [
    { id: `${environment}/undo-traffic-${application}`, kind: 'rollback', summary, act, isDone, ...entry },
  ];
}

/** No share and no tag any more. Its stable is not released, and gray has no Service of its own there. */
function edgeBack(undoing: Undoing, edge: Edge, strips: boolean): Undo {
  const { application, environment, route, level } = edge;
  const summary = `requests to ${application} without the tag again`;
  const act = async (): Promise<readonly Finding[]> => {
    await restore(undoing, edge, route, { summary, stays: false, strips });
    return [];
  };
  return { id: `${environment}/undo-traffic-${application}`, kind: 'rollback', summary, act, level };
}

/** When what is behind it has no rule for the tag any more. */
function edgeAway(undoing: Undoing, { application, environment, route }: Edge): Undo {
  const summary = `the route of ${application} as it was`;
  const act = async (): Promise<readonly Finding[]> => {
    await drain(undoing, 'connections to gray drain');
    // Which may still be taking it.
    if (undoing.run.changes.has('edges-wait-for-the-way-forward')) await undoing.settled;
    const input = { release: undoing.run.inputs.id, route };
    const patienceMs = undoing.stage.rollbackDeadlineMs;
    await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
    return [];
  };
  return { id: `${environment}/undo-edge-${application}`, kind: 'rollback', summary, act };
}

function stableBack({ run, settled }: Undoing, target: Target): Undo {
  const summary = `${target.deployment} back to ${target.stableImage ?? 'nothing'}`;
  const { environment, application } = target;
  const act = async (): Promise<readonly Finding[]> => {
    await settled;
    return slow('revertStable', run, target, summary);
  };
  return { id: `${environment}/undo-stable-${application}`, kind: 'rollback', summary, act };
}

function grayAway(undoing: Undoing, target: Target): Undo {
  const { run, reached, settled } = undoing;
  const { route, environment, application } = target;
  const summary = `remove ${target.gray}`;
  const isRouted = route !== null && reached.route.has(application);
  const act = async (): Promise<readonly Finding[]> => {
    if (isRouted) await drain(undoing, 'connections to gray drain');
    await settled;
    // Gray goes only after it has left the route, which a write that was under way when traffic went back may have taken again.
    const summary = 'the route is as it was';
    if (isRouted) await restore(undoing, target, route, { summary, stays: false });
    const quiet = isRouted ? quietQuestion(undoing.stage, target) : null;
    const findings = await slow('removeGray', run, target, summary, quiet);
    const batching = run.record.batchingOf(application);
    if (batching !== undefined)
      run.record.count(application, { ...batching, new: { ...batching.new, pods: 0 } });
    return findings;
  };
  return { id: `${environment}/undo-gray-${application}`, kind: 'rollback', summary, act };
}

/** Waits as long as the plan lets connections drain; the second time for the same it does not. */
async function drain({ stage, drained }: Undoing, summary: string): Promise<void> {
  const ms = drainMsOf(stage);
  if (ms === 0 || drained.has(summary)) return;
  await sleep(ms, { summary });
  drained.add(summary);
}

async function restore(
  { run, stage, restored }: Undoing,
  { application }: Routed,
  route: AnyRoute,
  { summary, ...staying }: Pick<RestoreInput, 'stays' | 'strips' | 'promoted'> & { readonly summary: string },
): Promise<void> {
  const patienceMs = stage.rollbackDeadlineMs;
  const input = { release: run.inputs.id, route, ...staying };
  await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
  restored.add(application);
  const isOver = entriesOf(stage, stage.targets).every((entry) => restored.has(entry.application));
  if (isOver && stage.targets.some((t) => run.record.weightOf(t.application) > 0)) weighed(run, stage, 0);
}

/**
 * Once: trying again, until the deadline of the rollback and not that of the pods, is carryThrough's.
 * @param quiet asked before gray is removed; null: nobody is
 */
async function slow(
  name: 'revertStable' | 'removeGray',
  run: Run,
  target: Target,
  summary: string,
  quiet: QuietQuestion | null = null,
): Promise<readonly Finding[]> {
  const deadlineMs = target.progressDeadlineMs + (quiet?.withinMs ?? 0);
  const input = { release: run.inputs.id, target, ...(quiet === null ? {} : { quiet }) };
  const result = await slowly(name, target.cluster, input, { deadlineMs, summary, attempts: 1 });
  run.record.count(target.application, result.batching);
  return result.findings;
}
