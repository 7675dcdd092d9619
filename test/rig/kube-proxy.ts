/** A loopback proxy in front of the API server, for one worker: a test tells it to refuse, delay, lose or pass requests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request as upstreamRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { StackInfo } from '../../infra/local/stack.js';

export interface Match {
  /** One or several; default any. */
  readonly method?: string | readonly string[];
  /** Tried on path and query, as in `/apis/apps/v1/namespaces/x/deployments/shop?fieldManager=sluice`. Default any. */
  readonly path?: RegExp;
}

export type Action =
  /** Answers by itself; the API server does not see the request. A string or object as body; default a Status object. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: object | string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Passes it on after so many milliseconds, also when who asked has gone away meanwhile. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The same, but when the promise resolves. */
  | { readonly kind: 'gate'; readonly open: Promise<unknown> }
  /** Closes the connection; the API server does not see the request. */
  | { readonly kind: 'drop' }
  /** The API server does what is asked, and the answer is lost. */
  | { readonly kind: 'lose' }
  | { readonly kind: 'pass' };

/** A rule in force. */
export interface Rule {
  /** Requests that it matched and acted on. */
  readonly count: number;
  readonly remove: () => void;
}

export interface Seen {
  readonly at: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** What the API server answered; null where it was not asked, or has not answered yet. */
  status: number | null;
}

interface Passing {
  readonly told: (status: number) => void;
  /** Whether the answer is lost. Default false. */
  readonly lose?: boolean;
  /** Read already; null: passed as it comes. */
  readonly body?: Buffer | null;
}

interface Entry {
  readonly match: Match;
  readonly action: Action;
  readonly times: number;
  count: number;
}

export class KubeProxy {
  /** Every request, oldest first. */
  readonly requests: Seen[] = [];
  private entries: Entry[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

  private constructor(
    private readonly upstream: string,
    private readonly server: Server,
    private readonly dir: string,
    readonly url: string,
  ) {}

  /** Listens on a free port and writes a kubeconfig; give `kubeconfig` to the worker as KUBECONFIG. */
  static async start(stack: Pick<StackInfo, 'kubeUrl' | 'kubeToken'>): Promise<KubeProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const dir = mkdtempSync(join(tmpdir(), 'sluice-kube-proxy-'));
    const proxy = new KubeProxy(stack.kubeUrl, server, dir, url);
    writeFileSync(proxy.kubeconfig, JSON.stringify(kubeconfigOf(url, stack.kubeToken)), { mode: 0o600 });
    server.on('connection', (socket) => {
      proxy.sockets.add(socket);
      socket.once('close', () => proxy.sockets.delete(socket));
    });
    server.on('request', (incoming, outgoing) => void proxy.handle(incoming, outgoing));
    return proxy;
  }

  get kubeconfig(): string {
    return join(this.dir, 'kubeconfig');
  }

  /** In force at once, before older rules, for the first `times` matching requests. Default without end. */
  rule(match: Match, action: Action, times = Number.POSITIVE_INFINITY): Rule {
    const entry: Entry = { match, action, times, count: 0 };
    this.entries = [entry, ...this.entries];
    return {
      get count() {
        return entry.count;
      },
      remove: () => {
        this.entries = this.entries.filter((e) => e !== entry);
      },
    };
  }

  /** Shorthand for an answer of the API server's own kind: a Status with that code. */
  refuse(match: Match, status: number, times?: number): Rule {
    return this.rule(match, { kind: 'answer', status }, times);
  }

  /** Nothing of it is there for so many milliseconds; resolves when it is back. */
  async away(match: Match, ms: number): Promise<void> {
    const { remove } = this.rule(match, { kind: 'drop' });
    await new Promise((resolve) => setTimeout(resolve, ms));
    remove();
  }

  /** Removes every rule. */
  clear(): void {
    this.entries = [];
  }

  /** Cuts every open connection, watches too; new ones are taken. */
  sever(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Requests that matched, whatever became of them. */
  seen(match: Match): readonly Seen[] {
    return this.requests.filter(({ method, path }) => matches(match, method, path));
  }

  async close(): Promise<void> {
    this.sever();
    await new Promise((resolve) => this.server.close(resolve));
    this.agent.destroy();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = incoming;
    const seen: Seen = { at: Date.now(), method, path, status: null };
    this.requests.push(seen);
    const told = (status: number): void => void (seen.status = status);
    const entry = this.entries.find((e) => e.count < e.times && matches(e.match, method, path));
    if (entry !== undefined) entry.count++;
    const action: Action = entry?.action ?? { kind: 'pass' };
    switch (action.kind) {
      case 'answer':
        incoming.resume();
        answer(outgoing, action);
        return;
      case 'drop':
        incoming.socket.destroy();
        return;
      case 'delay':
      case 'gate': {
        const body = await buffer(incoming).catch(() => null);
        await (action.kind === 'gate'
          ? action.open
          : new Promise((resolve) => setTimeout(resolve, action.ms)));
        this.pass(incoming, outgoing, { told, body });
        return;
      }
      case 'lose':
        this.pass(incoming, outgoing, { told, lose: true });
        return;
      case 'pass':
        this.pass(incoming, outgoing, { told });
        return;
    }
  }

  private pass(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { told, lose = false, body = null }: Passing,
  ): void {
    const { method, headers, socket } = incoming;
    const url = new URL(incoming.url ?? '/', this.upstream);
    const onward = upstreamRequest(url, {
      method,
      headers: { ...headers, host: url.host },
      agent: this.agent,
    });
    onward.once('error', () => socket.destroy());
    onward.once('response', (response) => {
      told(response.statusCode ?? 502);
      if (lose) {
        response.resume();
        response.once('end', () => socket.destroy());
        return;
      }
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      // A watch has no body yet; its head must not wait for the first event.
      outgoing.flushHeaders();
      response.once('error', () => socket.destroy());
      response.pipe(outgoing);
    });
    // A watcher that goes away ends its watch upstream too.
    outgoing.once('close', () => onward.destroy());
    if (body === null) incoming.pipe(onward);
    else onward.end(body);
  }
}

function matches({ method, path }: Match, asked: string, where: string): boolean {
  const methods = method === undefined ? [asked] : typeof method === 'string' ? [method] : method;
  return methods.includes(asked) && (path === undefined || path.test(where));
}

function answer(outgoing: ServerResponse, action: Extract<Action, { kind: 'answer' }>): void {
  const { status, headers } = action;
  const body = action.body ?? {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: 'Refused',
    code: status,
    message: `the test refuses this request with ${status}`,
  };
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function kubeconfigOf(url: string, token: string): object {
  const name = 'local';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    // Plain HTTP to loopback; the client takes it only where it need not verify anything.
    clusters: [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}
