import { Agent, request, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

export interface LoadOptions {
  /** `http://host:port` or `https://host:port` of Envoy: a loopback or pod address. */
  url: string;
  /** Host header, which selects the route; with https also the name that the certificate has to be of. */
  host: string;
  /** With https: the certificate that is believed and no other, PEM. */
  ca?: string;
  /** At most 500. */
  requestsPerSecond: number;
  /** Default `/`. */
  path?: string;
  headers?: Record<string, string>;
  /** An answer that takes longer is a failure `timeout`. Default 5,000 ms. */
  timeoutMs?: number;
}

/** One answer or failure. */
export interface LoadRecord {
  /** When the request was sent, epoch ms. */
  at: number;
  /** Time until the whole answer was there, or the failure. */
  tookMs: number;
  /** HTTP status; absent where there was no answer. */
  status?: number;
  /** `x-version` of the answer. */
  version?: string;
  /** `x-versions` of the answer: of all the applications that it came through, `a v1 -> b v2`. */
  versions?: string;
  /** A status of 500 and above with what it says, `timeout`, or the code of the connection's error. Absent: no failure. */
  failure?: string;
}

export interface LoadSummary {
  sent: number;
  /** Answers below 500 by version; `''` where the answer names none. */
  byVersion: Record<string, number>;
  byStatus: Record<string, number>;
  byFailure: Record<string, number>;
  failed: number;
  /**
   * Requests sent once more because the kept connection had been closed by the other side before it read anything of them, as
   * every HTTP client does. They are not failures; their second answer counts.
   */
  resent: number;
  records: LoadRecord[];
}

export interface Load {
  /** What has been answered so far. */
  summary(): LoadSummary;
  /** Sends no more, waits for every open request, and answers the whole: `sent` equals the number of records. */
  stop(): Promise<LoadSummary>;
}

const tickMs = 10;

/** Sends GET requests at a steady rate, whether or not earlier ones are answered, until it is stopped. */
export function startLoad(options: LoadOptions): Load {
  if (options.requestsPerSecond > 500)
    throw new Error('requestsPerSecond is above 500: the stack shares one machine');
  const agent = new (isSecure(options) ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 256 });
  const records: LoadRecord[] = [];
  const open = new Set<Promise<void>>();
  const begun = performance.now();
  let sent = 0;
  let resent = 0;

  const send = async (): Promise<void> => {
    const at = Date.now();
    const started = performance.now();
    let outcome = await ask(options, agent);
    if (outcome === 'stale') {
      resent++;
      outcome = await ask(options, undefined);
    }
    records.push({ at, tookMs: performance.now() - started, ...(outcome as Outcome) });
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begun) / 1000) * options.requestsPerSecond);
    for (; sent < due; sent++) {
      const one = send();
      open.add(one);
      void one.then(() => open.delete(one));
    }
  }, tickMs);

  const summary = (): LoadSummary => ({ ...summarise(records), resent });
  return {
    summary,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { ...summary(), sent };
    },
  };
}

const isSecure = ({ url }: LoadOptions): boolean => url.startsWith('https:');

type Outcome = Pick<LoadRecord, 'status' | 'version' | 'versions' | 'failure'>;

/** One request. `stale`: a kept connection was closed before the other side read anything. */
async function ask(options: LoadOptions, agent: Agent | undefined): Promise<Outcome | 'stale'> {
  const { url, host, path = '/', timeoutMs = 5000, ca } = options;
  return new Promise((resolve) => {
    const headers = { ...options.headers, host };
    const send = isSecure(options) ? tlsRequest : request;
    // Node asks for the name in the Host header by SNI.
    const call = send(new URL(path, url), { agent: agent ?? false, headers, ca }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => finish(outcomeOf(response, text)));
      response.on('error', (error: NodeJS.ErrnoException) =>
        finish({ failure: error.code ?? error.message }),
      );
    });
    const timer = setTimeout(() => {
      finish({ failure: 'timeout' });
      call.destroy();
    }, timeoutMs);
    const finish = (outcome: Outcome | 'stale'): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    call.on('error', (error: NodeJS.ErrnoException) => {
      const stale = agent && call.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      finish(stale ? 'stale' : { failure: error.code ?? error.message });
    });
    call.end();
  });
}

/** Envoy says in a line why it has no answer. */
const longestText = 200;

function outcomeOf(response: IncomingMessage, text: string): Outcome {
  const status = response.statusCode ?? 0;
  const { 'x-version': version, 'x-versions': versions } = response.headers;
  return {
    status,
    ...(version && { version: String(version) }),
    ...(versions && { versions: String(versions) }),
    ...(status >= 500 && { failure: `${status} ${text.slice(0, longestText)}`.trimEnd() }),
  };
}

/** Counts records: by version only what did not fail, by status every answer. */
export function summarise(records: readonly LoadRecord[]): Omit<LoadSummary, 'resent'> {
  const byVersion: Record<string, number> = {};
  const byStatus: Record<string, number> = {};
  const byFailure: Record<string, number> = {};
  const count = (into: Record<string, number>, key: string): void => void (into[key] = (into[key] ?? 0) + 1);
  for (const { status, version, failure } of records) {
    if (status !== undefined) count(byStatus, String(status));
    if (failure === undefined) count(byVersion, version ?? '');
    else count(byFailure, failure);
  }
  const failed = records.filter((record) => record.failure !== undefined).length;
  return { sent: records.length, byVersion, byStatus, byFailure, failed, records: [...records] };
}
