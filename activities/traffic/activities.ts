/** The routers as activities, and as what pre-flight asks. */
import { Context } from '@temporalio/activity';
import { failure, type Failure } from '../../domain/failures.js';
import { homeOf, type AnyRoute, type Tag } from '../../domain/traffic.js';
import type { Activities, RouteLook, TrafficInput, TrafficResult } from '../contract.js';
import type { Cluster } from '../kubernetes/client.js';
import { KubeError } from '../kubernetes/kube-error.js';
import { seenOf } from './change.js';
import { collisionAhead } from './collision.js';
import { notedRoute } from './footprint.js';
import { grayProxyProblems } from './gray-proxy.js';
import { routers } from './index.js';
import { ingressProblems } from './ingress/preflight.js';
import { unreadyOf } from './endpoints.js';
import { remember } from './memory.js';
import { prepareRoute, restoreRoute, setTraffic } from './routes.js';
import { problemsOf, tagProblemsOf } from './rules.js';
import { bareRules } from './shared.js';

export function trafficActivities(
  clusters: (name: string) => Cluster,
): Pick<Activities, 'prepareRoute' | 'setTraffic' | 'setTrafficTogether' | 'restoreRoute'> {
  const signal = (): AbortSignal => Context.current().cancellationSignal;
  const set = async (input: TrafficInput<AnyRoute>): Promise<TrafficResult> => {
    const cluster = clusters(input.route.cluster);
    const unready = await unreadyOf(cluster, input.behind ?? [], signal());
    if (unready === undefined) return setTraffic(cluster, input, signal());
    return { changed: false, before: input.traffic, after: input.traffic, foreign: [], unready };
  };
  return {
    prepareRoute: async (input) => prepareRoute(clusters(input.route.cluster), input, signal()),
    setTraffic: set,
    setTrafficTogether: async (inputs) => {
      const results = await Promise.all(inputs.map(async (input) => set(input).catch(() => null)));
      signal().throwIfAborted();
      return results;
    },
    restoreRoute: async (input) => restoreRoute(clusters(input.route.cluster), input, signal()),
  };
}

/**
 * Everything that keeps the route from carrying a gray release with that tag (null: none); changes nothing. Throws what Kubernetes answered (KubeError): the
 * pre-flight reports missing rights by itself.
 */
export async function routeProblems(
  cluster: Cluster,
  route: AnyRoute,
  tag: Tag | null = null,
  signal?: AbortSignal,
): Promise<readonly Failure[]> {
  return (await lookAtRoute(cluster, route, tag, signal)).problems;
}

/** The same, and who holds it; of an Ingress only its canary would tell, which goes with gray. */
export async function lookAtRoute(
  cluster: Cluster,
  route: AnyRoute,
  tag: Tag | null = null,
  signal?: AbortSignal,
): Promise<RouteLook> {
  if (route.router === 'ingress')
    return { problems: await ingressProblems(cluster, route, signal), held: null };
  const router = routers[route.router];
  const { kind, group } = router.resource;
  const [namespace, name] = [homeOf(route), route.route];
  const object = await cluster.get(router.resource, namespace, name, signal);
  remember(cluster, route, object);
  if (object === null) {
    const known = await isServed(cluster, router.resource, signal);
    const problem = known
      ? failure('route_unknown', { kind, route: name, namespace })
      : failure('crd_missing', { kind, group, cluster: cluster.name });
    return { problems: [problem], held: null };
  }
  // What a release left there that was ended by force is in nobody's way; one that shares the route is not either, but for its lane.
  const seen = seenOf(router, route, object);
  const own = bareRules(router, seen, route);
  const collision = collisionAhead(seen, route, tag);
  const why = [
    ...(await grayProxyProblems(cluster, route, tag, signal)),
    ...problemsOf(router, object, own, route),
    ...(tag === null ? [] : tagProblemsOf(router, own, route, tag)),
    ...router.complaints(object),
  ];
  const problems = [
    ...(why.length === 0 ? [] : [failure('route_unfit', { kind, route: name, why: why.join(' ') })]),
    ...(collision === null ? [] : [failure('lanes_collide', collision)]),
  ];
  const { footprint } = seen;
  const held =
    footprint === null ? null : { release: footprint.release, route: notedRoute(route, footprint) };
  return { problems, held };
}

/** A missing object and a missing kind are both 404; discovery tells them apart. */
async function isServed(
  cluster: Cluster,
  resource: { readonly group: string; readonly version: string; readonly plural: string },
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const found = await cluster.call('GET', `/apis/${resource.group}/${resource.version}`, { signal });
    return (found['resources'] as { name: string }[]).some((r) => r.name === resource.plural);
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false;
    throw error;
  }
}
