/** Which rights the worker has in a namespace, as the API server says it. */
import type { Cluster } from './client.js';
import { KubeError } from './kube-error.js';
import { Recent } from './recent.js';
import { missingRights, type Need, type ResourceRule } from './rules.js';
import { Shared } from './shared.js';

const reviews = '/apis/authorization.k8s.io/v1';

interface Review {
  readonly resourceRules: readonly ResourceRule[];
  /** An authorizer that cannot list its rules may allow more. */
  readonly incomplete: boolean;
}

/** A right that is taken away meanwhile is told by what it refuses. */
const reviewed = new Recent<readonly ResourceRule[]>(60_000);
const flights = new WeakMap<Cluster, Shared>();

/** A worker whose rights end at the namespace may not read it; then it is taken to exist. */
export async function hasNamespace(cluster: Cluster, namespace: string): Promise<boolean> {
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
  const { resourceRules, incomplete } = await review(cluster, namespace);
  const missing = missingRights(resourceRules, needs);
  const asked = incomplete
    ? await Promise.all(missing.map((need) => isAllowed(cluster, namespace, need)))
    : [];
  return missing.filter((_, i) => asked[i] !== true);
}

/** The same, by the answer that a release in this namespace had a moment ago where nothing lacks by that. */
export async function rightsLacking(
  cluster: Cluster,
  namespace: string,
  needs: readonly Need[],
): Promise<Need[]> {
  const recent = reviewed.get(cluster, namespace);
  if (recent !== null && missingRights(recent, needs).length === 0) return [];
  const missing = missingRights((await sharedReview(cluster, namespace)).resourceRules, needs);
  return missing.length === 0 ? [] : rightsMissing(cluster, namespace, missing);
}

async function sharedReview(cluster: Cluster, namespace: string): Promise<Review> {
  const shared = flights.get(cluster) ?? new Shared();
  flights.set(cluster, shared);
  const answer = await shared.call(namespace, () => review(cluster, namespace));
  reviewed.keep(cluster, namespace, answer.resourceRules);
  return answer;
}

async function review(cluster: Cluster, namespace: string): Promise<Review> {
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const answer = await cluster.call('POST', `${reviews}/selfsubjectrulesreviews`, { body });
  const { resourceRules = [], incomplete = false } = (answer['status'] ?? {}) as Partial<Review>;
  return { resourceRules, incomplete };
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
