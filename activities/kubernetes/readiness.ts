/** Waits for a rollout by watching it: an event decides, not the next poll. */
import { failure } from '../../domain/failures.js';
import { uptimeMs } from '../clock.js';
import { CatalogueError } from '../failure.js';
import { resources, type Cluster } from './client.js';
import type { Deployment, Pod } from './objects.js';
import { isReady } from './objects.js';
import type { Problem } from './pods.js';
import { isOfImage, rolloutState, type Expected, type Seen } from './rollout.js';
import { follow, type Follower } from './watch.js';
import { lastLog, lastWarning } from './words.js';

export interface AwaitOptions extends Expected {
  /** Selects the Deployment's pods. */
  readonly labelSelector: string;
  /** How long from now. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /**
   * After how long the pods are watched too, to tell why it takes so long; what is ready sooner needs only one look at them.
   * Milliseconds, default 1000.
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

/**
 * Ends when the Deployment is available with the expected image and nothing of an older version is left. Fails with
 * `workload_not_ready` as soon as something is seen that does not go away by itself, or at the deadline. The API server may be away
 * meanwhile: watches are opened again and start from what is there then. Throws the signal's reason when that aborts.
 */
export async function awaitAvailable(
  cluster: Cluster,
  namespace: string,
  name: string,
  options: AwaitOptions,
): Promise<Available> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const view = new View(cluster, namespace, name, signal);
  const { labelSelector, podsAfterMs = patientMs } = options;
  const named = { fieldSelector: `metadata.name=${name}` };
  const watches = [follow(cluster, resources.deployments, namespace, named, view.deployments, signal)];
  const watchPods = (): void => {
    const { podsFollower } = view;
    watches.push(follow(cluster, resources.pods, namespace, { labelSelector }, podsFollower, signal));
  };
  const later = setTimeout(watchPods, podsAfterMs);
  try {
    return await decide(view, options);
  } finally {
    clearTimeout(later);
    stop.abort();
    await Promise.all(watches);
  }
}

async function decide(view: View, options: AwaitOptions): Promise<Available> {
  const deadline = uptimeMs() + options.deadlineMs;
  for (let status = ''; ;) {
    options.signal.throwIfAborted();
    view.throwIfFatal();
    const state = rolloutState(view.seen(), options, uptimeMs());
    if (state.kind === 'available') return view.available(options);
    if (state.kind === 'failed') throw await view.failed(state.problem);
    view.memory = state.next;
    if (state.next.completeSince !== null && (await view.lookAtPods(options.labelSelector))) continue;
    const text = view.trouble === null ? state.status : `${state.status}; ${view.trouble}`;
    if (text !== status) options.heartbeat((status = text));
    const left = deadline - uptimeMs();
    if (left <= 0) throw await view.late(options, status);
    await view.change(Math.min(tickMs, left));
  }
}

/** What the two watches have shown so far. */
class View {
  memory: Pick<Seen, 'problem' | 'completeSince'> = { problem: null, completeSince: null };
  trouble: string | null = null;
  private deployment: Deployment | null = null;
  private deleted = false;
  private pods = new Map<string, Pod>();
  /** Whether anything is known of them. */
  private looked = false;
  /** Pods of the watch that has just opened; they take over with its first event, so that none is missed that went in between. */
  private reopened = false;
  private fatal: { readonly error: unknown } | null = null;
  private wake: () => void = () => undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly namespace: string,
    private readonly name: string,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.wake());
  }

  readonly deployments: Follower = {
    ...this.common(),
    opened: () => undefined,
    event: ({ type, object }) => {
      this.deployment = object as Deployment;
      this.deleted = type === 'DELETED';
      this.wake();
    },
    // Deleted while no watch was open, or the API server closed early: asking tells.
    empty: async () => {
      const found = await this.cluster.get(resources.deployments, this.namespace, this.name, this.signal);
      this.deployment = found as Deployment | null;
      this.deleted = found === null;
      this.wake();
    },
  };

  readonly podsFollower: Follower = {
    ...this.common(),
    opened: () => {
      this.looked = true;
      this.reopened = true;
    },
    event: ({ type, object }) => {
      if (this.reopened) this.pods = new Map();
      this.reopened = false;
      if (type === 'DELETED') this.pods.delete(object.metadata.name);
      else this.pods.set(object.metadata.name, object);
      this.wake();
    },
    empty: () => Promise.resolve(),
  };

  seen(): Seen {
    return {
      deployment: this.deployment,
      pods: [...this.pods.values()],
      deleted: this.deleted,
      ...this.memory,
    };
  }

  /** Where they are not watched yet. False: there was nothing to do, or no answer; the watch will tell. */
  async lookAtPods(labelSelector: string): Promise<boolean> {
    if (this.looked) return false;
    this.looked = true;
    try {
      const { items } = await this.cluster.list(
        resources.pods,
        this.namespace,
        { labelSelector },
        this.signal,
      );
      this.pods = new Map((items as Pod[]).map((pod) => [pod.metadata.name, pod]));
      return true;
    } catch {
      return false;
    }
  }

  throwIfFatal(): void {
    if (this.fatal !== null) throw this.fatal.error;
  }

  available(expected: Expected): Available {
    return { deployment: this.deployment!, pods: this.podsOf(expected) };
  }

  /** Resolves at the next event, or after `ms`. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async failed(problem: Problem): Promise<CatalogueError> {
    const words = problem.log && (await lastLog(this.cluster, this.namespace, problem.log, this.signal));
    return this.notReady(words ? `${problem.why}; its last words: ${words}` : problem.why);
  }

  async late(options: AwaitOptions, status: string): Promise<CatalogueError> {
    const pod = this.podsOf(options).find((p) => !isReady(p));
    const warning = pod && (await lastWarning(this.cluster, this.namespace, pod.metadata.name, this.signal));
    const within = `not available within ${Math.round(options.deadlineMs / 1000)} s: ${status}`;
    return this.notReady(warning ? `${within}; last warning: ${warning}` : within);
  }

  private podsOf(expected: Expected): Pod[] {
    return [...this.pods.values()].filter((p) => isOfImage(p, expected));
  }

  private notReady(why: string): CatalogueError {
    return new CatalogueError(failure('workload_not_ready', { workload: this.name, why }));
  }

  private common(): Pick<Follower, 'trouble' | 'fatal'> {
    return {
      trouble: (why) => {
        this.trouble = why;
      },
      fatal: (error) => {
        this.fatal = { error };
        this.wake();
      },
    };
  }
}
