/** What releases left behind that are over: shown, or removed by a workflow that keeps who asked for it and why. */
import { randomUUID } from 'node:crypto';
import type { Application } from '../../domain/application.js';
import { withEdges } from '../../domain/edge.js';
import { failure } from '../../domain/failures.js';
import { cleanWorkflowId, environmentWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import {
  callersFirst,
  callsOf,
  type Cleaned,
  type CleanRequest,
  type CleanView,
  type Found,
  type Leftover,
  type LeftoverErrand,
  type LeftoverRow,
} from '../../domain/leftover.js';
import { problemOf, ProblemError } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { declaring, notDeclared } from './environments.js';
import { failureFrom, isMissing, isTimeout, serverCall } from './errors.js';

export interface CleanOrder {
  /** Shows what would be removed. */
  readonly dryRun: boolean;
  readonly by: string;
  readonly reason: string;
}

/** Longer than any look may take. */
const lookMs = 25_000;
/** How long a removal is waited for; the workflow goes on. */
export const cleanMs = 240_000;

/**
 * Never touches what a release made that Temporal says is running. Throws `environment_not_declared`; a cluster that is away, and what
 * could not be removed, are answers.
 */
export async function cleanEnvironment(
  access: TemporalAccess,
  name: string,
  { dryRun, by, reason }: CleanOrder,
): Promise<CleanView> {
  const { found, others } = await declaring(access, name, { limit: Infinity });
  if (found.length === 0) return notDeclared(name, others);
  const applications = found.map((view) => view.current.application);
  const { leftovers, unseen } = await look(access, errandsFor(applications, name));
  const states = await statesOf(access, leftovers);
  const over = callersFirst(
    leftovers.filter(({ release }) => states.get(release) !== 'running'),
    withEdges(callsOf(applications), applications, name),
  );
  const request = { environment: name, leftovers: over, by, reason };
  const cleaned = dryRun || over.length === 0 ? [] : await remove(access, request);
  const items = over.map((one): LeftoverRow => {
    const own = cleaned.find((c) => c.release === one.release && c.application === one.target.application);
    return rowOf(one, states.get(one.release) === 'unknown' ? 'unknown' : 'ended', own);
  });
  const byName = (a: LeftoverRow, b: LeftoverRow): number => (a.application < b.application ? -1 : 1);
  return { name, dryRun, items: items.toSorted(byName), unseen };
}

function errandsFor(applications: readonly Application[], environment: string): readonly LeftoverErrand[] {
  const clusterOf = ({ environments }: Application): string =>
    environments.find((e) => e.name === environment)?.cluster ?? 'default';
  return [...new Set(applications.map(clusterOf))].map((cluster) => ({
    cluster,
    environment,
    applications: applications.filter((a) => clusterOf(a) === cluster),
  }));
}

async function look(access: TemporalAccess, errands: readonly LeftoverErrand[]): Promise<Found> {
  try {
    const handle = await access.client.workflow.start('leftovers', {
      workflowId: environmentWorkflowId(randomUUID()),
      taskQueue: access.taskQueue,
      args: [errands],
      workflowExecutionTimeout: '40s',
      staticSummary: `look for what is left of ${errands.flatMap((e) => e.applications).length} application(s)`,
    });
    return (await access.client.withDeadline(Date.now() + lookMs, () => handle.result())) as Found;
  } catch (error) {
    throw new ProblemError(problemOf(failureFrom(error, isTimeout(error) ? 'worker' : 'server')));
  }
}

type State = 'running' | 'ended' | 'unknown';

/** As Temporal itself says it now, not as a list that is a moment behind. */
async function statesOf(
  access: TemporalAccess,
  leftovers: readonly Leftover[],
): Promise<ReadonlyMap<string, State>> {
  const ids = [...new Set(leftovers.map((l) => l.release))];
  const missing = () => failure('internal', { what: 'Temporal does not say whether releases run' });
  const stateOf = async (id: string): Promise<State> => {
    try {
      const { status } = await access.client.workflow.getHandle(releaseWorkflowId(id)).describe();
      return status.name === 'RUNNING' ? 'running' : 'ended';
    } catch (error) {
      if (isMissing(error)) return 'unknown';
      throw error;
    }
  };
  const states = await serverCall(access, missing, () => Promise.all(ids.map(stateOf)));
  return new Map(ids.map((id, i) => [id, states[i]!]));
}

async function remove(access: TemporalAccess, request: CleanRequest): Promise<readonly Cleaned[]> {
  const { environment, leftovers, by, reason } = request;
  const workflowId = cleanWorkflowId(environment, randomUUID());
  const missing = () => failure('internal', { what: `workflow ${workflowId} is not there` });
  const handle = await serverCall(access, missing, () =>
    access.client.workflow.start('clean', {
      workflowId,
      taskQueue: access.taskQueue,
      args: [request],
      workflowExecutionTimeout: '1h',
      staticSummary: `clean ${environment}, by ${by}: ${reason}`.slice(0, 200),
    }),
  );
  try {
    const cleaned = access.client.withDeadline(Date.now() + cleanMs, () => handle.result());
    return (await cleaned) as readonly Cleaned[];
  } catch (error) {
    const left = isTimeout(error)
      ? `The removal is still under way (workflow ${workflowId}); look again in a minute.`
      : failureFrom(error, 'worker').message;
    return leftovers.map(({ release, target: { application } }) => ({
      release,
      application,
      removed: [],
      left,
    }));
  }
}

function rowOf(
  { release, target, objects, route, weight }: Leftover,
  state: LeftoverRow['state'],
  cleaned: Cleaned | undefined,
): LeftoverRow {
  const { application, cluster, namespace, lane } = target;
  const { removed = [], left = null } = cleaned ?? {};
  return { application, cluster, namespace, lane, release, state, objects, route, weight, removed, left };
}
