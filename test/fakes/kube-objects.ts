/**
 * A small Kubernetes API at the wire for what reads and patches single objects: compare-and-set is kept, faults and rivals come on
 * demand. Nobody may watch unless the test says so.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';

type Json = Record<string, unknown>;

interface Fault {
  readonly status: number;
  readonly message: string;
  readonly headers?: Record<string, string>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Json;
}

export class FakeObjects {
  /** Every call, in order. */
  readonly calls: Call[] = [];
  /** Runs before each PATCH is looked at: a rival who is faster. */
  beforePatch: () => void | Promise<void> = () => undefined;
  /** Whether changes can be watched. Default false: it is forbidden. */
  mayWatch = false;
  /** Collections that may not be listed, by their path. */
  readonly forbidden = new Set<string>();
  private watchers: { readonly path: string; readonly response: ServerResponse }[] = [];
  private readonly objects = new Map<string, Json>();
  private readonly faults = new Map<string, Fault[]>();
  private version = 1;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<Cluster> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const server = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'fake', server, skipTLSVerify: true }, { name: 'fake' });
    return new Cluster('fake', config);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  /** @param path of the object, or of a discovery document */
  put(path: string, object: object): void {
    const { metadata, ...rest } = structuredClone(object) as Json;
    const resourceVersion = String(++this.version);
    const type = this.objects.has(path) ? 'MODIFIED' : 'ADDED';
    this.objects.set(path, { ...rest, metadata: { ...(metadata as Json), resourceVersion } });
    for (const watcher of this.watchers) {
      if (path.startsWith(`${watcher.path}/`))
        watcher.response.write(`${JSON.stringify({ type, object: this.objects.get(path) })}\n`);
    }
  }

  /** Those who watch are told nothing any more, though their connections stay open. */
  fallSilent(): void {
    this.watchers = [];
  }

  watching(): number {
    return this.watchers.length;
  }

  get(path: string): KubeObject {
    return structuredClone(this.objects.get(path)) as unknown as KubeObject;
  }

  remove(path: string): void {
    this.objects.delete(path);
  }

  /** The next calls of that method get these answers. */
  fail(method: string, ...faults: readonly Fault[]): void {
    this.faults.set(method, [...(this.faults.get(method) ?? []), ...faults]);
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', 'http://fake');
    const method = request.method ?? '';
    const body = text === '' ? {} : (JSON.parse(text) as Json);
    this.calls.push({ method, path: url.pathname, query: url.searchParams, body });
    if (url.searchParams.get('watch') === 'true' && this.mayWatch) {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return void this.watchers.push({ path: url.pathname, response });
    }
    const { status, headers, answer } =
      url.searchParams.get('watch') === 'true'
        ? { status: 403, answer: { reason: 'Forbidden', message: 'User "test" cannot watch' } }
        : await this.handle(method, url, body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(answer));
  }

  private async handle(
    method: string,
    { pathname: path, searchParams: query }: URL,
    body: Json,
  ): Promise<{ status: number; headers?: Record<string, string>; answer: unknown }> {
    const fault = this.faults.get(method)?.shift();
    if (fault !== undefined) {
      const { status, message, headers = {} } = fault;
      return { status, headers, answer: { kind: 'Status', reason: 'Fault', message } };
    }
    if (method === 'PATCH') await this.beforePatch();
    // What has no name is a question, such as a SelfSubjectRulesReview.
    if (method === 'POST' && body['metadata'] !== undefined) return this.create(path, body);
    const object = this.objects.get(path);
    if (object === undefined) {
      if (this.forbidden.has(path))
        return { status: 403, answer: { reason: 'Forbidden', message: `User "test" cannot list ${path}` } };
      const all = [...this.objects].filter(([key]) => isIn(key, path)).map(([, one]) => one);
      const items = all.filter((one) => isSelected(one['metadata'] as Metadata, query));
      if (all.length > 0) return { status: 200, answer: { metadata: { resourceVersion: '1' }, items } };
      return { status: 404, answer: { reason: 'NotFound', message: `${path} not found` } };
    }
    if (method === 'DELETE') {
      this.objects.delete(path);
      return { status: 200, answer: { kind: 'Status', status: 'Success' } };
    }
    if (method !== 'PATCH') return { status: 200, answer: object };
    const expected = (body['metadata'] as Json | undefined)?.['resourceVersion'];
    const { resourceVersion } = object['metadata'] as Json;
    if (expected !== undefined && expected !== resourceVersion)
      return { status: 409, answer: { reason: 'Conflict', message: 'the object has been modified' } };
    this.put(path, merged(object, body) as object);
    return { status: 200, answer: this.objects.get(path) };
  }

  /** @param path of the collection */
  private create(path: string, body: Json): { status: number; answer: unknown } {
    const { name } = body['metadata'] as { name: string };
    const at = `${path}/${name}`;
    if (this.objects.has(at))
      return { status: 409, answer: { reason: 'AlreadyExists', message: `${name} already exists` } };
    this.put(at, { ...body, metadata: { ...(body['metadata'] as Json), uid: `uid-${this.version}` } });
    return { status: 201, answer: this.objects.get(at) };
  }
}

/** Of a namespace, or, where the collection names none, of any. */
function isIn(key: string, collection: string): boolean {
  const [, root, plural] = /^(.*)\/([^/]+)$/.exec(collection) ?? [];
  const wide = new RegExp(`^${root}/namespaces/[^/]+/${plural}/`);
  return key.startsWith(`${collection}/`) || wide.test(key);
}

interface Metadata {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** By a name, and by labels that are equal to one value or one of several; other conditions are let pass. */
function isSelected({ name, labels = {} }: Metadata, query: URLSearchParams): boolean {
  const wanted = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  if (wanted !== undefined && wanted !== name) return false;
  // Commas within parentheses part values, the others conditions.
  const conditions = (query.get('labelSelector') ?? '').split(/,(?![^(]*\))/);
  return conditions.every((condition) => {
    const [, key, values] =
      /^([^\s!=]+)=(.*)$/.exec(condition) ?? /^(\S+) in \((.*)\)$/.exec(condition) ?? [];
    return key === undefined || values!.split(',').includes(labels[key] ?? '');
  });
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json = typeof target === 'object' && target !== null ? { ...(target as Json) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
