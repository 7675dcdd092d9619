/** What releases left behind that are over: shown, or removed by a workflow that keeps who asked for it and why. */
import { randomUUID } from 'node:crypto';
import type { Application } from '../../domain/application.js';
import { declaredCalls, withEdges } from '../../domain/edge.js';
import { failure } from '../../domain/failures.js';
import { cleanWorkflowId } from '../../domain/ids.js';
import {
  callersFirst,
  keptBehind,
  reachesOf,
  type Cleaned,
  type CleanRequest,
  type CleanView,
  type Doubt,
  type Leftover,
  type LeftoverErrand,
  type LeftoverRow,
  type Unseen,
} from '../../domain/leftover.js';
import { environmentsAt, spotsOf, type Spot } from '../../domain/stray.js';
import type { TemporalAccess } from './access.js';
import { applicationNames } from './applications.js';
import { applicationsAfter, notDeclared } from './environments.js';
import { failureFrom, isTimeout, serverCall } from './errors.js';
import { look, statesOf } from './leftovers.js';
import { claim } from './strays.js';

export interface CleanOrder {
  /** Shows what would be removed. */
  readonly dryRun: boolean;
  readonly by: string;
  readonly reason: string;
  /** Where else is looked, though no declared application is there; null: nowhere. */
  readonly spot: Spot | null;
}

/** How long a removal is waited for; the workflow goes on. */
export const cleanMs = 240_000;

/**
 * Never touches what a release made that Temporal says is running. Throws `environment_not_declared`; a cluster that is away, and what
 * could not be removed, are answers.
 */
export async function cleanEnvironment(
  access: TemporalAccess,
  name: string,
  { dryRun, by, reason, spot }: CleanOrder,
): Promise<CleanView> {
  const { ours, others } = await declaredHere(access);
  const here = ours.filter(({ environments }) => environments.some((e) => e.name === name));
  if (here.length === 0 && spot === null) {
    const names = new Set(ours.flatMap(({ environments }) => environments.map((e) => e.name)));
    return notDeclared(name, [...names].sort());
  }
  const spots = spotsOf(here, name, spot);
  const knownAt = (at: Spot): readonly string[] => [
    ...others,
    ...ours.filter((one) => environmentsAt(one, at).length > 0).map((one) => one.name),
  ];
  const found = await look(
    access,
    errandsFor(here, name),
    spots.map((at) => ({ ...at, known: knownAt(at) })),
  );
  const states = await statesOf(access, found.leftovers);
  const own = found.leftovers.filter(({ release }) => states.get(release) !== 'running');
  const isKnown = (application: string, at: Spot): boolean => knownAt(at).includes(application);
  const claimed = await claim(access, found.strays, spots, isKnown);
  // As it is declared now counts last.
  const applications = [...claimed.applications, ...ours];
  const calls = withEdges(declaredCalls(applications), applications, name);
  const over = callersFirst([...own, ...claimed.leftovers], calls);
  const unseen = [...found.unseen, ...claimed.unseen];
  const kept = keptBehind(over, doubtsOf(unseen, claimed.rows), calls);
  const free = over.filter((one) => !kept.has(one));
  const request = { environment: name, leftovers: free, reaches: reachesOf(free, calls), by, reason };
  const cleaned = dryRun || free.length === 0 ? [] : await remove(access, request);
  const rows = over.map((one): LeftoverRow => {
    const state = states.get(one.release) === 'unknown' ? 'unknown' : 'ended';
    const declared = own.some(({ target }) => target.application === one.target.application);
    const left = kept.get(one);
    const outcome = left === undefined ? cleaned[free.indexOf(one)] : { removed: [], left };
    return rowOf(one, { state, declared }, outcome);
  });
  const byName = (a: LeftoverRow, b: LeftoverRow): number => (a.application < b.application ? -1 : 1);
  const items = [...rows, ...claimed.rows].toSorted(byName);
  return { name, dryRun, items, unseen };
}

/** Whose route may still give the tag, or a share, to requests that come to others: it was not seen, or stays. */
const doubtsOf = (unseen: readonly Unseen[], rows: readonly LeftoverRow[]): readonly Doubt[] => [
  ...unseen.map(({ application, why }) => ({
    application,
    why: `could not be looked at and may still lead requests here: ${why}`,
  })),
  ...rows.map(({ application, left }) => ({
    application,
    why: `may still lead requests here: ${left}`,
  })),
];

interface DeclaredHere {
  readonly ours: readonly Application[];
  /** Names of those whose workers are not ours. */
  readonly others: readonly string[];
}

async function declaredHere(access: TemporalAccess): Promise<DeclaredHere> {
  const ours: Application[] = [];
  for await (const view of applicationsAfter(access)) ours.push(view.current.application);
  const names = new Set(ours.map((one) => one.name));
  return { ours, others: (await applicationNames(access)).filter((name) => !names.has(name)) };
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

/** Answers in the order of the request. */
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
  known: Pick<LeftoverRow, 'state' | 'declared'>,
  cleaned: Pick<Cleaned, 'removed' | 'left'> | undefined,
): LeftoverRow {
  const { application, cluster, namespace, lane } = target;
  const { removed = [], left = null } = cleaned ?? {};
  return { application, cluster, namespace, lane, release, ...known, objects, route, weight, removed, left };
}
