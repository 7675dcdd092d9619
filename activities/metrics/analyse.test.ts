import type { Info } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyTally, type AnalysisSettings, type Tally } from '../../domain/analysis.js';
import { defaultAnalysis } from '../../domain/application.js';
import { fakePrometheus, vector, type Answering, type FakePrometheus } from '../../test/fakes/prometheus.js';
import { exampleTarget } from '../../test/fakes/target.js';
import { eventually } from '../../test/rig/eventually.js';
import type { Activities, AnalyseInput, AnalyseResult } from '../contract.js';
import { fail } from '../failure.js';
import { metricsActivities, type MetricsDeps } from './analyse.js';
import { evidenceLimit } from './evidence.js';

const target = exampleTarget();
const guard = { routes: [target.route!], seq: 7 };
const quiet = (info: Partial<Info> = {}): MockActivityEnvironment =>
  new MockActivityEnvironment(
    { currentAttemptScheduledTimestampMs: Date.now(), ...info },
    { logger: new DefaultLogger('ERROR') },
  );
const quick: AnalysisSettings = { ...defaultAnalysis, interval: '40ms', consecutiveErrorLimit: 1 };

let fake: FakePrometheus;
/** What happened, in order: the guard's writes and the checks that Prometheus saw of gray. */
let log: string[];
let deps: MetricsDeps;
beforeEach(async () => {
  fake = await fakePrometheus(good);
  log = [];
  deps = {
    prometheusUrl: fake.address,
    prometheusTokenFile: null,
    timeoutMs: 500,
    returnToStable: (given, release) => {
      log.push(`guard ${given.seq} of ${release}`);
      return Promise.resolve();
    },
  };
});
afterEach(() => fake.close());

/** Enough fresh requests, of which as many failed as said. */
const counters =
  (failed: number): Answering =>
  (query) =>
    vector(query.startsWith('time()') ? 1 : query.includes('5..') ? failed : 100);
const good = counters(0);
const isTotal = (query: string): boolean =>
  query.includes('web-gray') && !query.includes('5..') && !query.startsWith('time()');
const checksSeen = (): number => fake.asked.filter((a) => isTotal(a.query)).length;

function input(settings: Partial<AnalysisSettings> = {}, more: Partial<AnalyseInput> = {}): AnalyseInput {
  const until = new Date(Date.now() + 150).toISOString();
  return { release: 'r1', target, settings: { ...quick, ...settings }, until, guard, ...more };
}

const run = (given: AnalyseInput, environment = quiet()) =>
  environment.run<[AnalyseInput], AnalyseResult, Activities['analyse']>(
    metricsActivities(deps).analyse,
    given,
  );

describe('gray that somebody removed', () => {
  it('fails at once, traffic first, whatever the metrics say and however far the next check is', async () => {
    deps = { ...deps, grayGone: () => Promise.resolve('somebody deleted Deployment "web-gray"') };
    const result = await run(input({ interval: '1h' }, { until: null }));
    expect(result).toMatchObject({
      verdict: 'fail',
      why: 'somebody deleted Deployment "web-gray"',
      lost: true,
      trafficRestored: true,
    });
    expect(log).toEqual(['guard 7 of r1']);
  });

  it('fails where nothing is measured, and says that it was lost', async () => {
    deps = { ...deps, grayGone: () => Promise.resolve('somebody deleted Service "web-gray"') };
    const result = await run({ ...input(), settings: null, until: null });
    expect(result).toMatchObject({ verdict: 'fail', lost: true, trafficRestored: true });
    expect(log).toEqual(['guard 7 of r1']);
    expect(fake.asked).toEqual([]);
  });

  it('fails also where the hold ends while traffic is returned', async () => {
    const given = { ...input(), settings: null };
    const returnToStable = async (): Promise<void> => {
      await eventually('the hold to be over', () => Date.now() > Date.parse(given.until!));
    };
    deps = { ...deps, returnToStable, grayGone: () => Promise.resolve('somebody deleted it') };
    const result = await run(given);
    expect(result).toMatchObject({ verdict: 'fail', lost: true, trafficRestored: true });
  });

  it('and nothing else ends a hold before its time where nothing is measured', async () => {
    const given = { ...input(), settings: null };
    const result = await run(given);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(given.until!));
    expect(result).toEqual({
      verdict: 'pass',
      why: 'held, nothing was judged',
      tally: emptyTally,
      trafficRestored: false,
      findings: [],
    });
    expect(fake.asked).toEqual([]);
  });

  it('is not looked for any more when the analysis is over', async () => {
    let over = false;
    const grayGone = (_: unknown, signal: AbortSignal): Promise<null> =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          over = true;
          resolve(null);
        }),
      );
    deps = { ...deps, grayGone };
    expect(await run(input())).toMatchObject({ verdict: 'pass' });
    expect(over).toBe(true);
  });

  it('is judged by the metrics alone where nobody can tell', async () => {
    deps = { ...deps, grayGone: () => Promise.resolve(null) };
    expect(await run(input())).toMatchObject({ verdict: 'pass', tally: { checks: expect.any(Number) } });
  });
});

describe('an analysis until its end', () => {
  it('passes with good numbers, checks each interval and once more at the end', async () => {
    const given = input();
    const result = await run(given);
    expect(result).toMatchObject({ verdict: 'pass', trafficRestored: false });
    expect(result.tally.checks).toBeGreaterThanOrEqual(2);
    expect(Date.parse(result.tally.last!.at)).toBeGreaterThanOrEqual(Date.parse(given.until!));
    expect(log).toEqual([]);
  });

  it('judges a hold that is shorter than the interval, once, at its end', async () => {
    const result = await run(input({ interval: '1h' }));
    expect(result).toMatchObject({ verdict: 'pass', tally: { checks: 1 } });
  });

  it('still judges once when its end has passed before it began', async () => {
    const result = await run(input({}, { until: new Date(Date.now() - 1_000).toISOString() }));
    expect(result).toMatchObject({ verdict: 'pass', tally: { checks: 1 } });
  });

  it('is inconclusive without metrics', async () => {
    const result = await run(input({ metrics: [] }));
    expect(result).toMatchObject({ verdict: 'inconclusive', why: 'no metric was asked' });
  });

  const doubts: [string, Answering, RegExp][] = [
    ['an empty answer', () => vector(), /no request yet/],
    ['NaN', (query) => vector(query.startsWith('time()') ? 1 : 'NaN'), /NaN/],
    ['several series', () => vector(1, 2), /2 series/],
    ['a broken server', () => ({ status: 500, body: 'broken' }), /500: broken/],
    [
      'a refused query',
      () => ({ status: 422, body: { status: 'error', error: 'bad' } }),
      /refused the query/,
    ],
    ['too few requests', (query) => vector(query.startsWith('time()') ? 1 : 3), /at least 10/],
    ['stale samples', (query) => vector(query.startsWith('time()') ? 46 : 100), /stale/],
  ];
  it.each(doubts)('is inconclusive with %s and leaves traffic alone', async (_, answer, why) => {
    fake.answer = answer;
    const result = await run(input());
    expect(result).toMatchObject({ verdict: 'inconclusive', trafficRestored: false });
    expect(result.why).toMatch(why);
    expect(log).toEqual([]);
  });

  it('is inconclusive when Prometheus is away', async () => {
    await fake.close();
    const result = await run(input());
    expect(result.verdict).toBe('inconclusive');
    expect(result.why).toMatch(/ECONNREFUSED/);
    expect(result.tally.consecutiveErrors).toBe(result.tally.checks);
    fake = await fakePrometheus(good);
  });

  it('is inconclusive when Prometheus is too slow, and does not take much longer', async () => {
    fake.answer = () => 'never';
    deps = { ...deps, timeoutMs: 60 };
    const result = await run(input());
    expect(result.why).toMatch(/no answer within 60 ms/);
  });

  it('is inconclusive where no address is configured', async () => {
    deps = { ...deps, prometheusUrl: null };
    const result = await run(input());
    expect(result.why).toMatch(/SLUICE_PROMETHEUS_URL/);
  });

  it('asks the address of the settings, and sends no token there', async () => {
    const other = await fakePrometheus(good);
    deps = { ...deps, prometheusTokenFile: '/nowhere/token' };
    const result = await run(input({ prometheus: other.address }));
    await other.close();
    expect(result.verdict).toBe('pass');
    expect(other.asked.every((a) => a.authorization === null)).toBe(true);
  });

  it('fails at once on an unknown variable, before anything is asked', async () => {
    const metrics = [{ name: 'x', value: '{{ pod }}', max: 1 }];
    await expect(run(input({ metrics }))).rejects.toThrow(/unknown variable \{\{ pod \}\}; known: namespace/);
    expect(fake.asked).toEqual([]);
  });

  it('looks back no further than the gray track is old', async () => {
    const since = new Date(Date.now() - 20_000).toISOString();
    await run(input({ interval: '1h' }, { since }));
    const window = /\[(\d+)ms\]/.exec(fake.asked.find((a) => isTotal(a.query))!.query)?.[1];
    expect(Number(window)).toBeGreaterThan(19_999);
    expect(Number(window)).toBeLessThan(40_000);
  });
});

describe('a failing verdict', () => {
  beforeEach(() => {
    fake.answer = counters(50);
  });

  it('returns traffic first and then reports', async () => {
    const result = await run(input());
    expect(log).toEqual(['guard 7 of r1']);
    expect(result).toMatchObject({
      verdict: 'fail',
      trafficRestored: true,
      tally: { checks: 1, failures: 1 },
    });
    expect(result.why).toBe('errors is 50 % (50 of 100 requests), above 1 %');
  });

  it('does not wait for the end, nor for a comparison with stable before the write', async () => {
    fake.answer = (query, time) => {
      if (!query.includes('web-gray')) log.push('asked stable');
      return counters(50)(query, time);
    };
    await run(input({}, { until: null }));
    expect(log[0]).toBe('guard 7 of r1');
    expect(log).toContain('asked stable');
  });

  it('is forgiven as often as allowed', async () => {
    const result = await run(input({ failureLimit: 2 }, { until: null }));
    expect(result).toMatchObject({ verdict: 'fail', tally: { checks: 3, failures: 3 } });
  });

  it('is not forgiven above the hard limit', async () => {
    const metrics = [{ name: 'errors', builtin: 'error-rate', max: 1, hardMax: 40 } as const];
    const result = await run(input({ failureLimit: 100, metrics }));
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: true, tally: { checks: 1 } });
    expect(result.why).toMatch(/hard limit of 40 %/);
  });

  it('says so when there is nothing to guard', async () => {
    const result = await run(input({}, { guard: null }));
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: false });
    expect(log).toEqual([]);
  });

  it('is still reported when the write fails, with the reason', async () => {
    deps = {
      ...deps,
      returnToStable: async () => fail('cluster_unreachable', { cluster: 'default', why: 'ECONNREFUSED' }),
    };
    const result = await run(input());
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: false });
    expect(result.why).toMatch(
      /above 1 %\. Traffic could not be returned at once: Cluster "default" cannot be reached/,
    );
  });
});

describe('the guard', () => {
  it('checks without end until it is cancelled, and then throws that', async () => {
    const environment = quiet();
    fake.answer = (query, time) => {
      if (checksSeen() === 5) environment.cancel();
      return good(query, time);
    };
    await expect(run(input({}, { until: null }), environment)).rejects.toThrow(CancelledFailure);
    expect(log).toEqual([]);
  });

  it('stops at once while it waits', async () => {
    const environment = quiet();
    const running = run(input({ interval: '1h' }, { until: null }), environment);
    environment.cancel();
    await expect(running).rejects.toThrow(CancelledFailure);
    expect(fake.asked).toEqual([]);
  });

  it('stops at once while Prometheus is slow', async () => {
    const environment = quiet();
    deps = { ...deps, timeoutMs: 600_000 };
    fake.answer = () => {
      environment.cancel();
      return 'never';
    };
    await expect(run(input(), environment)).rejects.toThrow(CancelledFailure);
  });

  it('stops while its write is slow, and leaves the rest to the workflow', async () => {
    const environment = quiet();
    fake.answer = counters(50);
    deps = {
      ...deps,
      returnToStable: () => {
        environment.cancel();
        return new Promise(() => undefined);
      },
    };
    await expect(run(input(), environment)).rejects.toThrow(CancelledFailure);
  });
});

describe('heartbeats', () => {
  it('carry the tally at once after each check that does not pass', async () => {
    const environment = quiet();
    const seen: number[] = [];
    environment.on('heartbeat', (tally: Tally) => seen.push(tally.checks));
    fake.answer = counters(50);
    const result = await run(input({ failureLimit: 1_000 }), environment);
    expect(result.tally.failures).toBeGreaterThan(1);
    expect(seen).toEqual(Array.from({ length: result.tally.checks }, (_, i) => i + 1));
  });

  it('come while it waits', async () => {
    const environment = quiet();
    environment.on('heartbeat', () => environment.cancel());
    await expect(run(input({ interval: '1h' }, { until: null }), environment)).rejects.toThrow(
      CancelledFailure,
    );
  });

  it('let another worker go on counting', async () => {
    const at = new Date(Date.now() - 30).toISOString();
    const tally: Tally = {
      checks: 8,
      failures: 1,
      consecutiveErrors: 0,
      passes: 7,
      last: { at, verdict: 'pass', measurements: [] },
    };
    const environment = quiet({ heartbeatDetails: tally });
    fake.answer = counters(50);
    const result = await run(input({ failureLimit: 1 }), environment);
    expect(result).toMatchObject({ verdict: 'fail', tally: { checks: 9, failures: 2, passes: 7 } });
  });

  it('let another worker write what the first one could not', async () => {
    const at = new Date().toISOString();
    const tally: Tally = {
      checks: 1,
      failures: 1,
      consecutiveErrors: 0,
      passes: 0,
      last: { at, verdict: 'fail', measurements: [] },
    };
    const environment = quiet({ heartbeatDetails: tally });
    const result = await run(input({ interval: '1h' }), environment);
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: true, tally: { checks: 1 } });
    expect(log).toEqual(['guard 7 of r1']);
  });

  it('that are not understood count from the start', async () => {
    const environment = quiet({ heartbeatDetails: 'something' });
    const result = await run(input({ interval: '1h' }), environment);
    expect(result.tally).toMatchObject({ ...emptyTally, checks: 1, passes: 1, last: { verdict: 'pass' } });
  });
});

describe('evidence', () => {
  it('is the summary, the first check and the last, with queries and answers', async () => {
    const result = await run(input());
    expect(result.findings.map((f) => f.summary.split(':')[0])).toEqual([
      'pass',
      'first check',
      'last check',
    ]);
    expect(JSON.stringify(result.findings[2]?.data)).toContain('envoy_cluster_upstream_rq');
    expect(JSON.stringify(result.findings[0]?.data)).toContain('shop_web_8080');
  });

  it('shows a single check once', async () => {
    fake.answer = counters(50);
    const result = await run(input());
    expect(result.findings.map((f) => f.summary.split(':')[0])).toEqual(['fail', 'last check']);
  });

  it('stays small with many long queries, and keeps what decided', async () => {
    deps = { ...deps, timeoutMs: 600_000 };
    const long = `sum(${'x'.repeat(4_000)})`;
    const metrics = [
      ...Array.from({ length: 60 }, (_, i) => ({ name: `m${i}`, value: long, max: 5, minRequests: 0 })),
      { name: 'culprit', value: 'culprit', max: 5, minRequests: 0 },
    ];
    fake.answer = (query) => vector(query === 'culprit' ? 9 : 1);
    const result = await run(input({ metrics }));
    expect(JSON.stringify(result.findings).length).toBeLessThanOrEqual(evidenceLimit);
    expect(JSON.stringify(result.tally).length).toBeLessThanOrEqual(evidenceLimit / 2);
    expect(JSON.stringify(result.findings[1]?.data)).toContain('culprit is 9, above 5');
  });
});
