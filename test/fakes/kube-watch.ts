/** A small Kubernetes API at the wire for what watches: objects are put by the test, and the server can be as bad as real ones are. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { Cluster, type KubeObject } from '../../activities/kubernetes/client.js';

interface Watcher {
  readonly collection: string;
  readonly response: ServerResponse;
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
  private faults: Fault[] = [];
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
    const type = all.has(object.metadata.name) ? 'MODIFIED' : 'ADDED';
    all.set(object.metadata.name, object);
    this.tell(collection, type, object);
  }

  remove(collection: string, name: string): void {
    const object = this.objects(collection).get(name);
    this.objects(collection).delete(name);
    if (object !== undefined) this.tell(collection, 'DELETED', object);
  }

  /** The next requests get these answers. */
  fail(...faults: readonly Fault[]): void {
    this.faults.push(...faults);
  }

  /** Ends every open watch: in order, or with an error event first. */
  closeWatches(code?: number): void {
    for (const watcher of this.watchers) {
      if (code !== undefined) {
        const object = { kind: 'Status', code, message: 'too old resource version' };
        watcher.response.write(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      }
      watcher.response.end();
    }
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
    if (url.searchParams.get('watch') === 'true') return this.watch(url.pathname, response);
    const slash = url.pathname.lastIndexOf('/');
    const object = this.collections.get(url.pathname.slice(0, slash))?.get(url.pathname.slice(slash + 1));
    const items = this.collections.get(url.pathname);
    const found = object ?? (items && { metadata: { resourceVersion: '1' }, items: [...items.values()] });
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { reason: 'NotFound', message: `${url.pathname} not found` }));
  }

  private watch(collection: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const object of this.objects(collection).values()) {
      response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    }
    this.watchers.add({ collection, response });
  }
}
