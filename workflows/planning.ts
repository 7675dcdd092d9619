/** Making the plan: look at the clusters, compute. Changes nothing. */
import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import { releaseSettings, type Application } from '../domain/application.js';
import { batchProblems } from '../domain/batches.js';
import { callsIn, edgesOf, type Told } from '../domain/edge.js';
import { entryProblems, laneProblems, stampProblems } from '../domain/lane.js';
import { placeProblems } from '../domain/places.js';
import { shareProblems } from '../domain/shares.js';
import type { Failure } from '../domain/failures.js';
import { failure } from '../domain/failures.js';
import { computePlan, environmentsOf, type Plan, type PlannedApplication } from '../domain/plan.js';
import { type Observation } from '../domain/target.js';
import { quickly } from './activities.js';
import { failureOf } from './failures.js';
import { gatesBefore } from './gates.js';
import { imagesOf, patience, type Images } from './images.js';
import type { Run } from './run.js';

export interface Planning {
  readonly plan: Plan | null;
  readonly problems: readonly Failure[];
}

/**
 * Looks at every environment that the release goes through, all at once, and computes the plan.
 * @param from index of the first stage that is not done yet
 */
export async function makePlan(
  run: Run,
  images: Images,
  patienceMs: number = patience.attendedMs,
  from = 0,
): Promise<Planning> {
  const { request, applications } = run.inputs;
  // Their clusters may be away, and what is done stays as it was planned. Releases of older workers look again.
  const isKept = from > 0 && run.changes.has('what-is-done-is-not-looked-at');
  const done = isKept ? run.record.plan!.stages.slice(0, from).map((stage) => stage.environment) : [];
  const looks = await Promise.all(applications.map((spec) => lookAt(run, spec, images, done, patienceMs)));
  const edges = await Promise.all(edgeLooks(run, done, patienceMs));
  const { gates, problems: unpassed } = gatesBefore(run, images, from);
  const problems = [
    ...laneProblems(run.inputs),
    ...placeProblems(run.inputs),
    ...batchProblems(applications, request),
    ...unpassed,
    ...looks.flatMap((look) => look.problems),
    ...edges.flat(),
  ];
  if (problems.length > 0) return { plan: null, problems };
  const planned = looks.flatMap((look) => look.planned ?? []);
  const { environment, strategy, lane, approveEach = false, rollbackOf, wayBack } = request;
  const rollback =
    rollbackOf === undefined || wayBack === undefined
      ? {}
      : {
          rollback: {
            of: rollbackOf,
            way: wayBack,
            enters: !run.changes.has('nobody-enters-on-the-way-back'),
          },
        };
  const calls = callsIn(run.inputs);
  const asBefore = !run.changes.has('plans-know-more-of-edges-and-shares');
  const asked = { environment, strategy, lane, approveEach, gates, asBefore, ...rollback };
  const plan = computePlan({ applications: planned, calls, edges: run.inputs.edges ?? [], ...asked });
  const unfit = [...entryProblems(plan), ...stampProblems(plan), ...shareProblems(plan)];
  return unfit.length > 0 ? { plan: null, problems: unfit } : { plan, problems };
}

/** What keeps the routes of others from carrying the share. */
function edgeLooks(
  run: Run,
  done: readonly string[],
  patienceMs: number,
): readonly Promise<readonly Failure[]>[] {
  const { request, applications, edges = [] } = run.inputs;
  return applications.flatMap((spec) =>
    environmentsOf(spec, request.environment, request.wayBack).flatMap((environment) => {
      const { strategy, tag, enter } = releaseSettings(spec, environment);
      if ((request.strategy ?? strategy) === 'rolling' || done.includes(environment.name)) return [];
      const value = request.lane ?? tag.value;
      const isEntered = enter !== undefined && request.wayBack === undefined;
      const guest = { tag: { ...tag, value }, ...(isEntered ? { enter } : {}) };
      return edgesOf(spec, environment)
        .flatMap((name) => edges.find((edge) => edge.name === name) ?? [])
        .map((edge) => lookAtEdge(run, edge, environment.name, guest, patienceMs));
    }),
  );
}

async function lookAtEdge(
  run: Run,
  application: Application,
  environment: string,
  guest: Told,
  patienceMs: number,
): Promise<readonly Failure[]> {
  const cluster = application.environments.find((e) => e.name === environment)?.cluster ?? 'default';
  const summary = `look at the route of ${application.name} in ${environment}`;
  try {
    const input = { application, environment, lane: null, guest };
    const { problems, held } = await quickly('observe', cluster, input, { patienceMs, summary });
    run.holders.seen(application.name, environment, 'guest', held);
    return problems;
  } catch (error) {
    return [lookFailure(error, application, environment)];
  }
}

interface Look {
  /** Null where an image is not known. */
  readonly planned: PlannedApplication | null;
  readonly problems: readonly Failure[];
}

async function lookAt(
  run: Run,
  spec: Application,
  images: Images,
  done: readonly string[],
  patienceMs: number,
): Promise<Look> {
  const { request } = run.inputs;
  const problems: Failure[] = [];
  const environments = environmentsOf(spec, request.environment, request.wayBack);
  if (environments.length === 0) {
    const known = spec.environments.map((e) => e.name);
    const context = { application: spec.name, environment: request.environment ?? '', known };
    problems.push(failure('environment_unknown', context, '/environment'));
  }
  const seen = await Promise.all(
    environments.map((e) => observe(run, spec, e.name, problems, done.includes(e.name), patienceMs)),
  );
  const observations = seen.filter((o): o is Observation => o !== null);
  const found = imagesOf(request, spec.name, images);
  return { planned: found === null ? null : { spec, ...found, observations }, problems };
}

async function observe(
  run: Run,
  spec: PlannedApplication['spec'],
  name: string,
  problems: Failure[],
  isDone: boolean,
  patienceMs: number,
): Promise<Observation | null> {
  const before = isDone ? run.seen.get(`${spec.name}/${name}`) : undefined;
  if (before !== undefined) return before;
  const environment = spec.environments.find((e) => e.name === name)!;
  const lane = run.inputs.request.lane ?? releaseSettings(spec, environment).lane;
  const summary = `look at ${spec.name} in ${name}`;
  try {
    const { strategy, wayBack } = run.inputs.request;
    const back = wayBack === undefined ? {} : { back: true };
    const input = { application: spec, environment: name, lane, strategy, ...back };
    const result = await quickly('observe', environment.cluster ?? 'default', input, { patienceMs, summary });
    problems.push(...result.problems);
    run.holders.seen(spec.name, name, 'own', result.held);
    if (result.observation !== null) run.seen.set(`${spec.name}/${name}`, result.observation);
    return result.observation;
  } catch (error) {
    problems.push(lookFailure(error, spec, name));
    return null;
  }
}

function lookFailure(error: unknown, { name, environments }: Application, environment: string): Failure {
  const at = environments.findIndex((e) => e.name === environment);
  const cluster = environments[at]?.cluster ?? 'default';
  const pointer = `/environments/${at}/cluster`;
  const timeout = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(timeout instanceof TimeoutFailure)) {
    const found = failureOf(error);
    return found.code === 'cluster_unknown' ? { ...found, pointer } : found;
  }
  return timeout.timeoutType === 'SCHEDULE_TO_START'
    ? failure('cluster_unknown', { cluster, of: `${name} in ${environment}`, known: [] }, pointer)
    : failure('cluster_unreachable', { cluster, why: 'it did not answer in time' });
}
