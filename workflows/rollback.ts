/** Undoing a stage: traffic first, then objects. It cannot be cancelled; what cannot be undone asks a person. */
import { CancellationScope, condition, patched, sleep } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import { entriesOf } from '../domain/member.js';
import type { Phase } from '../domain/release.js';
import { drainMsOf, type Stage } from '../domain/stage.js';
import { type Edge, type Routed, type Target } from '../domain/target.js';
import type { AnyRoute } from '../domain/traffic.js';
import { quickly, slowly } from './activities.js';
import { failureOf } from './failures.js';
import type { Steering } from './messages.js';
import type { UndoStep } from './record.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';
import { weighed } from './traffic.js';

export interface Undone {
  /** What could not be undone and was skipped. */
  readonly left: readonly string[];
  /** Who gave the undoing up; null when it was carried through. */
  readonly abandoned: Steering | null;
}

interface Undo extends UndoStep {
  readonly act: () => Promise<readonly Finding[]>;
  /** Whether a later one has done it as well. Default never. */
  readonly isDone?: () => boolean;
  /** Returns traffic where requests come in: the level of the application. Default: it does something else. */
  readonly level?: number;
}

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

/** Whose undoing it is, and what the release is said to do meanwhile. */
interface Carrying {
  readonly run: Run;
  readonly stage: Stage;
  readonly phase: Phase;
  readonly can: readonly string[];
}

async function carryOut(carrying: Carrying, undos: readonly Undo[]): Promise<Undone> {
  const entries = undos.filter((undo) => undo.level !== undefined);
  let done: ReadonlySet<Undo> | null = null;
  const skipped: Undo[] = [];
  const left = (undone: readonly Undo[]): string[] =>
    undone.filter((undo) => undo.isDone?.() !== true).map((undo) => undo.summary);
  for (const [i, undo] of undos.entries()) {
    if (undo.level !== undefined) done ??= await tryEach(carrying, entries);
    if (done?.has(undo) === true) continue;
    const answer = await carryThrough(carrying, undo);
    if (answer === 'skipped') skipped.push(undo);
    if (typeof answer === 'object') {
      return { left: left([...skipped, ...undos.slice(i)]), abandoned: answer };
    }
  }
  return { left: left(skipped), abandoned: null };
}

/** How long callers are waited for before what they call is tried too, ms. */
const callersFirstMs = 1_000;

/**
 * Where requests come in at several, one that cannot be given back keeps none of the others on gray: each is tried once, before one is tried
 * again or a person is asked. Answers those that are done.
 */
async function tryEach(carrying: Carrying, entries: readonly Undo[]): Promise<ReadonlySet<Undo>> {
  const done = new Set<Undo>();
  if (entries.length < 2 || !patched('entries-go-back-beside-each-other')) return done;
  const until = new Date(Date.now() + carrying.stage.rollbackDeadlineMs).toISOString();
  const levels = [...new Set(entries.map((undo) => undo.level!))].toSorted((a, b) => b - a);
  const trying: Promise<void>[] = [];
  let ended = 0;
  const tryOnce = async (undo: Undo): Promise<void> => {
    if ((await attempt(carrying, undo, until)) === null) done.add(undo);
    ended++;
  };
  for (const level of levels) {
    for (const undo of entries.filter((one) => one.level === level)) trying.push(tryOnce(undo));
    const begun = trying.length;
    if (begun < entries.length) await condition(() => ended === begun, callersFirstMs);
  }
  await Promise.all(trying);
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
  const { reached, stage } = undoing;
  const targets = stage.targets.toReversed();
  const within = (set: ReadonlySet<string>): Target[] => targets.filter((t) => set.has(t.application));
  const edges = (stage.edges ?? []).filter((edge) => reached.route.has(edge.application));
  const traffic = [
    ...edges.map((edge) => edgeBack(undoing, edge)),
    ...within(reached.route).flatMap((t) => trafficBack(undoing, t)),
  ];
  const stable = within(reached.stable).filter((t) => t.strategy !== 'first');
  const created = within(reached.stable).filter((t) => t.strategy === 'first');
  const back = stable.map((t) => stableBack(undoing, t));
  return [
    ...(targets.length + edges.length === 1 ? [...traffic, ...back] : [...back, ...traffic]),
    ...within(reached.gray).map((t) => grayAway(undoing, t)),
    ...created.map((t) => stableBack(undoing, t)),
  ];
}

function trafficBack(undoing: Undoing, target: Target): Undo[] {
  const { run, reached } = undoing;
  const { route, application, environment } = target;
  if (route === null) return [];
  const summary = `traffic of ${application} back to stable`;
  const act = async (): Promise<readonly Finding[]> => {
    // Requests that came to gray of a caller are still on their way here, and must not meet stable.
    if (target.inner === true) await drain(undoing, tagsEnd);
    try {
      await restore(undoing, target, route, { summary, stays: reached.gray.has(application) });
      return [];
    } catch (error) {
      // A half-done promotion may have left stable without a ready pod: then only the old image makes it fit for traffic.
      if (!reached.stable.has(application) || failureOf(error).code !== 'endpoints_missing') throw error;
    }
    run.record.note(
      'note',
      `Stable of ${application} has no ready pod, so its image goes back before traffic.`,
    );
    const findings = await stableBack(undoing, target).act();
    await restore(undoing, target, route, { summary, stays: reached.gray.has(application) });
    return findings;
  };
  const isDone = (): boolean => undoing.restored.has(application);
  const entry = target.inner === true ? {} : { level: target.level };
  return [
    { id: `${environment}/undo-traffic-${application}`, kind: 'rollback', summary, act, isDone, ...entry },
  ];
}

/** Its stable is not released, and gray has no Service of its own there: it leaves at once. */
function edgeBack(undoing: Undoing, edge: Edge): Undo {
  const { application, environment, route, level } = edge;
  const summary = `requests to ${application} without the tag again`;
  const act = async (): Promise<readonly Finding[]> => {
    await restore(undoing, edge, route, { summary, stays: false });
    return [];
  };
  return { id: `${environment}/undo-traffic-${application}`, kind: 'rollback', summary, act, level };
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
    const findings = await slow('removeGray', run, target, summary);
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
  { summary, stays }: { readonly summary: string; readonly stays: boolean },
): Promise<void> {
  const patienceMs = stage.rollbackDeadlineMs;
  const input = { release: run.inputs.id, route, stays };
  await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
  restored.add(application);
  const isOver = entriesOf(stage, stage.targets).every((entry) => restored.has(entry.application));
  if (isOver && stage.targets.some((t) => run.record.weightOf(t.application) > 0)) weighed(run, stage, 0);
}

/** Once: trying again, until the deadline of the rollback and not that of the pods, is carryThrough's. */
async function slow(
  name: 'revertStable' | 'removeGray',
  run: Run,
  target: Target,
  summary: string,
): Promise<readonly Finding[]> {
  const options = { deadlineMs: target.progressDeadlineMs, summary, attempts: 1 };
  const result = await slowly(name, target.cluster, { release: run.inputs.id, target }, options);
  run.record.count(target.application, result.batching);
  return result.findings;
}

/** Tries until it is done, or a person skips or abandons it. */
async function carryThrough(carrying: Carrying, undo: Undo): Promise<'done' | 'skipped' | Steering> {
  const { run } = carrying;
  for (;;) {
    const why = await persist(carrying, undo);
    if (why === null) return 'done';
    const { remedy, steering } = await askForHelp(carrying, undo, why);
    if (remedy === 'abandon') return steering;
    if (remedy === 'skip') {
      run.record.end(undo.id, 'skipped', `skipped by ${steering.by.name}: ${steering.reason}`);
      return 'skipped';
    }
  }
}

/**
 * Answers null when it is done, else what was tried until the deadline and why it could not be done. The deadline counts from the first
 * failure, which may only mean that the worker was away for longer.
 */
async function persist(carrying: Carrying, undo: Undo): Promise<string | null> {
  const { run, stage } = carrying;
  const { rollbackDeadlineMs } = stage;
  const soon = (): string => new Date(Date.now() + rollbackDeadlineMs).toISOString();
  let why = await attempt(carrying, undo, soon());
  if (why === null) return null;
  const until = soon();
  let over = false;
  // Not by the clock, of which a replay may be told another time; only where something fails, so that undoing costs no more events.
  const deadline = new CancellationScope();
  const passed = deadline.run(() => sleep(rollbackDeadlineMs, { summary: `deadline: ${undo.summary}` }));
  passed.then(() => (over = true)).catch(() => undefined);
  try {
    for (let tried = 2, wait = 500; ; tried++, wait = Math.min(wait * 2, 30_000)) {
      run.record.note('note', `${undo.summary} did not work yet: ${why}`);
      await condition(() => over, wait, { summary: `again: ${undo.summary}` });
      why = await attempt(carrying, undo, until, why);
      if (why === null) return null;
      if (over) return `tried ${tried} times, ${why}`;
    }
  } finally {
    deadline.cancel();
  }
}

/**
 * Answers null when it is done, else why it is not.
 * @param before why it did not work the last time
 */
async function attempt(
  { run, phase, can }: Carrying,
  undo: Undo,
  until: string,
  before: string | null = null,
): Promise<string | null> {
  const what = before === null ? undo.summary : `${undo.summary}, which did not work yet: ${before}`;
  run.record.begin(undo, phase, { what, until, can });
  run.record.publish();
  try {
    run.record.end(undo.id, 'done', null, await undo.act());
    return null;
  } catch (error) {
    return failureOf(error).message;
  }
}

async function askForHelp(
  { run, phase }: Carrying,
  undo: Undo,
  why: string,
): Promise<NonNullable<Run['attention']>> {
  run.record.phase = 'needs_attention';
  run.record.end(undo.id, 'failed', why);
  run.ask('attention');
  run.record.wait({
    what: `a person: ${undo.summary} does not work: ${why}`,
    until: null,
    can: ['retry', 'skip', run.leaving === null ? 'abandon' : 'abort'],
  });
  try {
    await condition(() => run.attention !== null);
    return run.attention!;
  } finally {
    run.answered();
    run.record.go();
    run.record.phase = phase;
  }
}
