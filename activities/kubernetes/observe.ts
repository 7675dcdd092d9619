/** The pre-flight: looks at one application in one environment, in one round of reads, and names everything that stands in the way. */
import { failure, type Failure } from '../../domain/failures.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import type { Activities, ObserveInput, ObserveResult } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import { KubeError, resources, type Cluster, type KubeObject, type Resource } from './client.js';
import { kubeFailure } from './errors.js';
import { lookout, observed, type Findings, type Lookout } from './observation.js';
import type { Deployment, Pod } from './objects.js';
import { grayKey, looks, permitted } from './recent.js';
import { missingRights, neededRights, rightsProblems, type Need, type ResourceRule } from './rules.js';
import { labelSelectorText } from './selectors.js';
import type { KubernetesDeps } from './workload.js';

export interface ObserveDeps extends KubernetesDeps {
  /** What keeps a route from carrying a gray release; see activities/traffic. */
  readonly routeProblems: (
    cluster: Cluster,
    route: RouteTarget,
    tag: Tag | null,
  ) => Promise<readonly Failure[]>;
}

export const budgets = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
};
export const autoscalers = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
};
export const policies = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
};
const reviews = '/apis/authorization.k8s.io/v1';

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
    return await look(deps, cluster, at);
  } catch (error) {
    const what = `the look at Deployment "${at.deployment}"`;
    throw kubeFailure(error, { cluster: at.cluster, namespace: at.namespace, what });
  }
}

async function look(deps: ObserveDeps, cluster: Cluster, at: Lookout): Promise<ObserveResult> {
  const since = Date.now();
  const place = `${at.namespace} ${at.route?.router} ${at.route?.route}`;
  const known = permitted.get(cluster, place) !== null;
  const [namespace, missing, stable, gray, services, covering, scaling, guarding, route] = await Promise.all([
    known ? true : hasNamespace(cluster, at.namespace),
    known ? [] : rightsMissing(cluster, at.namespace, neededRights(at.route)),
    stableWithPods(cluster, at),
    readable(cluster.get(resources.deployments, at.namespace, at.gray)),
    listed(cluster, resources.services, at.namespace),
    listed(cluster, budgets, at.namespace),
    listed(cluster, autoscalers, at.namespace),
    listed(cluster, policies, at.namespace),
    at.route === null ? [] : readable(deps.routeProblems(cluster, at.route, at.tag)),
  ]);
  if (!namespace) {
    const unknown = failure('namespace_unknown', { namespace: at.namespace, cluster: at.cluster });
    return { observation: null, problems: [unknown] };
  }
  if (missing.length === 0 && !known) permitted.keep(cluster, place, true, since);
  const isFree = gray === null && services?.every((s) => s.metadata.name !== at.gray) === true;
  if (isFree && stable.stable !== null)
    looks.keep(cluster, grayKey(at), { stable: stable.stable, services }, since);
  const found: Findings = {
    ...stable,
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

async function stableWithPods(
  cluster: Cluster,
  { namespace, deployment }: Lookout,
): Promise<{ readonly stable: Deployment | null; readonly pods: readonly Pod[] }> {
  const stable = (await readable(
    cluster.get(resources.deployments, namespace, deployment),
  )) as Deployment | null;
  if (stable === null) return { stable, pods: [] };
  const labelSelector = labelSelectorText(stable.spec.selector);
  const pods = await readable(cluster.list(resources.pods, namespace, { labelSelector }));
  return { stable, pods: pods?.items ?? [] };
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

/** A worker whose rights end at the namespace may not read it; then it is taken to exist. */
async function hasNamespace(cluster: Cluster, namespace: string): Promise<boolean> {
  try {
    await cluster.call('GET', `/api/v1/namespaces/${namespace}`);
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false;
    if (error instanceof KubeError && error.status === 403) return true;
    throw error;
  }
}

/** One review of all rules; what an authorizer cannot list is asked one by one. */
export async function rightsMissing(
  cluster: Cluster,
  namespace: string,
  needs: readonly Need[],
): Promise<Need[]> {
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const answer = await cluster.call('POST', `${reviews}/selfsubjectrulesreviews`, { body });
  const { resourceRules = [], incomplete = false } = (answer['status'] ?? {}) as {
    resourceRules?: readonly ResourceRule[];
    incomplete?: boolean;
  };
  const missing = missingRights(resourceRules, needs);
  const asked = incomplete
    ? await Promise.all(missing.map((need) => isAllowed(cluster, namespace, need)))
    : [];
  return missing.filter((_, i) => asked[i] !== true);
}

async function isAllowed(
  cluster: Cluster,
  namespace: string,
  { resource, verb, name }: Need,
): Promise<boolean> {
  const attributes = { namespace, verb, group: resource.group, resource: resource.plural };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: name === null ? attributes : { ...attributes, name } },
  };
  const answer = await cluster.call('POST', `${reviews}/selfsubjectaccessreviews`, { body });
  return (answer['status'] as { allowed?: boolean } | undefined)?.allowed === true;
}
