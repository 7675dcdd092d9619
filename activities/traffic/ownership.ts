/** Who owns the rules in the eyes of Kubernetes (metadata.managedFields): after a release nobody of ours. */
import { setTimeout as delay } from 'node:timers/promises';
import { fieldManager } from '../../domain/ids.js';
import { homeOf, type RouteTarget } from '../../domain/traffic.js';
import type { Cluster } from '../kubernetes/client.js';
import { KubeError } from '../kubernetes/kube-error.js';
import { footprintOf } from './footprint.js';
import { routers } from './index.js';
import { recall, remember } from './memory.js';
import { besideIn } from './shared.js';

/** How often somebody else may be faster, or the server busy. */
const maxConflicts = 8;

/** Conflict, throttled, or a fault of the server's own: worth another try. */
const isPassing = ({ status }: KubeError): boolean => status === 409 || status === 429 || status >= 500;

/**
 * Gives up the rules of a route that was given back: otherwise the owner's next server-side apply ends in a conflict with us. Again:
 * nothing changes. What Kubernetes refuses is left as it is, since the rules are right already; the next release tries again.
 */
export async function disown(cluster: Cluster, route: RouteTarget, signal: AbortSignal): Promise<void> {
  const { resource } = routers[route.router];
  const [namespace, name] = [homeOf(route), route.route];
  for (let conflicts = 0; conflicts <= maxConflicts; conflicts++) {
    try {
      const known = conflicts === 0 ? recall(cluster, route) : null;
      const object = known ?? (await cluster.get(resource, namespace, name, signal));
      if (object === null || footprintOf(object, route) !== null || besideIn(object, route) !== null) return;
      const { resourceVersion, managedFields = [] } = object.metadata;
      const kept = managedFields.filter(({ manager }) => manager !== fieldManager);
      if (kept.length === managedFields.length) return;
      // An empty list means "as it is" to the API server, a list of nothing empties it.
      const patch = { metadata: { resourceVersion, managedFields: kept.length === 0 ? [{}] : kept } };
      remember(cluster, route, await cluster.merge(resource, namespace, name, patch, signal));
      return;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!isPassing(error)) return;
      await delay(10 + Math.random() * 30 * (conflicts + 1), undefined, { signal });
    }
  }
}
