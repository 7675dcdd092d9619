import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Metric } from '../../domain/analysis.js';
import { CatalogueError } from '../failure.js';
import { ask, questionsOf, sampleOf } from './ask.js';
import { builtinQueries } from './builtin.js';
import { metricsProvider } from '../../test/fakes/metrics-provider.js';
import { exampleTarget } from '../../test/fakes/target.js';
import type { Answer, MetricsProvider } from './provider.js';
import { fillIn, queryVariables, type QueryValues } from './template.js';

const target = exampleTarget();
const values = Object.fromEntries(queryVariables.map((v) => [v, `<${v}>`])) as QueryValues;
const given = (value: number): Answer => ({ value, raw: `[${value}]`, error: false });
const none: Answer = { value: null, note: 'no data: the query found no series', raw: '[]', error: false };

describe('variables in a query', () => {
  it('are filled in, with and without blanks', () => {
    expect(fillIn('x{s="{{service}}",p="{{ port }}"}[{{ window }}]', values)).toBe(
      'x{s="<service>",p="<port>"}[<window>]',
    );
  });
  it('leave a query without any as it is', () => {
    expect(fillIn('sum by (le) ({a="{"})', values)).toBe('sum by (le) ({a="{"})');
  });
  it('fail with the known ones when unknown', () => {
    const unknown = (): unknown => fillIn('{{ pod }}', values);
    expect(unknown).toThrow(CatalogueError);
    expect(unknown).toThrow(/\{\{ pod \}\}; known: namespace, application, .*deployment/);
  });
  it('are no way to the members of objects', () => {
    expect(() => fillIn('{{ constructor }}', values)).toThrow(/unknown variable/);
  });
});

describe('questions of a metric', () => {
  it('count gray by the cluster name of Contour, and what was born in the window', () => {
    const { queries } = questionsOf({ name: 'e', builtin: 'error-rate' }, target, 'gray', 60_000);
    const total = 'envoy_cluster_upstream_rq{envoy_cluster_name="shop_web-gray_8080"}';
    const errors =
      'envoy_cluster_upstream_rq{envoy_cluster_name="shop_web-gray_8080",envoy_response_code=~"5.."}';
    expect(queries).toEqual({
      total: `(sum(increase(${total}[1m]) and ${total} offset 1m) or on() vector(0)) + (sum(${total} unless ${total} offset 1m) or on() vector(0))`,
      errors: `(sum(increase(${errors}[1m]) and ${errors} offset 1m) or on() vector(0)) + (sum(${errors} unless ${errors} offset 1m) or on() vector(0))`,
      age: `time() - max(timestamp(${total}))`,
    });
  });
  it('count stable, which is older than the window, by the increase alone', () => {
    const { queries } = questionsOf({ name: 'e', builtin: 'error-rate' }, target, 'stable', 90_000);
    expect(queries.total).toBe(
      'sum(increase(envoy_cluster_upstream_rq{envoy_cluster_name="shop_web_8080"}[90s])) or on() vector(0)',
    );
  });
  it('ask Istio what the caller saw', () => {
    const { total, errors, p99 } = builtinQueries(
      { router: 'istio', namespace: 'shop', service: 'web', port: 80, track: 'stable' },
      '1m',
    );
    const to = 'reporter="source",destination_service_namespace="shop",destination_service_name="web"';
    expect(total).toBe(`sum(increase(istio_requests_total{${to}}[1m])) or on() vector(0)`);
    expect(errors).toContain('response_code=~"5.."');
    expect(p99).toBe(
      `histogram_quantile(0.99, sum by (le) (increase(istio_request_duration_milliseconds_bucket{${to}}[1m])))`,
    );
  });
  it('quote what would end a label', () => {
    const { age } = builtinQueries(
      { router: 'contour', namespace: 'a"b\\', service: 'c', port: 1, track: 'gray' },
      '1m',
    );
    expect(age).toContain('envoy_cluster_name="a\\"b\\\\_c_1"');
  });
  it('ask how many requests a value rests on, unless it has no sample size', () => {
    const value: Metric = { name: 'q', value: 'queue{d="{{deployment}}"}', max: 3 };
    expect(Object.keys(questionsOf(value, target, 'gray', 60_000).queries)).toEqual(['value', 'total']);
    expect(questionsOf({ ...value, minRequests: 0 }, target, 'gray', 60_000).queries).toEqual({
      value: 'queue{d="web-gray"}',
    });
  });
  it('take a sample for stale after three quarters of the window, but not before 15 s', () => {
    const stale = (ms: number): number =>
      questionsOf({ name: 'e', builtin: 'error-rate' }, target, 'gray', ms).staleAfterMs;
    expect([stale(60_000), stale(10_000)]).toEqual([45_000, 15_000]);
  });
});

describe('putting answers together', () => {
  const errorRate: Metric = { name: 'e', builtin: 'error-rate', max: 1 };
  const table: [string, Metric, Parameters<typeof sampleOf>[1], RegExp][] = [
    [
      'an unanswered part comes first',
      errorRate,
      { total: { value: null, note: 'away', raw: '', error: true }, age: none },
      /^e: away/,
    ],
    [
      'a series that does not exist is no data',
      errorRate,
      { total: given(0), errors: given(0), age: none },
      /no request yet/,
    ],
    [
      'an old sample is stale',
      errorRate,
      { total: given(50), errors: given(0), age: given(46) },
      /stale: the newest sample is 46 s old/,
    ],
    ['a young sample is fine', errorRate, { total: given(50), errors: given(0), age: given(45) }, /^$/],
    [
      'too few requests need no other reason',
      errorRate,
      { total: given(1), value: none, age: given(1) },
      /^$/,
    ],
    [
      'own errors without a series are not zero',
      { name: 'c', counts: { total: 't', errors: 'e' } },
      { total: given(50), errors: none },
      /vector\(0\)/,
    ],
    [
      'a note on any part is a reason for doubt',
      errorRate,
      { total: given(50), errors: { ...given(1), note: 'warned' }, age: given(1) },
      /errors: warned/,
    ],
  ];
  it.each(table)('%s', (_, metric, found, note) => {
    expect(sampleOf(metric, found, 45_000).note ?? '').toMatch(note);
  });
});

describe('asking', () => {
  const at = new Date(0);

  it('says why a metric cannot be asked at all', async () => {
    const nowhere = questionsOf(
      { name: 'e', builtin: 'error-rate' },
      { ...target, route: null },
      'gray',
      60_000,
    );
    const found = await ask(
      nowhere,
      metricsProvider(() => given(1)),
      at,
    );
    expect(found).toMatchObject({
      verdict: 'inconclusive',
      why: 'e: a built-in metric needs a route (traffic.router), and not an Ingress',
    });
    const empty = await ask(
      questionsOf({ name: 'x' }, target, 'gray', 60_000),
      metricsProvider(() => given(1)),
      at,
    );
    expect(empty).toMatchObject({ verdict: 'inconclusive', why: 'x: has neither builtin, counts nor value' });
  });

  it.each<[string, Metric, boolean]>([
    ['what a built-in metric needs as one', { name: 'e', builtin: 'error-rate' }, true],
    ['what a user wrote as it was written', { name: 'c', counts: { total: 't', errors: 'e' } }, false],
  ])('asks %s', async (_, metric, asOne) => {
    const asked: string[][] = [];
    const source = metricsProvider(() => given(20));
    const provider: MetricsProvider = {
      ...source,
      query: (promql, ...more) => {
        asked.push([promql]);
        return source.query(promql, ...more);
      },
      together: (promqls, ...more) => {
        asked.push([...promqls]);
        return source.together(promqls, ...more);
      },
    };
    const questions = questionsOf(metric, target, 'gray', 60_000);
    await ask(questions, provider, at);
    const queries = Object.values(questions.queries);
    expect(asked).toEqual(asOne ? [queries] : queries.map((query) => [query]));
  });

  it('keeps every query with its answer', async () => {
    const questions = questionsOf(
      { name: 'c', counts: { total: 't', errors: 'e' }, max: 5 },
      target,
      'gray',
      60_000,
    );
    const found = await ask(
      questions,
      metricsProvider((query) => (query === 't' ? given(100) : given(6))),
      at,
    );
    expect(found).toMatchObject({ verdict: 'fail', value: 6, total: 100 });
    expect(found.queries).toEqual([
      { query: 't', answer: '[100]' },
      { query: 'e', answer: '[6]' },
    ]);
  });

  it('never passes when any part is missing, whatever the others say', async () => {
    const metrics: Metric[] = [
      { name: 'e', builtin: 'error-rate', max: 100 },
      { name: 'p', builtin: 'latency-p99', max: 1e9 },
      { name: 'c', counts: { total: 't', errors: 'e' }, max: 100 },
      { name: 'v', value: 'v', max: 1e9 },
    ];
    const broken: Answer[] = [
      none,
      { value: null, note: 'NaN', raw: '["NaN"]', error: false },
      { ...none, error: true },
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...metrics),
        fc.constantFrom(...broken),
        fc.nat(),
        fc.nat(1_000),
        async (metric, gap, which, n) => {
          const questions = questionsOf(metric, target, 'gray', 60_000);
          const queries = Object.values(questions.queries);
          const lost = queries[which % queries.length];
          const found = await ask(
            questions,
            metricsProvider((query) => (query === lost ? gap : given(n))),
            at,
          );
          expect(found.verdict).not.toBe('pass');
        },
      ),
    );
  });
});
