/** One kind of objects in one namespace, or in all of them, as a single watch keeps it up to date for all who read it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { uptimeMs } from '../clock.js';
import { CatalogueError, describe } from '../failure.js';
import type { Cluster, ListOptions, WatchEvent } from './client.js';
import { KubeError } from './kube-error.js';
import type { KubeObject } from './objects.js';
import type { Kind } from './kinds.js';
import { everywhere } from './resources.js';
import { Shelf } from './shelf.js';

export interface Follower {
  /** What it listens to may have changed, or how well it can be seen. Must not throw. */
  readonly changed: () => void;
  /** It cannot work: not allowed, unknown, too many objects (`TooMany`). Nothing is tried again. */
  readonly fatal: (error: unknown) => void;
}

/** More objects than are worth keeping. */
export class TooMany extends Error {
  override readonly name = 'TooMany';
}

export interface MirrorSettings {
  /** How long one watch lasts, seconds; it is opened again while somebody follows. */
  readonly windowSeconds: number;
  /** A watch that has said nothing for so long is taken for dead, ms; an API server sends a bookmark each minute. */
  readonly silenceMs: number;
  readonly mostObjects: number;
}

export const mirrorSettings: MirrorSettings = { windowSeconds: 600, silenceMs: 90_000, mostObjects: 5_000 };

const pageSize = 500;
const backoffMs = [200, 500, 1_000, 2_000] as const;
/** A proxy that closes each watch at once must not be stormed. */
const shortMs = 2_000;

/**
 * Lists, then watches from there, and begins again whenever the watch ends: what is kept is a list with every event since, without
 * a gap. Ends by itself when its watch ends and nobody follows; until then what it has heard may be read.
 */
export class Mirror<T extends KubeObject> {
  readonly shelf: Shelf<T>;
  /** Why nothing can be seen just now, for people; null while it works. */
  trouble: string | null = null;
  /** When the list was asked for that all follows from, ms of `uptimeMs`; null: there is none yet. */
  listedAt: number | null = null;
  /** Null while it goes on; then why it does not, which is null where nobody wanted it any more. */
  ended: { readonly why: unknown } | null = null;
  private heardAt = Number.NEGATIVE_INFINITY;
  private isLive = false;
  private readonly followers = new Map<string, Set<Follower>>();
  private readonly stop = new AbortController();
  /** Resolves when it has ended; never rejects. */
  readonly done: Promise<void>;
  /** Resolves when the first list is there, or it has ended without. */
  readonly begun: Promise<void>;
  private begin: () => void = () => undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly kind: Kind<T>,
    private readonly namespace: string,
    private readonly selection: ListOptions = {},
    private readonly settings = mirrorSettings,
  ) {
    this.shelf = namespace === everywhere ? new Shelf(fullName) : new Shelf();
    this.begun = new Promise((resolve) => (this.begin = resolve));
    this.done = this.run();
  }

  /** Whether it is up to date as of so many milliseconds ago, or less. */
  heardWithin(ms: number): boolean {
    return this.isLive && uptimeMs() - this.heardAt <= ms;
  }

  /** @param topic a name, a label as `key=value`, or `anything`; answers how to leave */
  follow(topic: string, follower: Follower): () => void {
    const some = this.followers.get(topic) ?? new Set();
    this.followers.set(topic, some.add(follower));
    return () => {
      some.delete(follower);
      if (some.size === 0 && this.followers.get(topic) === some) this.followers.delete(topic);
    };
  }

  get isFollowed(): boolean {
    return this.followers.size > 0;
  }

  close(): void {
    this.end(null);
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      let askedMs = 0;
      const begun = uptimeMs();
      try {
        await this.watch(await this.list());
        failures = uptimeMs() - begun < shortMs ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isFatal(error)) return this.end(error);
        failures++;
        // Too old a version: the next list has a new one.
        if (!(error instanceof KubeError && error.status === 410)) this.say(text(error));
        askedMs = error instanceof KubeError ? (error.retryAfter ?? 0) * 1_000 : 0;
      }
      this.isLive = false;
      if (!this.isFollowed) return this.end(null);
      const ms = Math.max(askedMs, backoffMs[Math.min(failures, backoffMs.length) - 1] ?? backoffMs[0]);
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  /** In parts, as each is held in memory whole; answers the version to watch from. */
  private async list(): Promise<string> {
    const { resource, slim } = this.kind;
    const asked = uptimeMs();
    const found: T[] = [];
    for (let next: string | undefined; ;) {
      const page = {
        ...this.selection,
        limit: String(pageSize),
        ...(next === undefined ? {} : { continue: next }),
      };
      const part = await this.cluster.list(resource, this.namespace, page, this.stop.signal);
      for (const object of part.items) found.push(slim(object));
      if (found.length > this.settings.mostObjects)
        throw new TooMany(`more than ${this.settings.mostObjects} ${resource.plural}`);
      next = part.metadata.continue === '' ? undefined : part.metadata.continue;
      if (next !== undefined) continue;
      this.shelf.replace(found);
      this.listedAt = this.heardAt = asked;
      this.isLive = true;
      this.begin();
      this.say(null);
      return part.metadata.resourceVersion;
    }
  }

  private async watch(resourceVersion: string): Promise<void> {
    const { windowSeconds, silenceMs } = this.settings;
    // Not all at the same moment.
    const seconds = Math.ceil(windowSeconds * (1 + Math.random() / 5));
    const quiet = new AbortController();
    const listen = setInterval(() => {
      if (this.heardWithin(silenceMs)) return;
      quiet.abort(new Error(`nothing was heard for ${silenceMs / 1_000} s`));
    }, silenceMs / 10);
    listen.unref();
    const signal = AbortSignal.any([quiet.signal, this.stop.signal]);
    const from = { ...this.selection, resourceVersion, seconds };
    try {
      await this.cluster.watch(this.kind.resource, this.namespace, from, (event) => this.hear(event), signal);
    } catch (error) {
      throw quiet.signal.aborted ? quiet.signal.reason : error;
    } finally {
      clearInterval(listen);
    }
  }

  private hear({ type, object }: WatchEvent): void {
    this.heardAt = uptimeMs();
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        return this.tell(this.shelf.put(this.kind.slim(object)));
      case 'DELETED':
        return this.tell(this.shelf.remove(this.shelf.nameOf(object)));
      case 'BOOKMARK':
    }
  }

  private tell(topics: readonly string[]): void {
    for (const topic of topics) for (const { changed } of this.followers.get(topic) ?? []) changed();
  }

  private say(trouble: string | null): void {
    this.trouble = trouble;
    for (const { changed } of this.all()) changed();
  }

  private end(why: unknown): void {
    if (this.ended !== null) return;
    this.ended = { why };
    this.isLive = false;
    this.begin();
    this.stop.abort();
    if (why !== null) for (const { fatal } of this.all()) fatal(why);
  }

  private all(): Follower[] {
    return [...this.followers.values()].flatMap((some) => [...some]);
  }
}

const fullName = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

const isFatal = (error: unknown): boolean =>
  error instanceof TooMany ||
  (error instanceof KubeError && [400, 401, 403, 404, 422].includes(error.status)) ||
  (error instanceof CatalogueError && !error.failure.retryable);

const text = (error: unknown): string =>
  error instanceof KubeError ? `the API server answers ${error.status} ${error.reason}` : describe(error);
