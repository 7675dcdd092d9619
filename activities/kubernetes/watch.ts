/** A watch that goes on: opened again when it closes, is too old, is throttled, or the API server is away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogueError, describe } from '../failure.js';
import { KubeError, type Cluster, type ListOptions, type Resource, type WatchEvent } from './client.js';

export interface Follower {
  /** A watch opens; what exists now comes first, as ADDED. */
  readonly opened: () => void;
  readonly event: (event: WatchEvent) => void;
  /** A watch closed without a single event: what it asks for does not exist, or the server closed early. */
  readonly empty: () => Promise<void>;
  /** Why nothing can be seen just now, for people; null when it works again. */
  readonly trouble: (why: string | null) => void;
  /** It cannot work: not allowed, unknown. Nothing is tried again. */
  readonly fatal: (error: unknown) => void;
}

/** Short, so that a connection that died silently is found out. */
const windowSeconds = 30;
const backoffMs = [200, 500, 1_000, 2_000] as const;

/** Ends when the signal does or after `fatal`; never throws. */
export async function follow(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  options: ListOptions,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    let events = 0;
    let askedMs = 0;
    try {
      follower.opened();
      // Without a version the server first sends what is there, so no list is needed and no version can be too old for long.
      const from = { ...options, resourceVersion: '', seconds: windowSeconds };
      const onEvent = (event: WatchEvent): boolean => {
        if (events++ === 0) follower.trouble(null);
        follower.event(event);
        return false;
      };
      await cluster.watch(resource, namespace, from, onEvent, signal);
      follower.trouble(null);
      if (events === 0) await follower.empty();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (isFatal(error)) return follower.fatal(error);
      if (!(error instanceof KubeError && error.status === 410)) follower.trouble(text(error));
      if (events > 0) failures = 0;
      askedMs = error instanceof KubeError ? (error.retryAfter ?? 0) * 1_000 : 0;
    }
    if (!signal.aborted) await pause(failures++, askedMs, signal);
  }
}

const isFatal = (error: unknown): boolean =>
  (error instanceof KubeError && [400, 401, 403, 404, 422].includes(error.status)) ||
  (error instanceof CatalogueError && !error.failure.retryable);

const text = (error: unknown): string =>
  error instanceof KubeError ? `the API server answers ${error.status} ${error.reason}` : describe(error);

/** Even a watch that closed in order is opened again after a moment: a proxy that closes each at once must not be stormed. */
async function pause(failures: number, askedMs: number, signal: AbortSignal): Promise<void> {
  const ms = Math.max(askedMs, backoffMs[Math.min(failures, backoffMs.length - 1)] ?? 2_000);
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
