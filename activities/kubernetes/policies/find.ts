/** Reads the policies of a namespace, of those kinds that its cluster has. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../client.js';
import { KubeError } from '../kube-error.js';
import { slimWhole } from '../kinds.js';
import { Recent } from '../recent.js';
import { Shared } from '../shared.js';
import { listed, watched, type Objects, type Reader } from '../watched.js';
import { policyKinds, type Policy, type PolicyKind } from './kinds.js';

export interface Policies {
  readonly found: readonly Policy[];
  /** Kinds that may not be listed, e.g. `ServiceMonitor`. */
  readonly hidden: readonly string[];
}

/** Resources of a version of a group, by `group/version`; empty: not served. */
const served = new Recent<ReadonlySet<string>>(60_000);
const flights = new WeakMap<Cluster, Shared>();

/** The kinds that the cluster has, each in the version that it serves. */
export async function installed(cluster: Cluster, signal?: AbortSignal): Promise<readonly PolicyKind[]> {
  const kinds = await Promise.all(
    policyKinds.map(async (kind) => {
      if (kind.versions === undefined) return [kind];
      for (const version of kind.versions) {
        const { group, plural } = kind.resource;
        const known = await resourcesOf(cluster, `${group}/${version}`);
        if (known.has(plural)) return [{ ...kind, resource: { ...kind.resource, version } }];
      }
      return [];
    }),
  );
  signal?.throwIfAborted();
  return kinds.flat();
}

function flightsOf(cluster: Cluster): Shared {
  const known = flights.get(cluster) ?? new Shared();
  flights.set(cluster, known);
  return known;
}

async function resourcesOf(cluster: Cluster, groupVersion: string): Promise<ReadonlySet<string>> {
  const recent = served.get(cluster, groupVersion);
  if (recent !== null) return recent;
  return flightsOf(cluster).call(groupVersion, async () => {
    const names = new Set(await resourceNames(cluster, groupVersion));
    served.keep(cluster, groupVersion, names);
    return names;
  });
}

async function resourceNames(cluster: Cluster, groupVersion: string): Promise<readonly string[]> {
  try {
    const { resources } = await cluster.call('GET', `/apis/${groupVersion}`);
    return (resources as readonly { readonly name: string }[]).map(({ name }) => name);
  } catch (error) {
    if (error instanceof KubeError && (error.status === 404 || error.status === 403)) return [];
    throw error;
  }
}

/** All of a namespace: those of Kubernetes by a shared watch, custom resources by a list that all who ask at the same time share. */
export function policiesIn(cluster: Cluster, namespace: string, signal?: AbortSignal): Reader<Policies> {
  const opened = installed(cluster, signal).then((kinds) =>
    kinds.map((kind) => ({
      kind,
      read:
        kind.versions === undefined
          ? watched(cluster, { resource: kind.resource, slim: slimWhole }, namespace, signal)
          : () =>
              flightsOf(cluster).call(`${kind.resource.plural} ${namespace}`, () =>
                listed(cluster, kind.resource, namespace),
              ),
    })),
  );
  // It is thrown where it is read.
  opened.catch(() => undefined);
  return async () => {
    const lists = await Promise.all(
      (await opened).map(async ({ kind, read }) => ({ kind, objects: await existing(read, signal) })),
    );
    return {
      found: lists.flatMap(({ kind, objects }) => (objects ?? []).map((object) => ({ kind, object }))),
      hidden: lists.flatMap(({ kind, objects }) => (objects === null ? [kind.resource.kind] : [])),
    };
  };
}

/** The API server begins to serve a kind anew for about a second after its CRD has changed. */
const initializing = { tries: 6, pauseMs: 500 } as const;

/** The CRD of a kind may have come or gone a moment ago. */
async function existing(read: Reader<Objects>, signal?: AbortSignal): Promise<Objects> {
  for (let tries = 1; ; tries++) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404) return [];
      if (error.status !== 429 || tries === initializing.tries) throw error;
      await delay(initializing.pauseMs, undefined, { signal });
    }
  }
}

/** Those with these labels, as the API server has them now; none where they may not be listed, for then none was made. */
export async function labelled(
  cluster: Cluster,
  namespace: string,
  labelSelector: string,
  signal?: AbortSignal,
): Promise<readonly Policy[]> {
  const kinds = await installed(cluster, signal);
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const read = (): Promise<Objects> =>
        listed(cluster, kind.resource, namespace, { labelSelector }, signal);
      const objects = await existing(read, signal);
      return (objects ?? []).map((object) => ({ kind, object }));
    }),
  );
  return lists.flat();
}
