/** What a worker has just seen or made, so that the next step of the same release need not ask for it again. Only what a write proves. */
import type { Cluster } from './client.js';
import type { KubeObject, Deployment } from './objects.js';
import type { Policies } from './policies/find.js';
import type { Resource } from './resources.js';

/** Of one cluster and kind; what was kept longest is forgotten first. */
const most = 500;

/** Values by cluster and key, each for a time. */
export class Recent<T> {
  private readonly clusters = new WeakMap<Cluster, Map<string, { readonly value: T; readonly at: number }>>();

  /** @param keptMs how long a value is good */
  constructor(private readonly keptMs: number) {}

  keep(cluster: Cluster, key: string, value: T, at = Date.now()): void {
    const known = this.clusters.get(cluster) ?? new Map<string, { readonly value: T; readonly at: number }>();
    this.clusters.set(cluster, known);
    known.delete(key);
    known.set(key, { value, at });
    for (const [oldest, { at: then }] of known) {
      if (known.size <= most && at - then <= this.keptMs) break;
      known.delete(oldest);
    }
  }

  get(cluster: Cluster, key: string, now = Date.now()): T | null {
    const found = this.clusters.get(cluster)?.get(key);
    return found !== undefined && now - found.at <= this.keptMs ? found.value : null;
  }

  /** The value, which is forgotten. */
  take(cluster: Cluster, key: string, now = Date.now()): T | null {
    const value = this.get(cluster, key, now);
    this.clusters.get(cluster)?.delete(key);
    return value;
  }
}

interface Look {
  readonly stable: Deployment;
  readonly services: readonly KubeObject[];
  readonly policies: Policies;
}

/** What the pre-flight saw, where nothing of the name of gray was there: making it fails where that has changed. */
export const looks = new Recent<Look>(5_000);

interface Made {
  readonly release: string;
  readonly deployment: KubeObject;
  /** All of them, what it takes to delete each. */
  readonly objects: readonly { readonly resource: Resource; readonly object: KubeObject }[];
}

/** The gray objects of a release as they were made: their uid proves that they are still the ones. */
export const made = new Recent<Made>(24 * 60 * 60_000);

/** Clusters, namespaces and routes where nothing was missing; a right that is taken away meanwhile is told by what it refuses. */
export const permitted = new Recent<true>(60_000);

export const grayKey = ({
  namespace,
  deployment,
  gray,
}: Record<'namespace' | 'deployment' | 'gray', string>): string => `${namespace}/${deployment}/${gray}`;
