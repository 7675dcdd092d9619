/** The HTTP API of Prometheus, as Thanos, Mimir and VictoriaMetrics serve it too. */
import { readFile } from 'node:fs/promises';
import axios from 'axios';
import { failure, type Failure } from '../../domain/failures.js';
import { withDeadline } from '../deadline.js';
import { describe } from '../failure.js';
import type { Answer, MetricsProvider } from './provider.js';

export interface PrometheusOptions {
  /** http(s)://host[:port][/prefix] */
  readonly address: string;
  /** File with a bearer token, read at each request because tokens are rotated; null: none is sent. */
  readonly tokenFile: string | null;
  /** Per request, milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

interface Reply {
  readonly status: number;
  readonly data: string;
}

const rawLimit = 400;
const maxBytes = 1_000_000;

export function prometheus(options: PrometheusOptions): MetricsProvider {
  const { address, tokenFile, timeoutMs = 5_000 } = options;
  const base = address.replace(/\/+$/, '');

  async function get(params: Record<string, string>, signal?: AbortSignal): Promise<Reply | string> {
    try {
      const token = tokenFile === null ? null : (await readFile(tokenFile, 'utf8')).trim();
      const { status, data } = await withDeadline(timeoutMs, signal, (either) =>
        axios.get<string>(`${base}/api/v1/query`, {
          params,
          signal: either,
          headers: token === null ? {} : { authorization: `Bearer ${token}` },
          responseType: 'text',
          transformResponse: (body: unknown) => body,
          // A redirect could carry the token elsewhere; the address has to be the right one.
          maxRedirects: 0,
          maxContentLength: maxBytes,
          validateStatus: () => true,
        }),
      );
      // What it answers is kept as evidence, and a proxy may repeat the headers that it was sent.
      return { status, data: token ? data.replaceAll(token, '***') : data };
    } catch (error) {
      signal?.throwIfAborted();
      return describe(error);
    }
  }

  async function asked(promql: string, at: Date | null, signal?: AbortSignal): Promise<Reply | Answer> {
    const time = at === null ? {} : { time: String(at.getTime() / 1_000) };
    const response = await get({ query: promql, ...time }, signal);
    return typeof response === 'string'
      ? unanswered(`${shownAddress(base)} cannot be asked: ${response}`)
      : response;
  }

  return {
    async query(promql, at, signal) {
      const response = await asked(promql, at, signal);
      return 'status' in response ? read(response.status, response.data) : response;
    },
    async together(promqls, at, signal) {
      const response = await asked(asOne(promqls), at, signal);
      return promqls.map((_, i) =>
        'status' in response ? read(response.status, response.data, String(i)) : response,
      );
    },
    async ping(signal): Promise<Failure | null> {
      const response = await get({ query: 'vector(1)' }, signal);
      const why =
        typeof response === 'string' ? response : (read(response.status, response.data).note ?? null);
      return why === null ? null : failure('metrics_unreachable', { address: shownAddress(base), why });
    },
  };
}

/** Without user and password, which an address may carry. */
export function shownAddress(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}

interface Body {
  readonly status?: string;
  readonly error?: string;
  readonly errorType?: string;
  readonly warnings?: readonly string[];
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
}

/** The label that tells the parts of one query apart. */
const partLabel = 'part';

/**
 * One query of several that answer a vector without labels. Prometheus answers one query from one state: two, even of the same
 * time, may have a scrape between them, and would put the errors of one scrape beside the requests of the next. Pure.
 */
export function asOne(promqls: readonly string[]): string {
  return promqls.map((promql, i) => `label_replace(${promql}, "${partLabel}", "${i}", "", "")`).join(' or ');
}

/** Makes an answer of what Prometheus sent, of one `part` if the query was made of several; pure. */
export function read(status: number, text: string, part?: string): Answer {
  let body: Body | null = null;
  try {
    body = JSON.parse(text) as Body | null;
  } catch {
    // A proxy in front answered in its own words; they are in the note.
  }
  const said = body?.error === undefined ? text : `${body.errorType ?? 'error'}: ${body.error}`;
  if (status === 400 || status === 422) return unanswered(`Prometheus refused the query: ${cut(said)}`);
  if (status !== 200 || body?.status !== 'success')
    return unanswered(`Prometheus answered ${status}: ${cut(said)}`);
  const data = part === undefined ? body.data : ofPart(body.data, part);
  const raw = cut(JSON.stringify(data?.result ?? null));
  const found = number(data, raw);
  // Older servers send mere remarks as warnings; a true one says that part of the data is missing.
  const warnings = (body.warnings ?? []).filter((w) => !w.startsWith('PromQL info:'));
  if (warnings.length === 0 || found.error) return found;
  return { ...found, note: cut(`Prometheus warns: ${warnings.join('; ')}`) };
}

function ofPart(data: Body['data'], part: string): Body['data'] {
  if (!Array.isArray(data?.result)) return data;
  const series = data.result as readonly { readonly metric?: Readonly<Record<string, string>> }[];
  return { ...data, result: series.filter(({ metric }) => metric?.[partLabel] === part) };
}

function number(data: Body['data'], raw: string): Answer {
  const { resultType, result } = data ?? {};
  if (resultType === 'scalar') return sampled(result, raw);
  if (resultType !== 'vector' || !Array.isArray(result))
    return unanswered(`the query answers a ${resultType ?? 'nothing'}, not one number`, raw);
  if (result.length === 0)
    return { value: null, note: 'no data: the query found no series', raw, error: false };
  if (result.length > 1)
    return unanswered(
      `the query answers ${result.length} series, not one: aggregate them, e.g. with sum()`,
      raw,
    );
  const series = result[0] as { readonly value?: unknown };
  return sampled(series.value, raw);
}

/** [<unix time>, "<number>"], the number spelt by Go: "NaN", "+Inf", "-Inf". */
function sampled(pair: unknown, raw: string): Answer {
  const text: unknown = Array.isArray(pair) ? pair[1] : undefined;
  const value = typeof text === 'string' && text !== '' ? Number(text) : undefined;
  if (typeof text === 'string' && /^([+-]?Inf|NaN)$/.test(text))
    return { value: null, note: `the answer is ${text}, which is no number to judge`, raw, error: false };
  if (value === undefined || !Number.isFinite(value)) return unanswered('the answer holds no number', raw);
  return { value, raw, error: false };
}

const unanswered = (note: string, raw = ''): Answer => ({ value: null, note, raw, error: true });
const cut = (text: string): string => (text.length <= rawLimit ? text : `${text.slice(0, rawLimit)}...`);
