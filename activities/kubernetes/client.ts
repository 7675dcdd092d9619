/**
 * Kubernetes over plain objects. The typed API classes of @kubernetes/client-node drop fields that they do not know, and a clone
 * or a route must keep every field of the user; so only its KubeConfig (auth, TLS, proxies) and undici are used here.
 */
import { KubeConfig } from './kube-config.js';
import { request, type Dispatcher } from 'undici';
import { failure } from '../../domain/failures.js';
import { fieldManager } from '../../domain/ids.js';
import { CatalogueError, describe } from '../failure.js';
import { errorOf, KubeError } from './kube-error.js';
import type { KubeObject } from './objects.js';
import { apiVersion, path, type Resource } from './resources.js';
import { Shared } from './shared.js';
import { Transport } from './transport.js';

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A part of a long list. */
export interface PageOptions extends ListOptions {
  readonly limit?: string;
  /** What the part before said. */
  readonly continue?: string;
}

/** A bookmark says only that nothing has been missed until now. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
};

const requestTimeoutMs = 10_000;

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
type Response = Dispatcher.ResponseData;

export class Cluster {
  private readonly server: string;
  private readonly transport: Transport;
  private readonly shared = new Shared();

  constructor(
    readonly name: string,
    config: KubeConfig,
  ) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error(`The kubeconfig of cluster "${name}" has no current context.`);
    this.server = cluster.server.replace(/\/$/, '');
    this.transport = new Transport(config);
  }

  static fromFile(name: string, file: string, context?: string): Cluster {
    const config = new KubeConfig();
    config.loadFromFile(file);
    if (context !== undefined) config.setCurrentContext(context);
    return new Cluster(name, config);
  }

  /** In a pod its service account, else $KUBECONFIG or ~/.kube/config. */
  static fromDefault(name: string): Cluster {
    const config = new KubeConfig();
    config.loadFromDefault();
    return new Cluster(name, config);
  }

  /** Null where it does not exist. */
  async get(
    resource: Resource,
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<KubeObject | null> {
    try {
      return (await this.call('GET', path(resource, namespace, name), { signal })) as KubeObject;
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return null;
      throw error;
    }
  }

  /** A list of a whole namespace is shared by all who ask for it at the same time; nobody may change it. */
  async list(
    resource: Resource,
    namespace: string,
    options: PageOptions = {},
    signal?: AbortSignal,
  ): Promise<KubeList> {
    const from = path(resource, namespace);
    const list = (call: CallOptions): Promise<KubeList> =>
      this.call('GET', from, call) as unknown as Promise<KubeList>;
    const isWhole = Object.values(options).every((option) => option === undefined);
    if (!isWhole) return list({ query: { ...options }, signal });
    signal?.throwIfAborted();
    return this.shared.call(from, () => list({}));
  }

  async create(
    resource: Resource,
    namespace: string,
    object: KubeObject,
    signal?: AbortSignal,
  ): Promise<KubeObject> {
    const body = { apiVersion: apiVersion(resource), kind: resource.kind, ...object };
    return (await this.call('POST', path(resource, namespace), {
      body,
      query: { fieldManager },
      signal,
    })) as KubeObject;
  }

  /** Merge patch; with metadata.resourceVersion in it a compare-and-set (409 when somebody was faster). */
  async merge(
    resource: Resource,
    namespace: string,
    name: string,
    patch: object,
    signal?: AbortSignal,
  ): Promise<KubeObject> {
    return (await this.call('PATCH', path(resource, namespace, name), {
      body: patch,
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      signal,
    })) as KubeObject;
  }

  /** What the object would be after a server-side apply that takes every field; changes nothing. Throws KubeError where it would be refused. */
  async dryApply(
    resource: Resource,
    object: KubeObject,
    { manager, timeoutMs }: { readonly manager: string; readonly timeoutMs: number },
  ): Promise<KubeObject> {
    const { name, namespace = '' } = object.metadata;
    return (await this.call('PATCH', path(resource, namespace, name), {
      body: object,
      query: { fieldManager: manager, force: 'true', dryRun: 'All' },
      contentType: 'application/apply-patch+yaml',
      timeoutMs,
    })) as KubeObject;
  }

  /** JSON patch (RFC 6902). A failing `test` is a KubeError 422. */
  async jsonPatch(
    resource: Resource,
    namespace: string,
    name: string,
    patch: readonly object[],
    signal?: AbortSignal,
  ): Promise<KubeObject> {
    return (await this.call('PATCH', path(resource, namespace, name), {
      body: patch,
      query: { fieldManager },
      contentType: 'application/json-patch+json',
      signal,
    })) as KubeObject;
  }

  /** Deletes the object with that uid only; no error where it is gone already. Answers whether there was something to delete. */
  async delete(
    resource: Resource,
    namespace: string,
    name: string,
    uid?: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    try {
      const body = {
        propagationPolicy: 'Background',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      };
      await this.call('DELETE', path(resource, namespace, name), { body, signal });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return false;
      throw error;
    }
  }

  /**
   * One watch, from `resourceVersion` on, with bookmarks, until the server closes it (about `seconds`) or the signal aborts. The caller
   * lists and watches again. Throws KubeError 410 where the version is too old.
   */
  async watch(
    resource: Resource,
    namespace: string,
    options: ListOptions & { readonly resourceVersion: string; readonly seconds: number },
    onEvent: (event: WatchEvent) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const { seconds, ...rest } = options;
    const query = { ...rest, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
    const stop = new AbortController();
    const response = await this.send('GET', path(resource, namespace), {
      query,
      signal: AbortSignal.any([stop.signal, within((seconds + 10) * 1_000, signal)]),
      watch: true,
    });
    const decoder = new TextDecoder();
    let tail = '';
    try {
      for await (const chunk of response.body) {
        tail += decoder.decode(chunk as Uint8Array, { stream: true });
        const lines = tail.split('\n');
        tail = lines.pop() ?? '';
        for (const line of lines) {
          const event = JSON.parse(line) as {
            type: string;
            object: KubeObject & { code?: number; message?: string };
          };
          if (event.type === 'ERROR')
            throw new KubeError(event.object.code ?? 500, 'Watch', event.object.message ?? line, null);
          onEvent(event as WatchEvent);
        }
      }
    } finally {
      stop.abort();
    }
  }

  /** Any other path, e.g. /version. */
  async call(method: Method, pathname: string, options: CallOptions = {}): Promise<Record<string, unknown>> {
    const signal = within(options.timeoutMs ?? requestTimeoutMs, options.signal);
    const response = await this.send(method, pathname, { ...options, signal });
    const text = await this.read(response, signal);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Version of the API server, and its clock in milliseconds; null: it sent none. */
  async about(signal?: AbortSignal): Promise<{ readonly version: string; readonly clock: number | null }> {
    const both = within(requestTimeoutMs, signal);
    const response = await this.send('GET', '/version', { signal: both });
    const { gitVersion } = JSON.parse(await this.read(response, both)) as { gitVersion?: string };
    const clock = Date.parse(String(response.headers['date']));
    return { version: gitVersion ?? 'unknown', clock: Number.isNaN(clock) ? null : clock };
  }

  /** A path that answers plain text, e.g. the log of a pod. */
  async text(
    pathname: string,
    query: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<string> {
    const both = within(requestTimeoutMs, signal);
    return this.read(await this.send('GET', pathname, { query, signal: both }), both);
  }

  private async send(method: Method, pathname: string, options: CallOptions): Promise<Response> {
    const url = new URL(this.server + pathname);
    for (const [key, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(key, value);
    let response: Response;
    try {
      const { headers, dispatcher } = await this.transport.access(options.watch ? 'watches' : 'calls');
      response = await request(url, {
        method,
        dispatcher,
        headers: {
          ...headers,
          accept: 'application/json',
          'user-agent': 'sluice',
          ...(options.body === undefined
            ? {}
            : { 'content-type': options.contentType ?? 'application/json' }),
        },
        body: options.body === undefined ? null : JSON.stringify(options.body),
        signal: options.signal,
      });
    } catch (error) {
      throw this.unreachable(error, options.signal);
    }
    if (response.statusCode < 300) return response;
    throw errorOf(response, await this.read(response, options.signal));
  }

  private async read(response: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await response.body.text();
    } catch (error) {
      throw this.unreachable(error, signal);
    }
  }

  /** What a caller gave up passes through; everything else is the cluster's. */
  private unreachable(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true && (signal.reason as Error | undefined)?.name !== 'TimeoutError')
      return error;
    return new CatalogueError(failure('cluster_unreachable', { cluster: this.name, why: describe(error) }));
  }
}

export interface KubeList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[];
}

interface CallOptions {
  readonly body?: object;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Answers for as long as it is wanted. */
  readonly watch?: boolean;
}

/** The signal, or the time is over. */
function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
