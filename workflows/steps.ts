/** What each kind of step does. A step that fails throws a failure of the catalogue; undoing is in rollback.ts. */
import { ActivityFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { Finding, TrafficResult } from '../activities/contract.js';
import { concerned, drainMsOf, type Stage, type Step, type Target } from '../domain/plan.js';
import { hasEnded, type Phase } from '../domain/release.js';
import { leavingMs, type Tag, type Traffic } from '../domain/traffic.js';
import { quickly, slowly } from './activities.js';
import { waitForApproval } from './approval.js';
import { awaitedIn, patienceMs, probePatienceMs } from './awaited.js';
import { failureOf } from './failures.js';
import { firstWeight, scaleGray, sizeFor } from './gray.js';
import { hold } from './hold.js';
import type { Run } from './run.js';
import { together } from './together.js';

/**
 * How far a stage has come: what undoing has to look at, by the names of the applications. Set before the effect, so that a half-done
 * one is undone too.
 */
export interface Reached {
  readonly route: Set<string>;
  readonly gray: Set<string>;
  readonly stable: Set<string>;
  /** Where requests come in. */
  traffic: Traffic;
  /** The most pods that stable was seen with when gray was sized. */
  readonly stableReplicas: Map<string, number>;
}

export const nothingReached = (): Reached => ({
  route: new Set(),
  gray: new Set(),
  stable: new Set(),
  traffic: { gray: 0, tag: null },
  stableReplicas: new Map(),
});

/** How often gray is asked before that is given up; one probe takes about eight seconds to fail. */
const probes = { asStep: 6, beforeShare: 3 } as const;

type Targets = readonly Target[];

/** A step's outcome for people, with its evidence. */
interface Done {
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
    case 'deploy-straight':
    case 'promote':
      return deployStable(run, targets, reached, step.summary);
    case 'deploy-gray':
      return deployGray(run, stage, targets, reached, step);
    case 'tag':
      return tagged(run, stage, targets, reached, step.tag);
    case 'probe':
      return probe(run, targets);
    case 'approval':
      return { result: await waitForApproval(run, step, targets), findings: [] };
    case 'weight':
      return shift(run, targets, reached, step);
    case 'hold':
      return hold(run, stage, step);
    case 'return-traffic':
      return returnTraffic(run, targets, reached);
    case 'cleanup':
      return removeGray(run, targets, reached, step.drainMs);
  }
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
      return 'shifting';
    case 'hold':
      return step.weight === 0 ? 'verifying' : 'holding';
    case 'promote':
      return 'promoting';
    case 'return-traffic':
    case 'cleanup':
      return 'cleaning_up';
  }
}

/** The Temporal UI is told of these; the others tell of it themselves, or are over in milliseconds, and telling is an event in the history. */
function takesTime({ kind }: Step): boolean {
  return kind === 'deploy-straight' || kind === 'deploy-gray' || kind === 'promote' || kind === 'cleanup';
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
  const entries = targets.filter((t) => t.inner !== true);
  if (reached.route.size === 0) {
    await takeRoutes(run, entries, reached);
    await introduce(run, entries);
  }
  const traffic = { ...reached.traffic, gray: step.weight };
  const isFresh = targets.every(({ grayReplicas }, i) => grayReplicas !== 'auto' || scaled[i] !== null);
  if (isFresh) return moveTraffic(run, entries, reached, traffic);
  try {
    return await moveTraffic(run, entries, reached, traffic, true);
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'gray_too_small') throw error;
    run.record.note('note', message);
  }
  await inOrder(targets, (target) => scaleGray(run, reached, target, step, summary));
  return moveTraffic(run, entries, reached, traffic);
}

/**
 * From the moment its route is taken the entry takes the tag off what it does not send to gray. Requests that brought one before are let
 * end before the next applications have a rule for it: they began without gray.
 */
async function tagged(run: Run, stage: Stage, targets: Targets, reached: Reached, tag: Tag): Promise<Done> {
  const inner = targets.filter((t) => t.inner === true);
  await takeRoutes(
    run,
    targets.filter((t) => t.inner !== true),
    reached,
  );
  if (inner.length > 0) {
    await sleep(drainMsOf(stage), { summary: 'requests with a tag of their own end' });
    await takeRoutes(run, inner, reached);
  }
  return moveTraffic(run, targets, reached, { gray: 0, tag });
}

/** The gray Service joins the route with weight 0, so that the data plane knows it before any request goes there. */
async function takeRoutes(run: Run, targets: Targets, reached: Reached): Promise<void> {
  run.graySince = new Date().toISOString();
  await inOrder(targets, async ({ application, route }) => {
    reached.route.add(application);
    if (route === null) return;
    const input = { release: run.inputs.id, route, seq: run.nextSeq() };
    await quickly('prepareRoute', route.cluster, input, {
      patienceMs,
      summary: `take ${route.route} in hand`,
    });
  });
}

/**
 * Before its first share gray is asked with its tag through the entry, where there is one: what the controller has taken may not be known to
 * a proxy that has just lost it, and then the share would be answered 503. Gray that cannot be asked so gets its share all the same.
 */
async function introduce(run: Run, targets: Targets): Promise<void> {
  const target = targets.find(({ probe, route }) => probe !== null && route !== null);
  // One controller tells an Istio proxy all of it, in the right order.
  if (target === undefined || target.route!.router === 'istio') return;
  try {
    const results = await setTraffic(run, targets, { gray: 0, tag: target.probe!.tag });
    // Without the tag a share was set already, by a worker that was killed then.
    if (results.every(({ after }) => after.tag !== null)) await askTagged(run, targets, probes.beforeShare);
  } catch (error) {
    const { code, message } = failureOf(error);
    const isUnanswered = error instanceof ActivityFailure && error.activityType === 'probe';
    if (isCancellation(error) || (!isUnanswered && code !== 'route_unfit')) throw error;
    run.record.note('note', `Gray was not asked before its first share: ${message}`);
  }
}

async function moveTraffic(
  run: Run,
  targets: Targets,
  reached: Reached,
  traffic: Traffic,
  sized = false,
): Promise<Done> {
  await setTraffic(run, targets, traffic, sized);
  reached.traffic = traffic;
  return {
    result:
      traffic.tag === null || traffic.gray > 0 ? `${traffic.gray} % on gray` : 'tagged requests on gray',
    findings: [],
  };
}

async function setTraffic(
  run: Run,
  targets: Targets,
  traffic: Traffic,
  sized = false,
): Promise<readonly TrafficResult[]> {
  const results = await inOrder(targets, async ({ application, route }) => {
    if (route === null) return [];
    const input = { release: run.inputs.id, route, traffic, seq: run.nextSeq(), ...(sized ? { sized } : {}) };
    const summary = `${traffic.gray} % of ${route.route} to gray`;
    const result = await quickly('setTraffic', route.cluster, input, { patienceMs, summary });
    run.record.weigh(application, traffic.gray);
    return [result];
  });
  for (const change of results.flat().flatMap(({ foreign }) => foreign))
    run.record.note('note', `Somebody else changed the route: ${change}`);
  return results.flat();
}

async function probe(run: Run, targets: Targets): Promise<Done> {
  const findings = await askTagged(run, targets, probes.asStep);
  return { result: 'the tag leads to gray, no tag to stable', findings };
}

/**
 * Asks with and without the tag until the answers differ as they should: a proxy may learn of gray's pods only when its controller has found
 * the API server again.
 */
async function askTagged(run: Run, targets: Targets, most: number): Promise<readonly Finding[]> {
  const options = { patienceMs: probePatienceMs, summary: 'probe' };
  const results = await inOrder(targets, async (target) => {
    const input = { release: run.inputs.id, target };
    for (let tries = 1; ; tries++) {
      try {
        return await quickly('probe', target.cluster, input, options);
      } catch (error) {
        if (failureOf(error).code !== 'probe_failed' || tries === most) throw error;
      }
    }
  });
  return results.flatMap((r) => r.findings);
}

/** Where requests come in first, so that none is told by the tag to go where the rule has gone already. */
async function returnTraffic(run: Run, targets: Targets, reached: Reached): Promise<Done> {
  await inOrder(
    targets,
    async ({ application, route }) => {
      const input = { release: run.inputs.id, route, stays: true };
      const summary = `give ${route?.route ?? application} back`;
      const stays =
        route === null
          ? false
          : (await quickly('restoreRoute', route.cluster, { ...input, route }, { patienceMs, summary }))
              .stays;
      if (!stays) reached.route.delete(application);
      if (route !== null) run.record.weigh(application, 0);
    },
    'callers first',
  );
  reached.traffic = { gray: 0, tag: null };
  const result = `stable carries everything${reached.route.size > 0 ? '' : ', the route is as it was'}`;
  return { result, findings: [] };
}

/** After a drain: traffic has left gray, but connections may still be open, and a proxy may not know yet. */
async function removeGray(run: Run, targets: Targets, reached: Reached, drainMs: number): Promise<Done> {
  const results = await together(
    targets.map((target) => async () => {
      const leaves = reached.route.has(target.application);
      const deadlineMs = target.progressDeadlineMs + drainMs + (leaves ? leavingMs : 0);
      const input = { release: run.inputs.id, target, drainMs, leaves };
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

/** Called before caller, or the other way round; those that do not call each other side by side. */
async function inOrder<T>(
  targets: Targets,
  act: (target: Target) => T | Promise<T>,
  order: 'called first' | 'callers first' = 'called first',
): Promise<T[]> {
  const levels = [...new Set(targets.map((t) => t.level))].toSorted((a, b) => a - b);
  const results = new Map<Target, T>();
  for (const level of order === 'called first' ? levels : levels.toReversed()) {
    const beside = targets.filter((t) => t.level === level);
    const done = await together(beside.map((target) => async () => act(target)));
    for (const [i, target] of beside.entries()) results.set(target, done[i]!);
  }
  return targets.map((target) => results.get(target)!);
}

const within = (target: Target, summary: string) => ({ deadlineMs: target.progressDeadlineMs, summary });
