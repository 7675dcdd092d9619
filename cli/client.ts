/** The HTTP API as the CLI uses it: JSON in and out, problems as ApiError, silence as Unreachable. Never prints, never shows the token. */
import axios, { type AxiosResponse } from 'axios';
import type { Readable } from 'node:stream';
import type { Problem } from './answers.js';
import { ApiError, Unreachable } from './errors.js';

export interface ClientSettings {
  /** Base address without a slash at its end. */
  readonly server: string;
  readonly token: string | null;
  /** Who acts, for a server without tokens. */
  readonly actor: string;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Reply<T> {
  readonly status: number;
  readonly body: T;
}

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export class Client {
  constructor(readonly settings: ClientSettings) {}

  async get<T>(path: string, options: SendOptions = {}): Promise<T> {
    return (await this.send<T>('GET', path, options)).body;
  }

  async post<T>(path: string, body: unknown, options: SendOptions = {}): Promise<T> {
    return (await this.send<T>('POST', path, { ...options, body })).body;
  }

  async send<T>(method: Method, path: string, options: SendOptions = {}): Promise<Reply<T>> {
    const response = await this.request<string>(method, path, options, 'text');
    const body = parse(response.data);
    if (response.status >= 300) throw new ApiError(response.status, problemOf(response, body));
    return { status: response.status, body: body as T };
  }

  /** The bytes of an event stream, for as long as it stays open; null where nothing more will ever come. */
  async stream(
    path: string,
    options: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ): Promise<Readable | null> {
    const response = await this.request<Readable>('GET', path, { ...options, timeoutMs: 0 }, 'stream');
    if (response.status === 200) return response.data;
    if (response.status === 204) return null;
    const text = await textOf(response.data);
    throw new ApiError(response.status, problemOf(response, parse(text)));
  }

  private async request<T>(
    method: Method,
    path: string,
    options: SendOptions,
    responseType: 'text' | 'stream',
  ): Promise<AxiosResponse<T>> {
    const { server, token, actor } = this.settings;
    try {
      return await axios.request<T>({
        method,
        url: `${server}${path}${queryOf(options.query)}`,
        headers: {
          accept: responseType === 'stream' ? 'text/event-stream' : 'application/json',
          'user-agent': 'sluice-cli',
          ...(token === null ? { 'sluice-actor': actor } : { authorization: `Bearer ${token}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { data: JSON.stringify(options.body) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...(isLoopback(server) ? { proxy: false as const } : {}),
        timeout: options.timeoutMs ?? 30_000,
        responseType,
        maxRedirects: 0,
        transformResponse: [(data: unknown) => data],
        validateStatus: () => true,
      });
    } catch (error) {
      if (options.signal?.aborted === true) throw options.signal.reason;
      throw unreachable(server, error);
    }
  }
}

/** The message only: the error itself carries the request, with its token. */
function unreachable(server: string, error: unknown): Unreachable {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const message = error instanceof Error && error.message !== '' ? error.message : code;
  const neverSent = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ERR_INVALID_URL',
  ];
  return new Unreachable(server, message, !neverSent.includes(code));
}

function queryOf(query: SendOptions['query']): string {
  const given = Object.entries(query ?? {}).filter((e): e is [string, string] => e[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function isLoopback(server: string): boolean {
  return /^https?:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/.test(server);
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function problemOf(response: AxiosResponse, body: unknown): Problem {
  if (typeof body === 'object' && body !== null) return body;
  // Something between here and the API answered in its own words.
  const said = typeof body === 'string' ? `: ${body.replace(/\s+/g, ' ').slice(0, 200)}` : '.';
  return { status: response.status, detail: `The server answered ${response.status}${said}` };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
