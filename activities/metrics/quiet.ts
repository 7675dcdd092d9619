/** "No more requests": what the proxies count for a Service does not grow any more. */
import { setTimeout as delay } from 'node:timers/promises';
import { selectors, type Subject } from './builtin.js';
import type { MetricsProvider } from './provider.js';

export interface Quiet {
  /** unknown: nothing could tell. */
  readonly seen: 'quiet' | 'busy' | 'unknown';
  /** For people, a sentence. */
  readonly summary: string;
  /** When that was known, ISO. */
  readonly at: string;
  readonly queries: readonly { readonly query: string; readonly answer: string }[];
}

export interface QuietOptions {
  /** Tells the time, ms since the epoch. */
  readonly now: () => number;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly say: (status: string) => void;
  /** Between two questions, ms. Default 500. */
  readonly everyMs?: number;
}

/** How far back it is asked whether a proxy knew gray at all, as Prometheus spells it. */
const beforeText = '10m';

interface Sample {
  readonly requests: number;
  /** When the oldest of the newest samples was scraped, s. */
  readonly at: number;
}

/**
 * Asks until all proxies have been scraped once more and none has counted a request between, or for `withinMs`. Where nobody can tell (no
 * series, no answer) it ends at once. Throws nothing but the signal's reason.
 */
export async function awaitQuiet(
  provider: MetricsProvider,
  subject: Subject,
  { now, withinMs, signal, say, everyMs = 500 }: QuietOptions,
): Promise<Quiet> {
  const { requests } = selectors(subject);
  const queries = [`sum(${requests})`, `min(timestamp(${requests}))`] as const;
  const deadline = now() + withinMs;
  const { service } = subject;
  const wasCounted = async (): Promise<boolean> =>
    (await provider.query(`sum(count_over_time(${requests}[${beforeText}]))`, new Date(now()), signal))
      .value !== null;
  let first: Sample | null = null;
  let last: Sample | null = null;
  for (;;) {
    // Of the same scrape: a newer stamp beside an older count would look like a scrape without requests.
    const [count, stamp] = await provider.together(queries, new Date(now()), signal);
    const told = [count!, stamp!].map(({ raw, note }, i) => ({ query: queries[i]!, answer: note ?? raw }));
    const at = new Date(now()).toISOString();
    const end = (seen: Quiet['seen'], summary: string): Quiet => ({ seen, summary, at, queries: told });
    if (count!.error || stamp!.error)
      return end(
        'unknown',
        `whether requests to ${service} have ended could not be asked: ${count!.note ?? stamp!.note}`,
      );
    if (count!.value === null || stamp!.value === null)
      return last !== null || (await wasCounted())
        ? end('quiet', `the proxies no longer count requests to ${service}`)
        : end('unknown', `no proxy counts requests to ${service}`);
    const sample: Sample = { requests: count!.value, at: stamp!.value };
    if (last !== null && sample.at > last.at && sample.requests <= last.requests)
      return end('quiet', `no request to ${service} in the last ${seconds(sample.at - last.at)}`);
    const isNew: boolean = last === null || sample.at > last.at;
    first ??= sample;
    last = isNew ? sample : last;
    const came = last!.requests - first.requests;
    if (now() >= deadline)
      return came > 0
        ? end(
            'busy',
            `${came} request(s) came to ${service} in the last ${seconds(last!.at - first.at)}; it is removed all the same`,
          )
        : end('unknown', `no newer count of requests to ${service} within ${seconds(withinMs / 1_000)}`);
    say(
      came > 0
        ? `waiting for requests to ${service} to end: ${came} came meanwhile`
        : `waiting for the next count of requests to ${service}`,
    );
    await delay(Math.min(everyMs, Math.max(1, deadline - now())), undefined, { signal });
  }
}

const seconds = (s: number): string => `${Math.round(s * 10) / 10} s`;
