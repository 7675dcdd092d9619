/** Waits for a rollout by watching it: an event decides, not the next poll. */
import { failure } from '../../domain/failures.js';
import { labels as ours } from '../../domain/ids.js';
import { uptimeMs } from '../clock.js';
import { CatalogueError, describe } from '../failure.js';
import { Alarm } from './alarm.js';
import type { Cluster } from './client.js';
import { resources } from './resources.js';
import { kinds } from './kinds.js';
import { follow, heard, trustedMs, type Place } from './mirrors.js';
import { type Deployment, type Pod, isReady } from './objects.js';
import type { Problem } from './pods.js';
import { isOfImage, rolloutState, type Expected, type Seen } from './rollout.js';
import { labelSelectorText, type LabelSelector } from './selectors.js';
import { topicOf } from './shelf.js';
import { isOlder } from './versions.js';
import { lastLog, lastWarning } from './words.js';

export interface AwaitOptions extends Expected {
  /** The Deployment as the API server answered the write: what is older has not heard of it. Default: whatever is heard. */
  readonly written?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Selects the Deployment's pods. */
  readonly selector: LabelSelector | undefined;
  /** How long from now. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /**
   * After how long the pods are watched too, where nobody does yet, to tell why it takes so long; what is ready sooner needs only one
   * look at them. Milliseconds, default 1000.
   */
  readonly podsAfterMs?: number;
  /** Called with a short status for people when it changes. */
  readonly heartbeat: (status: string) => void;
}

export interface Available {
  readonly deployment: Deployment;
  /** Pods of the expected image. */
  readonly pods: readonly Pod[];
}

/** Between two looks without an event: graces and the deadline run by the clock. */
const tickMs = 500;
const patientMs = 1_000;
/** The API server is asked itself where the watch has said nothing for so long, and again where it says what the watch does not. */
const surelyMs = 30_000;
const againMs = 2_000;

/**
 * Ends when the Deployment is available with the expected image and nothing of an older version is left. Fails with
 * `workload_not_ready` as soon as something is seen that does not go away by itself, or at the deadline. The watches are shared, so
 * what they have heard may be of before the write, and is not looked at then; nothing fails before the API server was asked. It may
 * be away meanwhile: watches are opened again and start from what is there then. Throws the signal's reason when that aborts.
 */
export async function awaitAvailable(
  cluster: Cluster,
  namespace: string,
  name: string,
  options: AwaitOptions,
): Promise<Available> {
  const view = new View(cluster, namespace, name, options);
  const later = setTimeout(() => view.followPods(), options.podsAfterMs ?? patientMs);
  try {
    return await decide(view, options);
  } finally {
    clearTimeout(later);
    view.close();
  }
}

async function decide(view: View, options: AwaitOptions): Promise<Available> {
  const begun = uptimeMs();
  const deadline = begun + options.deadlineMs;
  let askedAt: number | null = null;
  for (let status = ''; ;) {
    options.signal.throwIfAborted();
    view.throwIfFatal();
    const now = uptimeMs();
    const state = rolloutState(view.seen(), options, now);
    if (state.kind === 'available') return view.available();
    const isFailing = state.kind === 'failed' && now - (askedAt ?? Number.NEGATIVE_INFINITY) >= againMs;
    const isSilent = !view.heardWithin(surelyMs) && now - (askedAt ?? begun) >= surelyMs;
    if (isFailing || isSilent || now >= deadline) {
      askedAt = now;
      const sure = await view.ask();
      const again = sure === null ? null : rolloutState(sure, options, now);
      if (again?.kind === 'failed') throw await view.failed(again.problem);
      if (again?.kind === 'available') return view.available(sure);
      if (now >= deadline) throw await view.late(status);
    }
    if (state.kind === 'waiting') {
      view.memory = state.next;
      if (state.next.completeSince !== null && (await view.lookAtPods())) continue;
    }
    const said = state.kind === 'failed' ? state.problem.why : state.status;
    const text = view.trouble === null ? said : `${said}; ${view.trouble}`;
    if (text !== status) options.heartbeat((status = text));
    await view.change(Math.max(0, Math.min(tickMs, deadline - uptimeMs())));
  }
}

/** What the watches have shown so far. */
class View {
  memory: Pick<Seen, 'problem' | 'completeSince'> = { problem: null, completeSince: null };
  private readonly begun = uptimeMs();
  private readonly deployments: Place<Deployment>;
  private pods: Place<Pod> | null = null;
  /** The one look, where they are not watched. */
  private looked: readonly Pod[] | null = null;
  private latest: Deployment | null = null;
  private asking: string | null = null;
  private fatal: { readonly error: unknown } | null = null;
  private readonly alarm = new Alarm();

  constructor(
    private readonly cluster: Cluster,
    private readonly namespace: string,
    private readonly name: string,
    private readonly options: AwaitOptions,
  ) {
    options.signal.addEventListener('abort', this.alarm.ring);
    const part = { fieldSelector: `metadata.name=${name}` };
    this.deployments = follow(cluster, kinds.deployments, namespace, { topic: name, part }, this.follower);
    if (heard(cluster, kinds.pods, namespace, trustedMs) !== null) this.followPods();
  }

  followPods(): void {
    const { selector } = this.options;
    const at = {
      topic: topicOf(selector, ours.release),
      part: { labelSelector: labelSelectorText(selector) },
    };
    this.pods ??= follow(this.cluster, kinds.pods, this.namespace, at, this.follower);
  }

  close(): void {
    this.options.signal.removeEventListener('abort', this.alarm.ring);
    this.deployments.leave();
    this.pods?.leave();
  }

  get trouble(): string | null {
    return this.asking ?? this.deployments.mirror.trouble ?? this.pods?.mirror.trouble ?? null;
  }

  seen(): Seen {
    return { ...this.deployment(), pods: this.podsNow(), ...this.memory };
  }

  /** As it is now, whatever was heard, with nothing left to wait for; null: there was no answer. */
  async ask(): Promise<Seen | null> {
    const { options, cluster, namespace } = this;
    const labelSelector = labelSelectorText(options.selector);
    try {
      const [deployment, { items }] = await Promise.all([
        cluster.get(resources.deployments, namespace, this.name, options.signal),
        cluster.list(resources.pods, namespace, { labelSelector }, options.signal),
      ]);
      this.asking = null;
      const { uid } = options.written ?? {};
      const deleted = deployment === null || (uid !== undefined && deployment.metadata.uid !== uid);
      return {
        deployment: deployment as Deployment | null,
        deleted,
        pods: items,
        ...this.memory,
        completeSince: 0,
      };
    } catch (error) {
      options.signal.throwIfAborted();
      this.asking = describe(error);
      return null;
    }
  }

  /** Where no watch has told of them yet. False: there was nothing to do, or no answer; the watch will tell. */
  async lookAtPods(): Promise<boolean> {
    const isHeard = this.pods !== null && this.pods.mirror.listedAt !== null;
    if (isHeard || this.looked !== null) return false;
    this.looked = [];
    try {
      const labelSelector = labelSelectorText(this.options.selector);
      const { signal } = this.options;
      const { items } = await this.cluster.list(resources.pods, this.namespace, { labelSelector }, signal);
      this.looked = items;
      return true;
    } catch {
      return false;
    }
  }

  throwIfFatal(): void {
    if (this.fatal !== null) throw this.fatal.error;
  }

  heardWithin(ms: number): boolean {
    return this.deployments.mirror.heardWithin(ms);
  }

  available(seen: Pick<Seen, 'deployment' | 'pods'> | null = null): Available {
    const pods = seen?.pods.filter((p) => isOfImage(p, this.options)) ?? this.podsOf();
    return { deployment: seen?.deployment ?? this.latest!, pods };
  }

  /** Until the next event, at most `ms`. */
  change(ms: number): Promise<void> {
    return this.alarm.wait(ms);
  }

  async failed(problem: Problem): Promise<CatalogueError> {
    const { signal } = this.options;
    const words = problem.log && (await lastLog(this.cluster, this.namespace, problem.log, signal));
    return this.notReady(words ? `${problem.why}; its last words: ${words}` : problem.why);
  }

  async late(status: string): Promise<CatalogueError> {
    const { signal, deadlineMs } = this.options;
    const pod = this.podsOf().find((p) => !isReady(p));
    const warning = pod && (await lastWarning(this.cluster, this.namespace, pod.metadata.name, signal));
    const within = `not available within ${Math.round(deadlineMs / 1000)} s: ${status}`;
    return this.notReady(warning ? `${within}; last warning: ${warning}` : within);
  }

  private readonly follower = {
    changed: this.alarm.ring,
    fatal: (error: unknown): void => {
      this.fatal = { error };
      this.alarm.ring();
    },
  };

  private deployment(): Pick<Seen, 'deployment' | 'deleted'> {
    const { mirror } = this.deployments;
    const { uid, resourceVersion } = this.options.written ?? {};
    const found = mirror.shelf.get(this.name);
    if (found === undefined) {
      // Not heard of yet, unless it was there already, or was not when everything was listed since.
      const deleted = this.latest !== null || (mirror.listedAt ?? Number.NEGATIVE_INFINITY) > this.begun;
      return { deployment: null, deleted };
    }
    if (uid !== undefined && found.metadata.uid !== uid) {
      // One of the same name: that of before, or that of somebody since.
      return { deployment: null, deleted: isOlder(resourceVersion, found.metadata.resourceVersion) };
    }
    this.latest = found;
    return { deployment: found, deleted: false };
  }

  private podsNow(): readonly Pod[] {
    const { pods, looked } = this;
    if (pods === null || pods.mirror.listedAt === null) return looked ?? [];
    return pods.mirror.shelf.select(this.options.selector);
  }

  private podsOf(): Pod[] {
    return this.podsNow().filter((p) => isOfImage(p, this.options));
  }

  private notReady(why: string): CatalogueError {
    return new CatalogueError(failure('workload_not_ready', { workload: this.name, why }));
  }
}
