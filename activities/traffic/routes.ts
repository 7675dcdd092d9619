/** Changes of a route, whichever router splits it: the rules of one object (driver.ts), or canaries beside an Ingress (ingress/driver.ts). */
import type { AnyRoute } from '../../domain/traffic.js';
import type { RestoreInput, RestoreResult, RouteInput, TrafficInput, TrafficResult } from '../contract.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import type { Deployment } from '../kubernetes/objects.js';
import { resources } from '../kubernetes/resources.js';
import { mayRunDry } from '../kubernetes/rollout.js';
import { asked } from './change.js';
import * as rules from './driver.js';
import * as ingress from './ingress/driver.js';
import { restoreIngress } from './ingress/restore.js';

type Numbered = RouteInput<AnyRoute> & { readonly seq: number };

export function prepareRoute(
  cluster: Cluster,
  { route, ...input }: Numbered,
  signal: AbortSignal,
): Promise<TrafficResult> {
  return route.router === 'ingress'
    ? ingress.prepareIngress(cluster, { ...input, route }, signal)
    : rules.prepareRoute(cluster, { ...input, route }, signal);
}

export function setTraffic(
  cluster: Cluster,
  { route, ...input }: TrafficInput<AnyRoute>,
  signal: AbortSignal,
): Promise<TrafficResult> {
  return route.router === 'ingress'
    ? ingress.setIngress(cluster, { ...input, route }, signal)
    : rules.setTraffic(cluster, { ...input, route }, signal);
}

export function returnToStable(
  cluster: Cluster,
  { route, ...input }: Numbered,
  signal: AbortSignal,
): Promise<TrafficResult> {
  return route.router === 'ingress'
    ? ingress.returnIngress(cluster, { ...input, route }, signal)
    : rules.returnToStable(cluster, { ...input, route }, signal);
}

/**
 * The guard's write to all of them, at once: one that cannot be written, or is in a cluster of other workers, keeps none of the others. Throws
 * what the first of them failed with.
 */
export async function allToStable(
  clusters: (name: string) => Cluster,
  {
    routes,
    ...input
  }: { readonly release: string; readonly seq: number; readonly routes: readonly AnyRoute[] },
  signal: AbortSignal,
): Promise<void> {
  const back = async (route: AnyRoute): Promise<TrafficResult> =>
    returnToStable(clusters(route.cluster), { ...input, route }, signal);
  const results = await Promise.allSettled(routes.map(back));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

export async function restoreRoute(
  cluster: Cluster,
  { route, promoted, ...input }: RestoreInput<AnyRoute>,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { namespace, stableService: service } = route;
  const stable =
    promoted === undefined
      ? null
      : await asked(cluster, route, cluster.get(resources.deployments, namespace, promoted, signal));
  if (stable !== null && mayRunDry(stable as Deployment))
    fail('endpoints_missing', { track: 'stable', service });
  return route.router === 'ingress'
    ? restoreIngress(cluster, { ...input, route }, signal)
    : rules.restoreRoute(cluster, { ...input, route }, signal);
}
