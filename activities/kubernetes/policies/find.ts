/** Reads the policies that can be about a namespace, of those kinds that its cluster has. */
import { setTimeout as delay } from 'node:timers/promises';
import { labels as ours } from '../../../domain/ids.js';
import type { Cluster } from '../client.js';
import { KubeError } from '../kube-error.js';
import { slimWhole, type Kind } from '../kinds.js';
import { heard, isTooMany, present, trustedMs } from '../mirrors.js';
import type { KubeObject } from '../objects.js';
import { Recent } from '../recent.js';
import { everywhere } from '../resources.js';
import type { Labels } from '../selectors.js';
import { Shared } from '../shared.js';
import { listed, readable, watched, type Objects, type Reader } from '../watched.js';
import { policyKinds, specOf, type Policy, type PolicyKind } from './kinds.js';
import { namesNamespaces } from './network.js';

export interface Policies {
  /** Of the namespace, and of others what can be about its pods. */
  readonly found: readonly Policy[];
  /** Kinds that may not be listed, e.g. `ServiceMonitor`. */
  readonly hidden: readonly string[];
  /** Kinds of which those of other namespaces may not be listed, or are too many. */
  readonly ownOnly: readonly string[];
  /** Of the namespace; null: they may not be read, or nothing depends on them. */
  readonly namespaceLabels: Labels | null;
}

export const noPolicies: Policies = { found: [], hidden: [], ownOnly: [], namespaceLabels: null };

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

/** By watches that all releases share, of the whole cluster where that is allowed. */
export function policiesIn(cluster: Cluster, namespace: string, signal?: AbortSignal): Reader<Policies> {
  const opened = installed(cluster, signal).then((kinds) =>
    Promise.all(kinds.map((kind) => opening(cluster, kind, namespace, signal))),
  );
  // It is thrown where it is read.
  opened.catch(() => undefined);
  return async () => {
    const seen = await Promise.all((await opened).map((read) => read()));
    const found = seen.flatMap(({ policies }) => policies ?? []);
    const asks = found.some((p) => p.kind.resource.kind === 'NetworkPolicy' && namesNamespaces(specOf(p)));
    return {
      found,
      hidden: seen.flatMap(({ kind, policies }) => (policies === null ? [kind] : [])),
      ownOnly: seen.flatMap(({ kind, isOwnOnly }) => (isOwnOnly ? [kind] : [])),
      namespaceLabels: asks ? await labelsOf(cluster, namespace) : null,
    };
  };
}

interface Seen {
  readonly kind: string;
  /** Null: they may not be read. */
  readonly policies: readonly Policy[] | null;
  /** Whether others than those of the namespace would matter, and cannot be seen. */
  readonly isOwnOnly: boolean;
}

async function opening(
  cluster: Cluster,
  kind: PolicyKind,
  namespace: string,
  signal?: AbortSignal,
): Promise<Reader<Seen>> {
  const whole = { resource: kind.resource, slim: slimWhole };
  if (kind.abroad !== null) await present(cluster, whole, everywhere, trustedMs);
  return async () => {
    const all = kind.abroad === null ? null : await ofAll(cluster, whole, signal);
    const objects = all ?? (await existing(watched(cluster, whole, namespace, signal), signal));
    const policies = objects?.map((object): Policy => ({ kind, object })) ?? null;
    return {
      kind: kind.resource.kind,
      policies: policies?.filter((policy) => concerns(policy, namespace)) ?? null,
      isOwnOnly: kind.abroad !== null && all === null && policies !== null,
    };
  };
}

/** Kinds that may not be listed in all namespaces; a right that is given meanwhile is known a minute later. */
const denied = new Recent<true>(60_000);

/** Of all namespaces; null: they may not be listed, or are too many. */
async function ofAll(cluster: Cluster, kind: Kind<KubeObject>, signal?: AbortSignal): Promise<Objects> {
  const shelf = heard(cluster, kind, everywhere, trustedMs);
  if (shelf !== null) return shelf.all();
  const { resource } = kind;
  if (isTooMany(cluster, kind, everywhere) || denied.get(cluster, resource.plural) !== null) return null;
  const objects = await existing(() => listed(cluster, resource, everywhere), signal);
  if (objects === null) denied.keep(cluster, resource.plural, true);
  return objects;
}

/** Of another namespace what can be about the pods of this one, and its copies that were made there. */
function concerns({ kind, object }: Policy, namespace: string): boolean {
  const { namespace: home = namespace, labels = {} } = object.metadata;
  return (
    home === namespace ||
    labels[ours.namespace] === namespace ||
    kind.reaches(specOf({ kind, object }), home, namespace)
  );
}

const named = new Recent<Labels>(60_000);

/** Null: they may not be read, or it does not exist. */
async function labelsOf(cluster: Cluster, namespace: string): Promise<Labels | null> {
  const recent = named.get(cluster, namespace);
  if (recent !== null) return recent;
  const path = `/api/v1/namespaces/${namespace}`;
  try {
    const object = await readable(flightsOf(cluster).call(path, () => cluster.call('GET', path)));
    if (object === null) return null;
    const { labels = {} } = (object as unknown as KubeObject).metadata;
    named.keep(cluster, namespace, labels);
    return labels;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
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

/**
 * Copies for the gray of any application of this namespace, wherever they are, as the API server has them now; where all namespaces may not be
 * listed those of this one, for then none was made elsewhere. Who asks at the same time shares the answer.
 */
export async function copiesIn(
  cluster: Cluster,
  namespace: string,
  signal?: AbortSignal,
): Promise<readonly Policy[]> {
  const kinds = await installed(cluster, signal);
  const labelSelector = ours.release;
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const { resource } = kind;
      const list = (at: string): Promise<Objects> =>
        flightsOf(cluster).call(`copies ${resource.plural} ${at}`, () =>
          existing(() => listed(cluster, resource, at, { labelSelector })),
        );
      const isWide = kind.abroad === 'beside the original';
      const objects = (isWide ? await list(everywhere) : null) ?? (await list(namespace));
      return (objects ?? []).map((object) => ({ kind, object }));
    }),
  );
  signal?.throwIfAborted();
  return lists.flat().filter(({ object: { metadata } }) => {
    const { labels = {}, namespace: home = namespace } = metadata;
    return home === namespace ? labels[ours.namespace] === undefined : labels[ours.namespace] === namespace;
  });
}
