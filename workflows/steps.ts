/** What each kind of step does. A step that fails throws a failure of the catalogue; undoing is in rollback.ts. */
import { isCancellation } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import type { Stage, Step, Target } from '../domain/plan.js';
import { hasEnded, type Phase } from '../domain/release.js';
import type { Traffic } from '../domain/traffic.js';
import { quickly, slowly } from './activities.js';
import { waitForApproval } from './approval.js';
import { hold } from './hold.js';
import type { Run } from './run.js';

/** How far a stage has come: what undoing has to look at. Set before the effect, so that a half-done one is undone too. */
export interface Reached {
  route: boolean;
  gray: boolean;
  stable: boolean;
  traffic: Traffic;
}

export const nothingReached = (): Reached => ({
  route: false,
  gray: false,
  stable: false,
  traffic: { gray: 0, tag: null },
});

/** How long a neighbour that is away is waited for on the way forward. */
const patienceMs = 5 * 60_000;

/** A step's outcome for people, with its evidence. */
interface Done {
  readonly result: string | null;
  readonly findings: readonly Finding[];
}

export async function takeStep(run: Run, stage: Stage, step: Step, reached: Reached): Promise<void> {
  run.record.begin(step, phaseOf(step));
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
      return deployGray(run, stage, step.replicas, step.summary);
    case 'tag':
      await takeRoute(run, stage, reached);
      return moveTraffic(run, stage, reached, { gray: 0, tag: step.tag });
    case 'probe':
      return probe(run, stage);
    case 'approval':
      return { result: await waitForApproval(run, step, stage.targets), findings: [] };
    case 'weight':
      await deployGray(run, stage, step.replicas, `scale gray for ${step.weight} %`);
      if (!reached.route) await takeRoute(run, stage, reached);
      return moveTraffic(run, stage, reached, { ...reached.traffic, gray: step.weight });
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

async function deployGray(run: Run, stage: Stage, replicas: number, summary: string): Promise<Done> {
  const results = await forEach(stage, async (target) => {
    if (run.replicasOf(target.gray) === replicas) return { findings: [] };
    const input = { release: run.inputs.id, target, replicas };
    const result = await slowly('deployGray', target.cluster, input, within(target, summary));
    run.scaled(target.gray, replicas);
    return result;
  });
  return { result: `${replicas} gray pod(s) ready`, findings: results.flatMap((r) => r.findings) };
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

async function moveTraffic(run: Run, stage: Stage, reached: Reached, traffic: Traffic): Promise<Done> {
  const foreign = await forEach(stage, async ({ application, route }) => {
    if (route === null) return [];
    const input = { release: run.inputs.id, route, traffic, seq: run.nextSeq() };
    const summary = `${traffic.gray} % of ${route.route} to gray`;
    const result = await quickly('setTraffic', route.cluster, input, { patienceMs, summary });
    run.record.weigh(application, traffic.gray);
    return result.foreign;
  });
  reached.traffic = traffic;
  for (const change of foreign.flat()) run.record.note('note', `Somebody else changed the route: ${change}`);
  return {
    result:
      traffic.tag === null || traffic.gray > 0 ? `${traffic.gray} % on gray` : 'tagged requests on gray',
    findings: [],
  };
}

async function probe(run: Run, stage: Stage): Promise<Done> {
  const results = await forEach(stage, (target) =>
    quickly(
      'probe',
      target.cluster,
      { release: run.inputs.id, target },
      { patienceMs: 60_000, summary: 'probe' },
    ),
  );
  return { result: 'the tag leads to gray, no tag to stable', findings: results.flatMap((r) => r.findings) };
}

async function returnTraffic(run: Run, stage: Stage, reached: Reached): Promise<Done> {
  await forEach(stage, async ({ application, route }) => {
    if (route === null) return;
    const input = { release: run.inputs.id, route };
    await quickly('restoreRoute', route.cluster, input, { patienceMs, summary: `give ${route.route} back` });
    run.record.weigh(application, 0);
  });
  reached.route = false;
  reached.traffic = { gray: 0, tag: null };
  return { result: 'stable carries everything, the route is as it was', findings: [] };
}

/** After a drain: traffic has left gray, but connections may still be open. */
async function removeGray(run: Run, stage: Stage, reached: Reached, drainMs: number): Promise<Done> {
  const results = await forEach(stage, (target) => {
    const deadlineMs = target.progressDeadlineMs + drainMs;
    const input = { release: run.inputs.id, target, drainMs };
    return slowly('removeGray', target.cluster, input, { deadlineMs, summary: 'remove gray' });
  });
  reached.gray = false;
  return { result: null, findings: results.flatMap((r) => r.findings) };
}

/** One target after the other, in the declared order; the first failure ends it. */
async function forEach<T>(stage: Stage, act: (target: Target) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const target of stage.targets) results.push(await act(target));
  return results;
}

const within = (target: Target, summary: string) => ({ deadlineMs: target.progressDeadlineMs, summary });
