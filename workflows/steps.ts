/** What each kind of step does. A step that fails throws a failure of the catalogue; undoing is in rollback.ts. */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { Finding, TrafficResult } from '../activities/contract.js';
import type { Stage, Step, Target } from '../domain/plan.js';
import { hasEnded, type Phase } from '../domain/release.js';
import { leavingMs, type Traffic } from '../domain/traffic.js';
import { quickly, slowly } from './activities.js';
import { waitForApproval } from './approval.js';
import { awaitedIn, patienceMs, probePatienceMs } from './awaited.js';
import { failureOf } from './failures.js';
import { firstWeight, scaleGray, sizeFor } from './gray.js';
import { hold } from './hold.js';
import type { Run } from './run.js';

/** How far a stage has come: what undoing has to look at. Set before the effect, so that a half-done one is undone too. */
export interface Reached {
  route: boolean;
  gray: boolean;
  stable: boolean;
  traffic: Traffic;
  /** The most pods that stable was seen with when gray was sized. */
  stableReplicas: number;
}

export const nothingReached = (): Reached => ({
  route: false,
  gray: false,
  stable: false,
  traffic: { gray: 0, tag: null },
  stableReplicas: 0,
});

/** How often gray is asked before that is given up; one probe takes about eight seconds to fail. */
const probes = { asStep: 6, beforeShare: 3 } as const;

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
  switch (step.kind) {
    case 'deploy-straight':
    case 'promote':
      reached.stable = true;
      return deployStable(run, stage, step.summary);
    case 'deploy-gray':
      reached.gray = true;
      return deployGray(run, stage, reached, step.replicas, step.summary);
    case 'tag':
      await takeRoute(run, stage, reached);
      return moveTraffic(run, stage, reached, { gray: 0, tag: step.tag });
    case 'probe':
      return probe(run, stage);
    case 'approval':
      return { result: await waitForApproval(run, step, stage.targets), findings: [] };
    case 'weight':
      return shift(run, stage, reached, step);
    case 'hold':
      return hold(run, stage, step);
    case 'return-traffic':
      return returnTraffic(run, stage, reached);
    case 'cleanup':
      return removeGray(run, stage, reached, step.drainMs);
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

async function deployStable(run: Run, stage: Stage, summary: string): Promise<Done> {
  const results = await forEach(stage, (target) =>
    slowly('deployStable', target.cluster, { release: run.inputs.id, target }, within(target, summary)),
  );
  return {
    result: `${stage.targets.map((t) => t.deployment).join(', ')} is available`,
    findings: results.flatMap((r) => r.findings),
  };
}

async function deployGray(
  run: Run,
  stage: Stage,
  reached: Reached,
  replicas: number,
  summary: string,
): Promise<Done> {
  const size = { replicas, weight: firstWeight(stage) };
  const scaled = await forEach(stage, (target) => scaleGray(run, stage, reached, target, size, summary));
  return {
    result: `${Math.max(...scaled.map((s) => s.replicas))} gray pod(s) ready`,
    findings: scaled.flatMap((s) => s.findings),
  };
}

/** Gray is scaled to what its weight needs before the weight is set. */
async function shift(
  run: Run,
  stage: Stage,
  reached: Reached,
  step: Extract<Step, { kind: 'weight' }>,
): Promise<Done> {
  const summary = `scale gray for ${step.weight} %`;
  const needed = sizeFor(stage, reached, step);
  const scaled = await forEach(stage, (target) =>
    (run.replicasOf(target.gray) ?? 0) >= needed
      ? null
      : scaleGray(run, stage, reached, target, step, summary),
  );
  if (!reached.route) {
    await takeRoute(run, stage, reached);
    await introduce(run, stage);
  }
  const traffic = { ...reached.traffic, gray: step.weight };
  const isFresh = stage.grayReplicas !== 'auto' || scaled.every((s) => s !== null);
  if (isFresh) return moveTraffic(run, stage, reached, traffic);
  try {
    return await moveTraffic(run, stage, reached, traffic, true);
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'gray_too_small') throw error;
    run.record.note('note', message);
  }
  await forEach(stage, (target) => scaleGray(run, stage, reached, target, step, summary));
  return moveTraffic(run, stage, reached, traffic);
}

/** The gray Service joins the route with weight 0, so that the data plane knows it before any request goes there. */
async function takeRoute(run: Run, stage: Stage, reached: Reached): Promise<void> {
  reached.route = true;
  run.graySince = new Date().toISOString();
  await forEach(stage, async ({ route }) => {
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
async function introduce(run: Run, stage: Stage): Promise<void> {
  const target = stage.targets.find(({ probe, route }) => probe !== null && route !== null);
  // One controller tells an Istio proxy all of it, in the right order.
  if (target === undefined || target.route!.router === 'istio') return;
  try {
    const results = await setTraffic(run, stage, { gray: 0, tag: target.probe!.tag });
    // Without the tag a share was set already, by a worker that was killed then.
    if (results.every(({ after }) => after.tag !== null)) await askTagged(run, stage, probes.beforeShare);
  } catch (error) {
    const { code, message } = failureOf(error);
    const isUnanswered = error instanceof ActivityFailure && error.activityType === 'probe';
    if (isCancellation(error) || (!isUnanswered && code !== 'route_unfit')) throw error;
    run.record.note('note', `Gray was not asked before its first share: ${message}`);
  }
}

async function moveTraffic(
  run: Run,
  stage: Stage,
  reached: Reached,
  traffic: Traffic,
  sized = false,
): Promise<Done> {
  await setTraffic(run, stage, traffic, sized);
  reached.traffic = traffic;
  return {
    result:
      traffic.tag === null || traffic.gray > 0 ? `${traffic.gray} % on gray` : 'tagged requests on gray',
    findings: [],
  };
}

async function setTraffic(
  run: Run,
  stage: Stage,
  traffic: Traffic,
  sized = false,
): Promise<readonly TrafficResult[]> {
  const results = await forEach(stage, async ({ application, route }) => {
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

async function probe(run: Run, stage: Stage): Promise<Done> {
  const findings = await askTagged(run, stage, probes.asStep);
  return { result: 'the tag leads to gray, no tag to stable', findings };
}

/**
 * Asks with and without the tag until the answers differ as they should: a proxy may learn of gray's pods only when its controller has found
 * the API server again.
 */
async function askTagged(run: Run, stage: Stage, most: number): Promise<readonly Finding[]> {
  const options = { patienceMs: probePatienceMs, summary: 'probe' };
  const results = await forEach(stage, async (target) => {
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

async function returnTraffic(run: Run, stage: Stage, reached: Reached): Promise<Done> {
  const stays = await forEach(stage, async ({ application, route }) => {
    if (route === null) return false;
    const input = { release: run.inputs.id, route, stays: true };
    const summary = `give ${route.route} back`;
    const result = await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
    run.record.weigh(application, 0);
    return result.stays;
  });
  reached.route = stays.includes(true);
  reached.traffic = { gray: 0, tag: null };
  const result = `stable carries everything${reached.route ? '' : ', the route is as it was'}`;
  return { result, findings: [] };
}

/** After a drain: traffic has left gray, but connections may still be open, and a proxy may not know yet. */
async function removeGray(run: Run, stage: Stage, reached: Reached, drainMs: number): Promise<Done> {
  const leaves = reached.route;
  const results = await forEach(stage, (target) => {
    const deadlineMs = target.progressDeadlineMs + drainMs + (leaves ? leavingMs : 0);
    const input = { release: run.inputs.id, target, drainMs, leaves };
    return slowly('removeGray', target.cluster, input, { deadlineMs, summary: 'remove gray' });
  });
  reached.gray = false;
  reached.route = false;
  return { result: null, findings: results.flatMap((r) => r.findings) };
}

/** One target after the other, in the declared order; the first failure ends it. */
async function forEach<T>(stage: Stage, act: (target: Target) => T | Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const target of stage.targets) results.push(await act(target));
  return results;
}

const within = (target: Target, summary: string) => ({ deadlineMs: target.progressDeadlineMs, summary });
