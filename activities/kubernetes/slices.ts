/** EndpointSlices: what a Service tells of the pods behind it. */
import { Alarm } from './alarm.js';
import type { Cluster } from './client.js';
import { kinds } from './kinds.js';
import { follow, heard, recentMs } from './mirrors.js';
import type { Endpoint, KubeObject } from './objects.js';
import { resources } from './resources.js';

/** Label of an EndpointSlice: the Service that it is of. */
export const serviceLabel = 'kubernetes.io/service-name';

/** As the API server answers it. */
export async function slicesOf(
  cluster: Cluster,
  namespace: string,
  services: readonly string[],
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const labelSelector = `${serviceLabel} in (${[...new Set(services)].join(',')})`;
  return (await cluster.list(resources.endpointslices, namespace, { labelSelector }, signal)).items;
}

/** As the shared watch has heard of them in the last seconds, by the Service; null: it has not. */
export function heardSlices(
  cluster: Cluster,
  namespace: string,
): ((service: string) => readonly KubeObject[]) | null {
  const shelf = heard(cluster, kinds.endpointslices, namespace, recentMs);
  return shelf === null ? null : (service) => shelf.select({ matchLabels: { [serviceLabel]: service } });
}

/** Until something is heard of the Service, at most `ms`. Throws the signal's reason. */
export async function sliceChange(
  cluster: Cluster,
  { namespace, service }: { readonly namespace: string; readonly service: string },
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const alarm = new Alarm();
  const topic = `${serviceLabel}=${service}`;
  const follower = { changed: alarm.ring, fatal: () => undefined };
  const at = { topic, part: { labelSelector: topic } };
  const { leave } = follow(cluster, kinds.endpointslices, namespace, at, follower);
  signal.addEventListener('abort', alarm.ring);
  try {
    await alarm.wait(ms);
  } finally {
    signal.removeEventListener('abort', alarm.ring);
    leave();
  }
  signal.throwIfAborted();
}

/** Those that requests may be sent to. */
export const readyIn = (slices: readonly KubeObject[], service: string): readonly Endpoint[] =>
  slices
    .filter((slice) => slice.metadata.labels?.[serviceLabel] === service)
    .flatMap((slice) => (slice['endpoints'] ?? []) as readonly Endpoint[])
    .filter((endpoint) => endpoint.conditions?.ready !== false);
