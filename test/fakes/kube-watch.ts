/** A small Kubernetes API at the wire for what watches: objects are put by the test, and the server can be as bad as real ones are. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';

interface Watcher {
  readonly collection: string;
  readonly response: ServerResponse;
}

interface Told {
  readonly collection: string;
  readonly type: string;
  readonly object: KubeObject;
  readonly version: number;
}

/** An answer that takes the place of the real one. */
export interface Fault {
  readonly status: number;
  readonly reason: string;
  readonly headers?: Record<string, string>;
}

export class FakeKube {
  /** Method and path with its query, in order. */
  readonly requests: string[] = [];
  /** Text answers by path, e.g. logs. */
  readonly texts = new Map<string, string>();
  private readonly collections = new Map<string, Map<string, KubeObject>>();
  private readonly watchers = new Set<Watcher>();
  private readonly silent = new Set<Watcher>();
  private faults: Fault[] = [];
  /** Every event, oldest first. */
  private readonly told: Told[] = [];
  private version = 0;
  private server: Server | null = null;
  private port = 0;

  async start(): Promise<Cluster> {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'fake', server: `http://127.0.0.1:${this.port}`, skipTLSVerify: true },
      { name: 'fake' },
    );
    return new Cluster('fake', config);
  }

  /** Goes away with all connections; `start` brings it back at the same port. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === null) return;
    this.server = null;
    this.watchers.clear();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** @param collection e.g. /api/v1/namespaces/shop/pods */
  put(collection: string, object: KubeObject): void {
    const all = this.objects(collection);
    const { name } = object.metadata;
    const type = all.has(name) ? 'MODIFIED' : 'ADDED';
    const resourceVersion = String(++this.version);
    all.set(name, { ...object, metadata: { ...object.metadata, resourceVersion } });
    this.tell(collection, type, all.get(name)!);
  }

  remove(collection: string, name: string): void {
    const object = this.objects(collection).get(name);
    this.objects(collection).delete(name);
    if (object === undefined) return;
    const resourceVersion = String(++this.version);
    this.tell(collection, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion } });
  }

  /** Tells every watcher that nothing was missed. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.version) } };
    for (const { response } of this.watchers)
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** Watchers are told nothing any more, though their connections stay open. */
  fallSilent(): void {
    for (const watcher of this.watchers) this.silent.add(watcher);
    this.watchers.clear();
  }

  /** The next requests get these answers. */
  fail(...faults: readonly Fault[]): void {
    this.faults.push(...faults);
  }

  /** Ends every open watch: in order, or with an error event first. */
  closeWatches(code?: number): void {
    for (const watcher of [...this.watchers, ...this.silent]) {
      if (code !== undefined) {
        const object = { kind: 'Status', code, message: 'too old resource version' };
        watcher.response.write(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      }
      watcher.response.end();
    }
    this.silent.clear();
    this.watchers.clear();
  }

  watching(): number {
    return this.watchers.size;
  }

  private objects(collection: string): Map<string, KubeObject> {
    const found = this.collections.get(collection) ?? new Map<string, KubeObject>();
    this.collections.set(collection, found);
    return found;
  }

  private tell(collection: string, type: string, object: KubeObject): void {
    this.told.push({ collection, type, object, version: this.version });
    for (const watcher of this.watchers) {
      if (watcher.collection === collection) watcher.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? '/', 'http://fake');
    const fault = this.faults.shift();
    if (fault !== undefined) {
      const { status, reason, headers } = fault;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      return void response.end(JSON.stringify({ kind: 'Status', reason, message: reason }));
    }
    const text = this.texts.get(url.pathname);
    if (text !== undefined) return void response.end(text);
    if (url.searchParams.get('watch') === 'true')
      return this.watch(url.pathname, Number(url.searchParams.get('resourceVersion')), response);
    const slash = url.pathname.lastIndexOf('/');
    const object = this.collections.get(url.pathname.slice(0, slash))?.get(url.pathname.slice(slash + 1));
    const isCollection = /\/namespaces\/[^/]+\/[^/]+$/.test(url.pathname);
    const found = object ?? (isCollection ? this.page(url) : undefined);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { reason: 'NotFound', message: `${url.pathname} not found` }));
  }

  /** As much of a collection as is asked for. */
  private page(url: URL): object {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const to = from + Number(url.searchParams.get('limit') ?? Number.POSITIVE_INFINITY);
    const all = [...(this.collections.get(url.pathname)?.values() ?? [])].filter((object) =>
      isSelected(object, url.searchParams),
    );
    const rest = to < all.length ? { continue: String(to) } : {};
    return { metadata: { resourceVersion: String(this.version), ...rest }, items: all.slice(from, to) };
  }

  private watch(collection: string, since: number, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const { type, object, ...told } of this.told) {
      if (told.collection === collection && told.version > since)
        response.write(`${JSON.stringify({ type, object })}\n`);
    }
    this.watchers.add({ collection, response });
    response.once('close', () =>
      this.watchers.forEach((w) => w.response === response && this.watchers.delete(w)),
    );
  }
}

/** Equality of labels, and names, only. */
function isSelected({ metadata }: KubeObject, query: URLSearchParams): boolean {
  const wanted = (query.get('labelSelector') ?? '').split(',').filter((part) => /^[^ =]+=[^ =]+$/.test(part));
  const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  return (
    (name === undefined || name === metadata.name) &&
    wanted.every((part) => part.split('=')[1] === metadata.labels?.[part.split('=')[0]!])
  );
}
