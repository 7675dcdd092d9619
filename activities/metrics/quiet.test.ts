import { beforeEach, describe, expect, it } from 'vitest';
import { metricsProvider } from '../../test/fakes/metrics-provider.js';
import type { Answer } from './provider.js';
import { awaitQuiet } from './quiet.js';

const subject = {
  router: 'contour',
  namespace: 'shop',
  service: 'web-gray',
  port: 80,
  track: 'gray',
} as const;
const number = (value: number): Answer => ({ value, raw: String(value), error: false });
const nothing: Answer = { value: null, note: 'no data', raw: '[]', error: false };
const away: Answer = { value: null, note: 'connection refused', raw: '', error: true };

let before: Answer;
beforeEach(() => {
  before = nothing;
});

/** Answers requests and when they were scraped, one pair after the other, the last again and again. */
function asked(...pairs: readonly (readonly [Answer, Answer])[]) {
  const said: string[] = [];
  let round = -1;
  const provider = metricsProvider((promql) => {
    if (promql.startsWith('sum(count_over_time(')) return before;
    if (promql.startsWith('sum(')) round++;
    const pair = pairs[Math.min(round, pairs.length - 1)]!;
    return promql.startsWith('sum(') ? pair[0] : pair[1];
  });
  const { signal } = new AbortController();
  const options = { now: Date.now, withinMs: 60, everyMs: 5, signal, say: (s: string) => void said.push(s) };
  return awaitQuiet(provider, subject, options).then(({ seen, summary }) => ({ seen, summary, said }));
}
const at = (requests: number, stamp: number) => [number(requests), number(stamp)] as const;

describe('requests to gray have ended', () => {
  it.each<[string, readonly (readonly [Answer, Answer])[], string, string]>([
    [
      'when the next scrape has counted none',
      [at(7, 100), at(7, 100), at(7, 115)],
      'quiet',
      'no request to web-gray in the last 15 s',
    ],
    [
      'not while they grow, however often they are asked',
      [at(7, 100), at(9, 115), at(9, 115), at(9, 130)],
      'quiet',
      'no request to web-gray in the last 15 s',
    ],
    [
      'when the proxies have forgotten gray',
      [at(7, 100), [nothing, nothing]],
      'quiet',
      'the proxies no longer count requests to web-gray',
    ],
    [
      'or nobody knows, where nothing was ever counted',
      [[nothing, nothing]],
      'unknown',
      'no proxy counts requests to web-gray',
    ],
    [
      'or nobody knows, where nobody answers',
      [[away, away]],
      'unknown',
      'could not be asked: connection refused',
    ],
    [
      'or nobody knows in time, where nothing is scraped any more',
      [at(7, 100)],
      'unknown',
      'no newer count of requests to web-gray within 0.1 s',
    ],
  ])('%s', async (_, pairs, seen, summary) => {
    expect(await asked(...pairs)).toMatchObject({ seen, summary: expect.stringContaining(summary) });
  });

  it('also when the proxies had forgotten gray before the first question', async () => {
    before = number(40);
    const quiet = { seen: 'quiet', summary: 'the proxies no longer count requests to web-gray' };
    expect(await asked([nothing, nothing])).toMatchObject(quiet);
  });

  it('is not waited for without end, and it is told meanwhile how many came', async () => {
    const growing = Array.from({ length: 100 }, (_, i) => at(i, 100 + i));
    const { seen, summary, said } = await asked(...growing);
    expect(seen).toBe('busy');
    expect(summary).toMatch(/^\d+ request\(s\) came to web-gray .*removed all the same$/);
    expect(said.at(-1)).toMatch(/waiting for requests to web-gray to end: \d+ came/);
  });
});
