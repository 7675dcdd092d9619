import {
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What a container of the sample application is told. */
export interface AppOptions {
  /**
   * `APP`, `VERSION`, `TRACK`; `ERROR_RATE` 0..1 of the requests fail with 500, evenly spaced; `DELAY_MS` before each answer;
   * `UPSTREAM` a URL that is called for each request, through `INGRESS` (default: the stack's) unless its host is an address;
   * `PASSES_ON` the headers that the call has from the request, with commas between (default: `x-lane,baggage`).
   */
  env: Record<string, string>;
  pod: string;
  address: string;
  port: number;
  ingress: string;
  isReady: () => boolean;
}

/** The sample application in one container. */
export interface App {
  /** From now on every answer closes its connection. */
  drain(): void;
  /** When the last request came, epoch ms; 0 before the first. */
  lastRequestAt(): number;
  /** Ends every connection. */
  close(): void;
}

export async function startApp(options: AppOptions): Promise<App> {
  const { env, address, port } = options;
  const delayMs = Number(env.DELAY_MS ?? 0);
  const fails = everyNth(Number(env.ERROR_RATE ?? 0));
  let draining = false;
  let lastRequestAt = 0;

  const server = createServer((incoming, response) => {
    lastRequestAt = Date.now();
    if (draining) response.shouldKeepAlive = false;
    const own = identity(options, incoming);
    if (incoming.url === '/healthz') return answer(response, own, options.isReady() ? 200 : 503, {});
    const failing = fails();
    void (async () => {
      if (delayMs > 0) await delay(delayMs);
      if (failing) return answer(response, own, 500, { error: 'ERROR_RATE' });
      if (!env.UPSTREAM) return answer(response, own, 200, own);
      const upstream = await callUpstream(
        env.UPSTREAM,
        env.INGRESS ?? options.ingress,
        passedOn(env, incoming),
      );
      const failed = `${env.UPSTREAM} ${upstream.status}`;
      const chain = `${own.chain} -> ${upstream.chain ?? failed}`;
      const versions = `${own.versions} -> ${upstream.versions ?? failed}`;
      const whole = { ...own, chain, versions };
      answer(response, whole, upstream.status === 200 ? 200 : 502, whole);
    })();
  });
  // Envoy decides when an idle connection ends; a server that does so races with its next request.
  Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 });
  await listening(server, port, address);
  return {
    drain: () => void (draining = true),
    lastRequestAt: () => lastRequestAt,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Identity {
  app: string;
  version: string;
  track: string;
  pod: string;
  /** `x-lane` of the request; null without. */
  tag: string | null;
  /** `baggage` of the request; null without. */
  baggage: string | null;
  /** The applications that answered, `a -> bgray`. */
  chain: string;
  /** The same with their versions, `a v1 -> b v2`; also the header `x-versions`. */
  versions: string;
}

function identity({ env, pod }: AppOptions, { headers }: IncomingMessage): Identity {
  const { APP: app = 'app', VERSION: version = '', TRACK: track = 'stable' } = env;
  const textOf = (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  const [tag, baggage] = [textOf('x-lane'), textOf('baggage')];
  const chain = track === 'stable' ? app : `${app}${track}`;
  return { app, version, track, pod, tag, baggage, chain, versions: `${app} ${version}` };
}

function answer(
  response: ServerResponse,
  { version, versions }: Pick<Identity, 'version' | 'versions'>,
  status: number,
  body: object,
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-version': version,
    'x-versions': versions,
  });
  response.end(JSON.stringify(body));
}

/** Answers true for the given share of calls, evenly spaced: with 0.2 for every fifth. */
export function everyNth(rate: number): () => boolean {
  let calls = 0;
  return () => {
    calls++;
    // The small part keeps 5 * 0.2 from being less than 1.
    return Math.floor(calls * rate + 1e-9) > Math.floor((calls - 1) * rate + 1e-9);
  };
}

function passedOn(
  { PASSES_ON = 'x-lane,baggage' }: AppOptions['env'],
  incoming: IncomingMessage,
): OutgoingHttpHeaders {
  const passed = PASSES_ON.split(',').map((name) => [name, incoming.headers[name]]);
  return Object.fromEntries(passed.filter(([, value]) => value));
}

async function callUpstream(
  upstream: string,
  ingress: string,
  passed: OutgoingHttpHeaders,
): Promise<{ status: number } & Chain> {
  const url = new URL(upstream);
  const target = isIP(url.hostname) || url.hostname === 'localhost' ? url : new URL(url.pathname, ingress);
  const headers = { ...passed, host: url.host };
  return new Promise((resolve) => {
    const call = request(target, { headers, timeout: 10_000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 502, ...chainOf(text) }));
      response.on('error', () => resolve({ status: 502 }));
    });
    call.on('timeout', () => call.destroy(new Error('no answer in 10 s')));
    call.on('error', () => resolve({ status: 502 }));
    call.end();
  });
}

type Chain = Partial<Pick<Identity, 'chain' | 'versions'>>;

function chainOf(text: string): Chain {
  try {
    return JSON.parse(text) as Chain;
  } catch {
    return {};
  }
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}
