/** All objects of a kind in a namespace, by what a shared watch hears of them, or by a list. */
import { CatalogueError } from '../failure.js';
import type { Cluster, ListOptions } from './client.js';
import type { Kind } from './kinds.js';
import { KubeError } from './kube-error.js';
import { heard, present, trustedMs } from './mirrors.js';
import type { KubeObject } from './objects.js';
import type { Resource } from './resources.js';

/** Null: they may not be read. */
export type Objects = readonly KubeObject[] | null;
export type Reader<T> = () => Promise<T>;

/** Watched from now on; what is heard is read when it is asked for, so that the watch has had as long to hear of the latest. */
export function watched(
  cluster: Cluster,
  kind: Kind<KubeObject>,
  namespace: string,
  signal?: AbortSignal,
): Reader<Objects> {
  const opened = present(cluster, kind, namespace, trustedMs);
  return async () => {
    await opened;
    const shelf = heard(cluster, kind, namespace, trustedMs);
    return shelf?.all() ?? listed(cluster, kind.resource, namespace, {}, signal);
  };
}

export async function listed(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  selection: ListOptions = {},
  signal?: AbortSignal,
): Promise<Objects> {
  return (await readable(cluster.list(resource, namespace, selection, signal)))?.items ?? null;
}

/** Null where it may not be read: the missing rights are reported by themselves. */
export async function readable<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return null;
    if (error instanceof CatalogueError && error.failure.code === 'cluster_denied') return null;
    throw error;
  }
}
