/** The watches of this process: one for each cluster, kind and namespace, shared by all releases. */
import { uptimeMs } from '../clock.js';
import type { Cluster, ListOptions } from './client.js';
import { KubeError } from './kube-error.js';
import type { KubeObject } from './objects.js';
import type { Kind } from './kinds.js';
import { Mirror, TooMany, type Follower } from './mirror.js';
import type { Shelf } from './shelf.js';

/** For what the write that follows checks again, or what only warns, or makes sizes; ms. A connection that died is found out in less. */
export const trustedMs = 90_000;
/** For what a write of traffic rests on; ms. */
export const recentMs = 10_000;

/** A kind that is asked for twice in this time is watched from then on. */
const againMs = 60_000;
/** How long a watch that was refused, or would be of too much, is not tried again. */
const refusedMs = 5 * 60_000;

interface Known {
  readonly mirrors: Map<string, Mirror<KubeObject>>;
  readonly askedAt: Map<string, number>;
  readonly refusedAt: Map<string, { readonly at: number; readonly why: unknown }>;
}

const known = new WeakMap<Cluster, Known>();

function knownOf(cluster: Cluster): Known {
  const found = known.get(cluster) ?? { mirrors: new Map(), askedAt: new Map(), refusedAt: new Map() };
  known.set(cluster, found);
  return found;
}

const keyOf = ({ resource }: Kind<KubeObject>, namespace: string, selection: ListOptions = {}): string =>
  [resource.plural, namespace, selection.fieldSelector, selection.labelSelector].join(' ');

/** The one that is there, else a new one. */
function mirrorOf<T extends KubeObject>(
  cluster: Cluster,
  kind: Kind<T>,
  namespace: string,
  selection?: ListOptions,
): Mirror<T> {
  const { mirrors } = knownOf(cluster);
  const key = keyOf(kind, namespace, selection);
  const there = mirrors.get(key) as Mirror<T> | undefined;
  if (there?.ended === null) return there;
  const mirror = new Mirror(cluster, kind, namespace, selection);
  mirrors.set(key, mirror);
  void forgetInTheEnd(cluster, key, mirror);
  return mirror;
}

async function forgetInTheEnd(cluster: Cluster, key: string, mirror: Mirror<KubeObject>): Promise<void> {
  await mirror.done;
  const { mirrors, refusedAt } = knownOf(cluster);
  if (mirrors.get(key) === mirror) mirrors.delete(key);
  if (isRefusal(mirror.ended?.why)) refusedAt.set(key, { at: uptimeMs(), why: mirror.ended?.why });
}

/** Of the whole namespace only: a part of it may still be allowed, and is less. */
const isRefusal = (why: unknown): boolean =>
  why instanceof TooMany || (why instanceof KubeError && why.status === 403);

const isRefused = (cluster: Cluster, key: string): boolean =>
  uptimeMs() - (knownOf(cluster).refusedAt.get(key)?.at ?? Number.NEGATIVE_INFINITY) < refusedMs;

/** Whether it is not watched because there are too many; a list of them all would be as large. */
export const isTooMany = (cluster: Cluster, kind: Kind<KubeObject>, namespace: string): boolean => {
  const key = keyOf(kind, namespace);
  return isRefused(cluster, key) && knownOf(cluster).refusedAt.get(key)?.why instanceof TooMany;
};

/**
 * What a shared watch has heard, up to date as of `withinMs` ago or less; null: ask the API server. A kind that is asked for again
 * and again is watched from then on, where that is allowed.
 */
export function heard<T extends KubeObject>(
  cluster: Cluster,
  kind: Kind<T>,
  namespace: string,
  withinMs: number,
): Shelf<T> | null {
  const { mirrors, askedAt } = knownOf(cluster);
  const key = keyOf(kind, namespace);
  const mirror = mirrors.get(key) as Mirror<T> | undefined;
  if (mirror?.ended === null) return mirror.heardWithin(withinMs) ? mirror.shelf : null;
  const now = uptimeMs();
  const before = askedAt.get(key);
  // Few namespaces are released to; what is not asked for again is forgotten with the others.
  if (askedAt.size > 10_000) askedAt.clear();
  askedAt.set(key, now);
  if (before !== undefined && now - before <= againMs && !isRefused(cluster, key))
    mirrorOf(cluster, kind, namespace);
  return null;
}

/** The same, but the kind is watched from now on, and its first list waited for: of what is little and asked for by each release. */
export async function present<T extends KubeObject>(
  cluster: Cluster,
  kind: Kind<T>,
  namespace: string,
  withinMs: number,
): Promise<Shelf<T> | null> {
  if (isRefused(cluster, keyOf(kind, namespace))) return null;
  const mirror = mirrorOf(cluster, kind, namespace);
  await mirror.begun;
  return mirror.heardWithin(withinMs) ? mirror.shelf : null;
}

/** A place among those who follow a watch, which they leave in the end. */
export interface Place<T extends KubeObject> {
  /** What is followed just now. */
  readonly mirror: Mirror<T>;
  readonly leave: () => void;
}

/**
 * Follows the shared watch of the namespace; where that may not be watched whole, or is too large, one of `part` of it.
 * @param topic see Mirror.follow
 */
export function follow<T extends KubeObject>(
  cluster: Cluster,
  kind: Kind<T>,
  namespace: string,
  { topic, part }: { readonly topic: string; readonly part: ListOptions },
  follower: Follower,
): Place<T> {
  let mirror: Mirror<T>;
  let leave: () => void;
  const narrow = (): void => {
    const one = mirrorOf(cluster, kind, namespace, part);
    const unfollow = one.follow(topic, follower);
    mirror = one;
    leave = () => {
      unfollow();
      // Nobody else will want this part.
      if (!one.isFollowed) one.close();
    };
  };
  if (isRefused(cluster, keyOf(kind, namespace))) narrow();
  else {
    mirror = mirrorOf(cluster, kind, namespace);
    const fatal = (error: unknown): void => {
      leave();
      if (isRefusal(error)) narrow();
      else follower.fatal(error);
    };
    leave = mirror.follow(topic, { changed: follower.changed, fatal });
  }
  return {
    get mirror() {
      return mirror;
    },
    leave: () => leave(),
  };
}

/** Ends all watches of a cluster: the process that keeps them is about to end. */
export function closeMirrors(cluster: Cluster): void {
  for (const mirror of knownOf(cluster).mirrors.values()) mirror.close();
}
