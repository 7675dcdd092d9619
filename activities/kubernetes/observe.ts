/** The pre-flight: looks at one application in one environment, in one round of reads, and names everything that stands in the way. */
import type { Strategy } from '../../domain/application.js';
import { failure } from '../../domain/failures.js';
import { edgeIn, type Told } from '../../domain/edge.js';
import { homeOf, type AnyRoute, type Tag } from '../../domain/traffic.js';
import type { Activities, ObserveInput, ObserveResult, RouteLook } from '../contract.js';
import { fail } from '../failure.js';
import type { Cluster } from './client.js';
import type { KubeObject, Deployment, Pod } from './objects.js';
import { noPolicies, policiesIn, type Policies } from './policies/find.js';
import { copyingProblems } from './policies/rights.js';
import { resources } from './resources.js';
import { kubeFailure } from './errors.js';
import { compared } from './compare.js';
import { kinds } from './kinds.js';
import { heard, recentMs, trustedMs } from './mirrors.js';
import { lookout, observed, type Findings, type Lookout } from './observation.js';
import { grayKey, looks, permitted } from './recent.js';
import { hasNamespace, rightsLacking } from './rights.js';
import { deniedAtHome, shareProblems } from './route-look.js';
import { neededRights, rightsProblems } from './rules.js';
import { labelSelectorText } from './selectors.js';
import { listed, readable, watched, type Objects, type Reader } from './watched.js';
import type { KubernetesDeps } from './workload.js';

export interface ObserveDeps extends KubernetesDeps {
  /** What keeps a route from carrying a gray release, and who holds it; see activities/traffic. */
  readonly lookAtRoute: (cluster: Cluster, route: AnyRoute, tag: Tag | null) => Promise<RouteLook>;
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
    return await look(deps, cluster, at, input.strategy ?? null);
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
  const [missing, seen] = await Promise.all([
    rightsLacking(cluster, namespace, neededRights(edge.route)),
    readable(deps.lookAtRoute(cluster, edge.route, guest.tag)),
  ]);
  const rights = rightsProblems(missing, name, namespace);
  return { observation: null, problems: [...rights, ...(seen?.problems ?? [])], ...holderOf(seen) };
}

async function look(
  deps: ObserveDeps,
  cluster: Cluster,
  at: Lookout,
  strategy: Strategy | null,
): Promise<ObserveResult> {
  const since = Date.now();
  const home = at.route === null ? '' : homeOf(at.route);
  const place = `${at.namespace} ${at.route?.router} ${home}/${at.route?.route}`;
  const known = permitted.get(cluster, place) !== null;
  const parts = watchedParts(cluster, at);
  const [missing, denied, stable, services, route] = await Promise.all([
    known ? [] : rightsLacking(cluster, at.namespace, neededRights(at.route)),
    known ? [] : deniedAtHome(cluster, at.route),
    readable(cluster.get(resources.deployments, at.namespace, at.deployment)) as Promise<Deployment | null>,
    listed(cluster, resources.services, at.namespace),
    at.route === null ? null : readable(deps.lookAtRoute(cluster, at.route, at.tag)),
  ]);
  const [namespace, pods, gray, covering, scaling, guarding] = await Promise.all([
    stable !== null || hasNamespace(cluster, at.namespace),
    stable === null ? [] : podsOf(cluster, at.namespace, stable),
    parts.gray(),
    parts.budgets(),
    parts.autoscalers(),
    parts.policies(),
  ]);
  if (!namespace) {
    const unknown = failure('namespace_unknown', { namespace: at.namespace, cluster: at.cluster });
    return { observation: null, problems: [unknown] };
  }
  if (missing.length + denied.length === 0 && !known) permitted.keep(cluster, place, true, since);
  const isFree = gray === null && services?.every((s) => s.metadata.name !== at.gray) === true;
  if (isFree && stable !== null)
    looks.keep(cluster, grayKey(at), { stable, services, policies: guarding }, since);
  const found: Findings = {
    stable,
    pods,
    gray,
    services,
    budgets: covering,
    autoscalers: scaling,
    policies: guarding,
    ...(await compared(cluster, at, stable, scaling)),
  };
  const seen = observed(at, found);
  // Stable that may not be read is not missing.
  const hidden = missing.some((n) => n.resource === resources.deployments && n.verb === 'get');
  const problems = hidden ? seen.problems.filter((p) => p.code !== 'workload_unknown') : seen.problems;
  // A first release moves no traffic, so its route may come later.
  const routing =
    seen.observation?.exists === false ? [] : [...(route?.problems ?? []), ...shareProblems(at, strategy)];
  const rights = [
    ...rightsProblems(missing, at.cluster, at.namespace),
    ...(at.route === null ? [] : rightsProblems(denied, at.cluster, homeOf(at.route))),
  ];
  const copying = await copyingProblems(cluster, at, seen.copies);
  return {
    observation: seen.observation,
    problems: [...rights, ...problems, ...copying, ...routing],
    ...holderOf(route),
  };
}

const holderOf = (seen: RouteLook | null): Pick<ObserveResult, 'held'> =>
  seen === null || seen.held === null ? {} : { held: seen.held };

/**
 * What the shared watches keep up to date is read when all else has been answered, so that they have had as long to hear of the latest.
 * What is decided on it is made sure of by the write that follows (gray's name), or is a warning, or can be mended in time.
 */
function watchedParts(
  cluster: Cluster,
  { namespace, gray, route }: Lookout,
): {
  readonly gray: Reader<KubeObject | null>;
  readonly budgets: Reader<Objects>;
  readonly autoscalers: Reader<Objects>;
  readonly policies: Reader<Policies>;
} {
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
    budgets: watched(cluster, kinds.budgets, namespace),
    autoscalers: watched(cluster, kinds.autoscalers, namespace),
    policies: route === null ? () => Promise.resolve(noPolicies) : policiesIn(cluster, namespace),
  };
}

async function podsOf(cluster: Cluster, namespace: string, stable: Deployment): Promise<readonly Pod[]> {
  const shelf = heard(cluster, kinds.pods, namespace, recentMs);
  if (shelf !== null) return shelf.select(stable.spec.selector);
  const labelSelector = labelSelectorText(stable.spec.selector);
  const pods = await readable(cluster.list(resources.pods, namespace, { labelSelector }));
  return pods?.items ?? [];
}
