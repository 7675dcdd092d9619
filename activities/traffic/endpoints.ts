/** P1: traffic goes only to a track with ready endpoints. */
import { grayReplicas, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import { resources, type Cluster, type KubeObject } from '../kubernetes/client.js';
import { fail } from '../failure.js';

/** Ready endpoints of both tracks. */
export interface Ready {
  readonly stable: number;
  readonly gray: number;
}

export async function readyEndpoints(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<Ready> {
  const { namespace, stableService, grayService } = route;
  const labelSelector = `kubernetes.io/service-name in (${stableService},${grayService})`;
  const { items } = await cluster.list(resources.endpointslices, namespace, { labelSelector }, signal);
  return { stable: countReady(items, stableService), gray: countReady(items, grayService) };
}

export function countReady(slices: readonly KubeObject[], service: string): number {
  return slices
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => (slice['endpoints'] ?? []) as { conditions?: { ready?: boolean } }[])
    .filter((endpoint) => endpoint.conditions?.ready !== false).length;
}

/** Refuses traffic to a track that cannot answer. */
export function requireReady(ready: Ready, route: RouteTarget, traffic: Traffic): void {
  if ((traffic.gray > 0 || traffic.tag !== null) && ready.gray === 0) {
    fail('endpoints_missing', { track: 'gray', service: route.grayService });
  }
  if (traffic.gray < 100 && ready.stable === 0)
    fail('endpoints_missing', { track: 'stable', service: route.stableService });
}

/** Refuses a share that is more than gray's part of what is ready now: an autoscaler may have changed stable since gray was sized. */
export function requireSize({ stable, gray }: Ready, route: RouteTarget, weight: number): void {
  const needed = grayReplicas(stable, weight);
  if (weight === 0 || gray >= needed) return;
  fail('gray_too_small', { service: route.grayService, ready: gray, needed, weight, stable });
}
