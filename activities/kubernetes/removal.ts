/** Takes gray objects away: only our own, by uid, and not those of a release that began after us. */
import { labels as ours } from '../../domain/ids.js';
import { uptimeMs } from '../clock.js';
import { fail } from '../failure.js';
import { Alarm } from './alarm.js';
import type { Cluster } from './client.js';
import { KubeError } from './kube-error.js';
import type { Deployment, KubeObject, Pod } from './objects.js';
import { resources, type Resource } from './resources.js';
import { isOwn } from './clone.js';
import { kinds } from './kinds.js';
import { follow, type Place as Spot } from './mirrors.js';
import type { Place as At } from './place.js';
import type { Running } from './running.js';
import { labelSelectorText, type LabelSelector } from './selectors.js';
import { topicOf } from './shelf.js';

export interface Removal {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly application: string;
  readonly release: string;
  /** How long pods may take to go. */
  readonly deadlineMs: number;
}

export const removalOf = ({ cluster, target, release, running }: At): Removal => ({
  cluster,
  namespace: target.namespace,
  application: target.application,
  release,
  deadlineMs: running.left(target.progressDeadlineMs),
});

/** Between two looks at what no watch tells of, ms. */
const lookMs = 200;
/** A watch that tells of nothing is not waited for any longer without a look, ms. */
const surelyMs = 10_000;

export interface Found {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** For people: with its namespace where that is not gray's. */
export function called({ resource: { kind }, object: { metadata } }: Found, namespace: string): string {
  const { name, namespace: at = namespace } = metadata;
  return at === namespace ? `${kind} ${name}` : `${kind} ${at}/${name}`;
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

/** What became of objects, as people call them. */
export interface Removed {
  readonly removed: readonly string[];
  /** Those in another namespace that the worker may not delete any more. */
  readonly kept: readonly string[];
}

/**
 * First to zero pods, so that each ends while its Service and what grants it rights are still there; then deletes the given objects and waits
 * until the ReplicaSets and pods of their releases, and of this one, are gone.
 */
export async function removeObjects(
  removal: Removal,
  found: readonly Found[],
  running: Running,
): Promise<Removed> {
  const { cluster, namespace, release } = removal;
  await Promise.all(
    found
      .filter(({ resource }) => resource.plural === resources.deployments.plural)
      .map(({ object }) => empty(removal, object, running)),
  );
  const became = await Promise.all(
    found.map(async ({ resource, object }): Promise<'removed' | 'kept' | 'gone already'> => {
      const { name, uid, namespace: at = namespace } = object.metadata;
      try {
        const was = await cluster.delete(resource, at, name, uid, running.signal);
        return was ? 'removed' : 'gone already';
      } catch (error) {
        // A copy in another team's namespace, whose rights were taken away meanwhile, is no reason to undo a promotion.
        if (at === namespace || !(error instanceof KubeError && error.status === 403)) throw error;
        return 'kept';
      }
    }),
  );
  const those = (what: (typeof became)[number]): string[] =>
    found.filter((_, i) => became[i] === what).map((one) => called(one, namespace));
  const releases = new Set([
    release,
    ...found.map((f) => f.object.metadata.labels?.[ours.release] ?? release),
  ]);
  const selector = {
    matchLabels: { [ours.application]: removal.application },
    matchExpressions: [{ key: ours.release, operator: 'In', values: [...releases] }],
  };
  await awaitPodsGone(removal, selector, running);
  return { removed: those('removed'), kept: those('kept') };
}

/** To zero pods, and waits until they are gone. One that is gone itself, or is another by now, is none of ours to empty. */
async function empty(removal: Removal, object: KubeObject, running: Running): Promise<void> {
  const { cluster, namespace } = removal;
  const { name, uid } = object.metadata;
  const patch = { metadata: { uid }, spec: { replicas: 0 } };
  try {
    const { spec } = (await cluster.merge(
      resources.deployments,
      namespace,
      name,
      patch,
      running.signal,
    )) as Deployment;
    await awaitPodsGone(removal, spec.selector, running, 'sets may stay');
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 404)) throw error;
  }
}

type Where = Pick<Removal, 'cluster' | 'namespace' | 'deadlineMs'>;

/** What is left of a kind, by name. */
interface Left {
  readonly plural: string;
  readonly names: readonly string[];
}

/**
 * Until the ReplicaSets and pods that the selector matches are gone; fails with objects_remain at the deadline. `sets may stay`: those that are
 * to have no pods.
 */
export async function awaitPodsGone(
  at: Where,
  selector: LabelSelector | undefined,
  running: Running,
  sets: 'sets go' | 'sets may stay' = 'sets go',
): Promise<void> {
  const deadline = uptimeMs() + at.deadlineMs;
  const going = new Going(at, selector, running.signal);
  try {
    for (let asked = uptimeMs(); ;) {
      const isOver = uptimeMs() >= deadline;
      const heard = going.left();
      // Pods that the shared watch does not show may be there all the same, or the other way round: what counts is an answer.
      const isDue = heard.names.length === 0 || isOver || uptimeMs() - asked >= surelyMs;
      if (isDue) asked = uptimeMs();
      const { plural, names } = isDue ? await remaining(at, selector, sets, running.signal) : heard;
      if (names.length === 0) return;
      const what = `${names.length} ${plural}`;
      const some = names.slice(0, 3).join(', ');
      running.say(`waiting for ${what} to go: ${some}`);
      if (isOver) fail('objects_remain', { what: `${what} (${some})` });
      const pauseMs = heard.names.length === 0 ? lookMs : surelyMs;
      await going.change(Math.min(pauseMs, Math.max(0, deadline - uptimeMs())));
    }
  } finally {
    going.close();
  }
}

/** As the API server has it now. Pods after their ReplicaSets: while one of those lives, it may still make pods. */
async function remaining(
  { cluster, namespace }: Where,
  selector: LabelSelector | undefined,
  keeping: 'sets go' | 'sets may stay',
  signal: AbortSignal,
): Promise<Left> {
  const labelSelector = labelSelectorText(selector);
  const left = async (resource: Resource): Promise<readonly KubeObject[]> =>
    (await cluster.list(resource, namespace, { labelSelector }, signal)).items;
  const named = (resource: Resource, objects: readonly KubeObject[]): Left => ({
    plural: resource.plural,
    names: objects.map((o) => o.metadata.name),
  });
  const sets = (await left(resources.replicasets)).filter((set) => keeping === 'sets go' || wantsPods(set));
  return sets.length > 0
    ? named(resources.replicasets, sets)
    : named(resources.pods, await left(resources.pods));
}

const wantsPods = (set: KubeObject): boolean =>
  (set['spec'] as { readonly replicas?: number } | undefined)?.replicas !== 0;

/** Pods on their way out, as the shared watch hears of them. */
class Going {
  private readonly pods: Spot<Pod>;
  private fatal: { readonly error: unknown } | null = null;
  private readonly alarm = new Alarm();

  constructor(
    { cluster, namespace }: Where,
    private readonly selector: LabelSelector | undefined,
    private readonly signal: AbortSignal,
  ) {
    const at = {
      topic: topicOf(selector, ours.application),
      part: { labelSelector: labelSelectorText(selector) },
    };
    const fatal = (error: unknown): void => {
      this.fatal = { error };
      this.alarm.ring();
    };
    this.pods = follow(cluster, kinds.pods, namespace, at, { changed: this.alarm.ring, fatal });
    signal.addEventListener('abort', this.alarm.ring);
  }

  left(): Left {
    this.signal.throwIfAborted();
    if (this.fatal !== null) throw this.fatal.error;
    const names = this.pods.mirror.shelf.select(this.selector).map((pod) => pod.metadata.name);
    return { plural: resources.pods.plural, names };
  }

  /** Until the next event, at most `ms`. */
  change(ms: number): Promise<void> {
    return this.alarm.wait(ms);
  }

  close(): void {
    this.signal.removeEventListener('abort', this.alarm.ring);
    this.pods.leave();
  }
}
