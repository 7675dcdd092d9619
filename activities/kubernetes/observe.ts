/** The pre-flight: looks at one application in one environment, in one round of reads, and names everything that stands in the way. */
import { failure, type Failure } from '../../domain/failures.js';
import { edgeIn, type Told } from '../../domain/edge.js';
import type { AnyRoute, Tag } from '../../domain/traffic.js';
import type { Activities, ObserveInput, ObserveResult } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import type { Cluster } from './client.js';
import { KubeError } from './kube-error.js';
import type { KubeObject, Deployment, Pod } from './objects.js';
import { resources, type Resource } from './resources.js';
import { kubeFailure } from './errors.js';
import { kinds, type Kind } from './kinds.js';
import { heard, present, recentMs, trustedMs } from './mirrors.js';
import { lookout, observed, type Findings, type Lookout } from './observation.js';
import { grayKey, looks, permitted } from './recent.js';
import { hasNamespace, rightsLacking } from './rights.js';
import { neededRights, rightsProblems } from './rules.js';
import { labelSelectorText } from './selectors.js';
import type { KubernetesDeps } from './workload.js';

export interface ObserveDeps extends KubernetesDeps {
  /** What keeps a route from carrying a gray release; see activities/traffic. */
  readonly routeProblems: (cluster: Cluster, route: AnyRoute, tag: Tag | null) => Promise<readonly Failure[]>;
}

export function observeActivities(deps: ObserveDeps): Pick<Activities, 'observe'> {
  return { observe: (input) => observe(deps, input) };
}

export async function observe(deps: ObserveDeps, input: ObserveInput): Promise<ObserveResult> {
  const { application, environment: name } = input;
  const environment = application.environments.find((e) => e.name === name);
  if (environment === undefined) {
    const known = application.environments.map((e) => e.name);
    fail('environment_unknown', { application: application.name, environment: name, known });
  }
  const at = lookout(application, environment, input);
  const cluster = deps.clusters(at.cluster);
  try {
    if (input.guest !== undefined) return await lookAtEdge(deps, cluster, at, input.guest);
    return await look(deps, cluster, at);
  } catch (error) {
    const what = `the look at Deployment "${at.deployment}"`;
    throw kubeFailure(error, { cluster: at.cluster, namespace: at.namespace, what });
  }
}

/** Whether the route of an application that is not released can carry the share of another one. */
async function lookAtEdge(
  deps: ObserveDeps,
  cluster: Cluster,
  { application, environment, cluster: name, namespace }: Lookout,
  guest: Told,
): Promise<ObserveResult> {
  const edge = edgeIn(application, environment.name, guest);
  if (edge === null) return { observation: null, problems: [] };
  const [missing, problems] = await Promise.all([
    rightsLacking(cluster, namespace, neededRights(edge.route)),
    readable(deps.routeProblems(cluster, edge.route, guest.tag)),
  ]);
  const rights = rightsProblems(missing, name, namespace);
  return { observation: null, problems: [...rights, ...(problems ?? [])] };
}

async function look(deps: ObserveDeps, cluster: Cluster, at: Lookout): Promise<ObserveResult> {
  const since = Date.now();
  const place = `${at.namespace} ${at.route?.router} ${at.route?.route}`;
  const known = permitted.get(cluster, place) !== null;
  const watched = watchedParts(cluster, at);
  const [missing, stable, services, route] = await Promise.all([
    known ? [] : rightsLacking(cluster, at.namespace, neededRights(at.route)),
    readable(cluster.get(resources.deployments, at.namespace, at.deployment)) as Promise<Deployment | null>,
    listed(cluster, resources.services, at.namespace),
    at.route === null ? [] : readable(deps.routeProblems(cluster, at.route, at.tag)),
  ]);
  const [namespace, pods, gray, covering, scaling, guarding] = await Promise.all([
    stable !== null || hasNamespace(cluster, at.namespace),
    stable === null ? [] : podsOf(cluster, at.namespace, stable),
    watched.gray(),
    watched.budgets(),
    watched.autoscalers(),
    watched.policies(),
  ]);
  if (!namespace) {
    const unknown = failure('namespace_unknown', { namespace: at.namespace, cluster: at.cluster });
    return { observation: null, problems: [unknown] };
  }
  if (missing.length === 0 && !known) permitted.keep(cluster, place, true, since);
  const isFree = gray === null && services?.every((s) => s.metadata.name !== at.gray) === true;
  if (isFree && stable !== null) looks.keep(cluster, grayKey(at), { stable, services }, since);
  const found: Findings = {
    stable,
    pods,
    gray,
    services,
    budgets: covering,
    autoscalers: scaling,
    policies: guarding,
  };
  const seen = observed(at, found);
  // Stable that may not be read is not missing.
  const hidden = missing.some((n) => n.resource === resources.deployments && n.verb === 'get');
  const problems = hidden ? seen.problems.filter((p) => p.code !== 'workload_unknown') : seen.problems;
  // A first release moves no traffic, so its route may come later.
  const routing = seen.observation?.exists === false ? [] : (route ?? []);
  const rights = rightsProblems(missing, at.cluster, at.namespace);
  return { observation: seen.observation, problems: [...rights, ...problems, ...routing] };
}

type Reader<T> = () => Promise<T>;
type Objects = readonly KubeObject[] | null;

/**
 * What the shared watches keep up to date is read when all else has been answered, so that they have had as long to hear of the latest.
 * What is decided on it is made sure of by the write that follows (gray's name), or is a warning, or can be mended in time.
 */
function watchedParts(
  cluster: Cluster,
  { namespace, gray }: Lookout,
): {
  readonly gray: Reader<KubeObject | null>;
  readonly budgets: Reader<Objects>;
  readonly autoscalers: Reader<Objects>;
  readonly policies: Reader<Objects>;
} {
  const all = (kind: Kind<KubeObject>): Reader<Objects> => {
    const opened = present(cluster, kind, namespace, trustedMs);
    return async () => {
      await opened;
      const shelf = heard(cluster, kind, namespace, trustedMs);
      return shelf?.all() ?? listed(cluster, kind.resource, namespace);
    };
  };
  const ask = (): Promise<KubeObject | null> => readable(cluster.get(resources.deployments, namespace, gray));
  const known = heard(cluster, kinds.deployments, namespace, trustedMs) !== null;
  const asked = known ? null : ask();
  // It is thrown where it is read.
  asked?.catch(() => undefined);
  return {
    gray: async () => {
      if (asked !== null) return asked;
      const shelf = heard(cluster, kinds.deployments, namespace, trustedMs);
      // One that is there is looked at: it may have gone.
      return shelf !== null && shelf.get(gray) === undefined ? null : ask();
    },
    budgets: all(kinds.budgets),
    autoscalers: all(kinds.autoscalers),
    policies: all(kinds.policies),
  };
}

async function podsOf(cluster: Cluster, namespace: string, stable: Deployment): Promise<readonly Pod[]> {
  const shelf = heard(cluster, kinds.pods, namespace, recentMs);
  if (shelf !== null) return shelf.select(stable.spec.selector);
  const labelSelector = labelSelectorText(stable.spec.selector);
  const pods = await readable(cluster.list(resources.pods, namespace, { labelSelector }));
  return pods?.items ?? [];
}

async function listed(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
): Promise<readonly KubeObject[] | null> {
  return (await readable(cluster.list(resource, namespace)))?.items ?? null;
}

/** Null where it may not be read: the missing rights are reported by themselves. */
async function readable<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return null;
    if (error instanceof CatalogueError && error.failure.code === 'cluster_denied') return null;
    throw error;
  }
}
