import { Agent, request, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { createInterface } from 'node:readline';

/** What every Kubernetes object has; the rest is the object's own. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
  };
  [field: string]: unknown;
}

export interface KubeList<T extends KubeObject> {
  metadata: { resourceVersion: string };
  items: T[];
}

export interface WatchEvent<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** The API server's answer when it is not a success. */
export class KubeError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'KubeError';
  }
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/**
 * The few calls to the API server that the local stack needs, over kept-alive connections. It does not retry.
 * The stack's server makes its own certificate on loopback, so that is not verified.
 */
export class Kube {
  readonly #agent: Agent;

  constructor(
    readonly url: string,
    readonly token: string,
  ) {
    this.#agent = url.startsWith('https:')
      ? new TlsAgent({ keepAlive: true, rejectUnauthorized: false })
      : new Agent({ keepAlive: true });
  }

  async get<T = KubeObject>(path: string): Promise<T> {
    return this.#json<T>('GET', path);
  }

  async create<T = KubeObject>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('POST', path, body);
  }

  async patch<T = KubeObject>(path: string, type: keyof typeof patchTypes, body: unknown): Promise<T> {
    return this.#json<T>('PATCH', path, body, patchTypes[type]);
  }

  async delete(path: string, options: unknown = {}): Promise<void> {
    await this.#json('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', ...(options as object) });
  }

  /** Events of one watch until the server or `signal` ends it; the caller lists again and watches on. */
  async *watch<T extends KubeObject>(
    path: string,
    from: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const mark = path.includes('?') ? '&' : '?';
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${from}`;
    const response = await this.#send('GET', `${path}${mark}${query}`, undefined, undefined, signal);
    if (response.statusCode !== 200) throw await errorOf(response, `GET ${path}`);
    for await (const line of createInterface({ input: response })) yield JSON.parse(line) as WatchEvent<T>;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> {
    const response = await this.#send(method, path, body, contentType, AbortSignal.timeout(30_000));
    if ((response.statusCode ?? 500) >= 300) throw await errorOf(response, `${method} ${path}`);
    const text = await textOf(response);
    return (text.startsWith('{') ? JSON.parse(text) : text) as T;
  }

  async #send(
    method: string,
    path: string,
    body: unknown,
    contentType: string = 'application/json',
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const send = this.url.startsWith('https:') ? tlsRequest : request;
    const content = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.token}`,
      accept: 'application/json',
      'content-type': contentType,
      // Without it Node sends the body of a DELETE unframed, and the server reads none.
      'content-length': Buffer.byteLength(content ?? ''),
    };
    return new Promise((resolve, reject) => {
      const call = send(`${this.url}${path}`, { method, headers, agent: this.#agent, signal }, resolve);
      call.on('error', reject);
      call.end(content);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

async function errorOf(response: IncomingMessage, what: string): Promise<KubeError> {
  const text = await textOf(response);
  let message = text;
  try {
    message = (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    // Not a Status object: the text says it.
  }
  return new KubeError(response.statusCode ?? 500, `${what}: ${message}`);
}
