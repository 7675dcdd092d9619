/** Waiting until the data plane knows what was written. */
import { homeOf, type RouteTarget } from '../../domain/traffic.js';
import { uptimeMs } from '../clock.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { asked, pause } from './change.js';
import { routers } from './index.js';
import type { Router } from './router.js';

/** From what the controller says until every proxy has heard of it. */
const spreadMs = 250;
/** The activity is tried again, for as long as there is patience. */
const patienceMs = 2_000;

/**
 * Ends when the controller says that it has taken the newest rules, and a moment after; where no controller says anything, after the
 * router's time. Throws `route_not_taken` when a controller that used to say so does not.
 */
export async function settled(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
  settleMs = routers[route.router].settleMs,
  patience = patienceMs,
): Promise<void> {
  if (settleMs === 0) return;
  const router = routers[route.router];
  const begun = uptimeMs();
  for (let wait = 50; ; wait *= 2) {
    await pause(wait, signal);
    const got = cluster.get(router.resource, homeOf(route), route.route, signal);
    const object = await asked(cluster, route, got);
    const taken = object === null ? null : hasTaken(router, object);
    if (taken === true) return pause(spreadMs, signal);
    const passed = uptimeMs() - begun;
    if (taken === null) return pause(Math.max(0, settleMs - passed), signal);
    if (passed + wait * 2 > patience)
      fail('route_not_taken', { kind: router.resource.kind, route: route.route });
  }
}

/** Whether every condition that names a generation names the newest one; null: none does. */
export function hasTaken(router: Router, object: KubeObject): boolean | null {
  const told = router
    .conditions(object)
    .map((condition) => condition['observedGeneration'])
    .filter((generation) => typeof generation === 'number');
  if (told.length === 0) return null;
  return told.every((generation) => generation >= (object.metadata.generation ?? 0));
}
