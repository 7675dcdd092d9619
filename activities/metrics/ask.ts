/** Asks a provider everything that one metric needs and lets the judge say what it means. */
import type { Measurement, Metric, Sample } from '../../domain/analysis.js';
import { durationText } from '../../domain/duration.js';
import { defaultMinRequests, measure } from '../../domain/judge.js';
import type { Target } from '../../domain/target.js';
import { builtinQueries, type BuiltinQueries, type Subject, type Track } from './builtin.js';
import type { Answer, MetricsProvider } from './provider.js';
import { fillIn, type QueryValues } from './template.js';

/** The queries of one metric with all variables filled in; only those that it needs. */
export interface Questions {
  readonly metric: Metric;
  readonly queries: Partial<Record<Part, string>>;
  /** Why it cannot be asked at all. */
  readonly impossible?: string;
  /** Older than this, the newest sample of a built-in is stale; milliseconds. */
  readonly staleAfterMs: number;
}

export type Part = 'total' | 'errors' | 'value' | 'age';

/** Writes the queries; fails with `invalid_field` on an unknown variable. Pure. */
export function questionsOf(metric: Metric, target: Target, track: Track, windowMs: number): Questions {
  const window = durationText(windowMs);
  const subject = subjectOf(target, track);
  const builtin = subject === null ? null : builtinQueries(subject, window);
  const values = valuesOf(target, track, window);
  // Three scrapes, where a window should hold four; never less than 15 s.
  const base = { metric, staleAfterMs: Math.max(15_000, (windowMs * 3) / 4) };
  if (metric.builtin !== undefined) {
    return builtin === null
      ? {
          ...base,
          queries: {},
          impossible: `${metric.name}: a built-in metric needs a route (traffic.router), and not an Ingress`,
        }
      : { ...base, queries: ofBuiltin(metric.builtin, builtin) };
  }
  if (metric.counts !== undefined) {
    const total = fillIn(metric.counts.total, values);
    return { ...base, queries: { total, errors: fillIn(metric.counts.errors, values) } };
  }
  if (metric.value === undefined)
    return { ...base, queries: {}, impossible: `${metric.name}: has neither builtin, counts nor value` };
  const value = fillIn(metric.value, values);
  const sized = builtin !== null && (metric.minRequests ?? defaultMinRequests) > 0;
  return { ...base, queries: sized ? { value, total: builtin.total } : { value } };
}

function ofBuiltin(metric: NonNullable<Metric['builtin']>, queries: BuiltinQueries): Questions['queries'] {
  const { total, errors, p99, age } = queries;
  switch (metric) {
    case 'error-rate':
      return { total, errors, age };
    case 'latency-p99':
      return { total, value: p99, age };
  }
}

export function subjectOf(target: Target, track: Track): Subject | null {
  if (target.route === null || target.route.router === 'ingress') return null;
  const { router, namespace, port, stableService, grayService } = target.route;
  return { router, namespace, port, track, service: track === 'gray' ? grayService : stableService };
}

function valuesOf(target: Target, track: Track, window: string): QueryValues {
  const stableService = target.route?.stableService ?? target.deployment;
  const grayService = target.route?.grayService ?? target.gray;
  return {
    namespace: target.namespace,
    application: target.application,
    environment: target.environment,
    stableService,
    grayService,
    service: track === 'gray' ? grayService : stableService,
    port: String(target.route?.port ?? ''),
    window,
    deployment: track === 'gray' ? target.gray : target.deployment,
  };
}

/** Asks all parts at once, at the same time `at`, and judges. Throws nothing but the signal's reason. */
export async function ask(
  questions: Questions,
  provider: MetricsProvider,
  at: Date,
  signal?: AbortSignal,
): Promise<Measurement> {
  const { metric, queries, impossible, staleAfterMs } = questions;
  if (impossible !== undefined) {
    const nothing: Sample = { total: null, errors: null, value: null, note: impossible };
    return measure(metric, nothing, { queries: [], error: false });
  }
  const parts = Object.entries(queries) as [Part, string][];
  const promqls = parts.map(([, query]) => query);
  // What a user wrote may answer a scalar or a series with labels; it is asked, and refused, as it was written.
  const answers =
    metric.builtin === undefined
      ? await Promise.all(promqls.map(async (query) => provider.query(query, at, signal)))
      : await provider.together(promqls, at, signal);
  const found: Partial<Record<Part, Answer>> = Object.fromEntries(
    parts.map(([part], i) => [part, answers[i]]),
  );
  return measure(metric, sampleOf(metric, found, staleAfterMs), {
    queries: parts.map(([, query], i) => ({ query, answer: answerText(answers[i]!) })),
    error: answers.some((a) => a.error),
  });
}

/** Puts the answers together, with the first reason not to trust them. Pure. */
export function sampleOf(metric: Metric, found: Partial<Record<Part, Answer>>, staleAfterMs: number): Sample {
  const note = noteOf(metric, found, staleAfterMs);
  return {
    total: found.total?.value ?? null,
    errors: found.errors?.value ?? null,
    value: found.value?.value ?? null,
    ...(note === null ? {} : { note }),
  };
}

function noteOf(metric: Metric, found: Partial<Record<Part, Answer>>, staleAfterMs: number): string | null {
  const unanswered = Object.values(found).find((a) => a.error);
  if (unanswered !== undefined) return `${metric.name}: ${unanswered.note ?? 'no answer'}`;
  const { age, errors, total } = found;
  if (age !== undefined && age.value === null)
    return `${metric.name}: no data: the proxy has counted no request yet, or Prometheus does not scrape it`;
  if (age?.value != null && age.value * 1_000 > staleAfterMs)
    return `${metric.name}: stale: the newest sample is ${Math.round(age.value)} s old`;
  // Too little traffic explains a missing number better than the missing number does; the judge says so.
  const enough = total?.value != null && total.value >= (metric.minRequests ?? defaultMinRequests);
  if (total?.value != null && !enough) return null;
  if (errors?.raw === '[]')
    return `${metric.name}: the query of the errors found no series; end it with "or on() vector(0)" where that means none`;
  for (const part of ['total', 'errors', 'value'] as const) {
    const answer = found[part];
    if (answer?.note !== undefined) return `${metric.name}: ${part}: ${answer.note}`;
  }
  return null;
}

function answerText(answer: Answer): string {
  return answer.note === undefined ? answer.raw : `${answer.raw} (${answer.note})`.trim();
}
