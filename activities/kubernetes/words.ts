/** What a container or the cluster said last about a pod. Best effort: null where it cannot be had. */
import type { Cluster } from './client.js';
import { path, resources } from './resources.js';
import { maskText } from '../../domain/mask.js';

const lines = 20;

/** The last lines of the container that died, else of the one that runs now; secret-like values masked. */
export async function lastLog(
  cluster: Cluster,
  namespace: string,
  { pod, container }: { readonly pod: string; readonly container: string },
  signal: AbortSignal,
): Promise<string | null> {
  const log = `${path(resources.pods, namespace, pod)}/log`;
  for (const previous of ['true', 'false']) {
    try {
      const query = { container, previous, tailLines: String(lines) };
      const text = (await cluster.text(log, query, signal)).trim();
      if (text !== '') return maskText(text);
    } catch {
      // Without the right to read logs, or with the pod gone, the exit code has to do.
    }
  }
  return null;
}

/** The newest warning event of a pod, e.g. a failing readiness probe or a volume that cannot be mounted. */
export async function lastWarning(
  cluster: Cluster,
  namespace: string,
  pod: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const fieldSelector = `involvedObject.name=${pod},type=Warning`;
    const { items } = await cluster.list(resources.events, namespace, { fieldSelector }, signal);
    const newest = items
      .map((e) => ({ at: (e['lastTimestamp'] ?? e['eventTime'] ?? '') as string, event: e }))
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .at(-1)?.event;
    if (newest === undefined) return null;
    return maskText(`${String(newest['reason'])}: ${String(newest['message'])}`);
  } catch {
    return null;
  }
}
