/** Takes gray objects away: only our own, by uid, and not those of a release that began after us. */
import { setTimeout as sleep } from 'node:timers/promises';
import { labels as ours } from '../../domain/ids.js';
import { uptimeMs } from '../clock.js';
import { fail } from '../failure.js';
import { KubeError, resources, type Cluster, type KubeObject, type Resource } from './client.js';
import { isOwn } from './gray.js';
import type { Running } from './running.js';

export interface Removal {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly application: string;
  readonly release: string;
  /** How long pods may take to go. */
  readonly deadlineMs: number;
}

/** Between a watch that closed and the next list: a proxy that closes each at once must not be stormed. */
const pauseMs = 200;

export interface Found {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/**
 * Whether this release may remove it: its own, or what an earlier one left. An object that is newer than our own task belongs to a
 * release that has taken over meanwhile.
 */
export function isRemovable(object: KubeObject, removal: Removal, since: number): boolean {
  if (!isOwn(object, removal.application)) return false;
  if (object.metadata.labels?.[ours.release] === removal.release) return true;
  return Date.parse(String(object.metadata['creationTimestamp'])) < since;
}

/** Deletes the given objects and waits until the ReplicaSets and pods of their releases, and of this one, are gone. */
export async function removeObjects(
  removal: Removal,
  found: readonly Found[],
  running: Running,
): Promise<string[]> {
  const { cluster, namespace, release } = removal;
  const removed = await Promise.all(
    found.map(async ({ resource, object }) => {
      const { name, uid } = object.metadata;
      const was = await cluster.delete(resource, namespace, name, uid, running.signal);
      return was ? [`${resource.kind} ${name}`] : [];
    }),
  );
  const releases = new Set([
    release,
    ...found.map((f) => f.object.metadata.labels?.[ours.release] ?? release),
  ]);
  const labelSelector = `${ours.application}=${removal.application},${ours.release} in (${[...releases].join(',')})`;
  await awaitPodsGone(removal, labelSelector, running);
  return removed.flat();
}

/** Until the ReplicaSets and pods with those labels are gone; fails with objects_remain at the deadline. */
export async function awaitPodsGone(
  at: Pick<Removal, 'cluster' | 'namespace' | 'deadlineMs'>,
  labelSelector: string,
  running: Running,
): Promise<void> {
  const deadline = uptimeMs() + at.deadlineMs;
  // Pods after their ReplicaSets: while one of those lives, it may still make pods.
  for (const resource of [resources.replicasets, resources.pods]) {
    while (!(await noneLeft(at, resource, labelSelector, deadline, running)))
      await sleep(pauseMs, undefined, { signal: running.signal });
  }
}

/** Lists, then watches until nothing is left. False: the watch closed before that. */
async function noneLeft(
  { cluster, namespace }: Pick<Removal, 'cluster' | 'namespace'>,
  resource: Resource,
  labelSelector: string,
  deadline: number,
  running: Running,
): Promise<boolean> {
  const { items, metadata } = await cluster.list(resource, namespace, { labelSelector }, running.signal);
  const left = new Set(items.map((o) => o.metadata.name));
  if (left.size === 0) return true;
  const names = [...left].slice(0, 3).join(', ');
  running.say(`waiting for ${left.size} ${resource.plural} to go: ${names}`);
  const seconds = Math.min(10, Math.ceil((deadline - uptimeMs()) / 1000));
  if (seconds <= 0) fail('objects_remain', { what: `${left.size} ${resource.plural} (${names})` });
  try {
    const from = { labelSelector, resourceVersion: metadata.resourceVersion, seconds };
    await cluster.watch(
      resource,
      namespace,
      from,
      ({ type, object }) => {
        if (type === 'DELETED') left.delete(object.metadata.name);
        else left.add(object.metadata.name);
        return left.size === 0;
      },
      running.signal,
    );
  } catch (error) {
    // Too old a version: the next list has a new one.
    if (!(error instanceof KubeError && error.status === 410)) throw error;
  }
  return left.size === 0;
}
