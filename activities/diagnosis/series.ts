/** Whether Prometheus has what the metrics of an analysis ask for. */
import type { AnalysisSettings, Metric } from '../../domain/analysis.js';
import { fine, problem, skipped, warning, type HealthCheck } from '../../domain/diagnosis.js';
import { milliseconds } from '../../domain/duration.js';
import type { Target } from '../../domain/target.js';
import type { RouteTarget, RouterKind } from '../../domain/traffic.js';
import { questionsOf } from '../metrics/ask.js';
import { builtinQueries, selectors } from '../metrics/builtin.js';
import type { Answer, MetricsProvider } from '../metrics/provider.js';

const where: Readonly<Record<RouterKind, string>> = {
  'gateway-api': "Envoy's admin page, /stats/prometheus",
  contour: "Envoy's admin page, /stats/prometheus",
  'contour-include': "Envoy's admin page, /stats/prometheus",
  istio: "the proxies' port 15020, /stats/prometheus",
};

/** What was asked about one built-in metric. */
export interface BuiltinAnswers {
  readonly series: string;
  /** Seconds since the newest sample of the stable Service. */
  readonly age: Answer;
  /** Number of such series of any Service. */
  readonly anywhere: Answer;
  /** Older is stale, in milliseconds. */
  readonly staleAfterMs: number;
}

/** Pure. */
export function builtinCheck(
  subject: string,
  metric: string,
  route: Pick<RouteTarget, 'router'>,
  answers: BuiltinAnswers,
): HealthCheck {
  const about = { topic: 'series', subject: `${metric} of ${subject}` } as const;
  const { series, age, anywhere, staleAfterMs } = answers;
  const unanswered = [age, anywhere].find((a) => a.error);
  if (unanswered !== undefined) return skipped(about, `Prometheus did not answer: ${unanswered.note ?? ''}`);
  if (anywhere.value === null || anywhere.value === 0)
    return problem(
      about,
      `Prometheus has no series ${nameOf(series)} at all.`,
      `Let it scrape ${where[route.router]}, or judge by queries of your own (counts, value).`,
    );
  if (age.value === null)
    return warning(
      about,
      `Prometheus has ${nameOf(series)}, but not for this Service: no series ${series}.`,
      'It appears with the first request. If there are requests, their proxy is not scraped, or port and Service differ from traffic.port and traffic.service.',
    );
  if (age.value * 1_000 > staleAfterMs)
    return warning(
      about,
      `The newest sample of ${series} is ${Math.round(age.value)} s old.`,
      'See why its target is down in Prometheus (Status, Targets), and choose an analysis.window of four scrape intervals.',
    );
  return fine(about, `${nameOf(series)} is there, ${Math.round(age.value)} s old`);
}

/** Pure. `answers`: to the queries of a metric of the user's own, asked of stable. */
export function ownCheck(subject: string, metric: string, answers: readonly Answer[]): HealthCheck {
  const about = { topic: 'series', subject: `${metric} of ${subject}` } as const;
  const refused = answers.find((a) => a.error);
  if (refused !== undefined)
    return /refused the query|not one/.test(refused.note ?? '')
      ? problem(about, `${refused.note ?? ''}.`, 'Mend the query in analysis.metrics.')
      : skipped(about, `Prometheus did not answer: ${refused.note ?? ''}`);
  const empty = answers.find((a) => a.raw === '[]');
  if (empty !== undefined)
    return warning(
      about,
      'A query found no series for stable, so a release would be inconclusive.',
      'Try the query in Prometheus; end it with "or on() vector(0)" where nothing means none.',
    );
  return fine(about, answers.map((a) => a.note ?? String(a.value)).join(', '));
}

export async function seriesChecks(
  subject: string,
  settings: AnalysisSettings,
  target: Target,
  provider: MetricsProvider,
  signal: AbortSignal,
): Promise<readonly HealthCheck[]> {
  return Promise.all(
    settings.metrics.map((m) => seriesCheck(subject, m, settings, target, provider, signal)),
  );
}

async function seriesCheck(
  subject: string,
  metric: Metric,
  { window }: AnalysisSettings,
  target: Target,
  provider: MetricsProvider,
  signal: AbortSignal,
): Promise<HealthCheck> {
  const about = { topic: 'series', subject: `${metric.name} of ${subject}` } as const;
  const questions = questionsOf(metric, target, 'stable', milliseconds(window));
  const { route } = target;
  if (metric.builtin === undefined) {
    const queries = Object.values(questions.queries);
    const answers = await Promise.all(queries.map((q) => provider.query(q, null, signal)));
    return ownCheck(subject, metric.name, answers);
  }
  if (route === null || route.router === 'ingress')
    return problem(about, questions.impossible ?? '', 'Declare traffic.router, or use counts or value.');
  const { router, namespace, port, stableService: service } = route;
  const of = { router, namespace, port, service, track: 'stable' } as const;
  const { requests, buckets } = selectors(of);
  const series = metric.builtin === 'error-rate' ? requests : buckets;
  const newest = metric.builtin === 'error-rate' ? builtinQueries(of, window).age : ageOf(buckets);
  const [age, anywhere] = await Promise.all([
    provider.query(newest, null, signal),
    provider.query(`count(${nameOf(series)})`, null, signal),
  ]);
  const { staleAfterMs } = questions;
  return builtinCheck(subject, metric.name, route, { series, age, anywhere, staleAfterMs });
}

const ageOf = (selector: string): string => `time() - max(timestamp(${selector}))`;
const nameOf = (selector: string): string => selector.replace(/\{.*/s, '');
