/** Routes as they were read or written last, so that the next write needs no reading before it: its version proves that nobody came between. */
import { homeOf, type RouteTarget } from '../../domain/traffic.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { routers } from './index.js';

/** Of one cluster; the ones that were used longest ago are forgotten first. */
const most = 500;
const memories = new WeakMap<Cluster, Map<string, KubeObject>>();

const keyOf = (target: RouteTarget): string => `${target.router}/${homeOf(target)}/${target.route}`;

/** Null where nothing is known, or where a controller writes a status after each change, so that it would be outdated. */
export function recall(cluster: Cluster, route: RouteTarget): KubeObject | null {
  if (routers[route.router].hasStatus) return null;
  return memories.get(cluster)?.get(keyOf(route)) ?? null;
}

/** Null: it is not there any more. */
export function remember(cluster: Cluster, route: RouteTarget, object: KubeObject | null): void {
  const known = memories.get(cluster) ?? new Map<string, KubeObject>();
  memories.set(cluster, known);
  known.delete(keyOf(route));
  if (object !== null) known.set(keyOf(route), object);
  for (const key of known.keys()) {
    if (known.size <= most) break;
    known.delete(key);
  }
}
