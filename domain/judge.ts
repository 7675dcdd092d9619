/** How numbers become a verdict. No data is not good data: whatever is missing or odd is inconclusive, never a pass. */
import type { AnalysisSettings, Check, Measurement, Metric, Sample, Tally, Verdict } from './analysis.js';

export const defaultMinRequests = 10;

/** What was sent to the source for one metric, and whether it answered at all. */
export interface Asked {
  readonly queries: Measurement['queries'];
  /** true: the source was away or refused. */
  readonly error: boolean;
}

export interface Conclusion {
  readonly verdict: Verdict;
  readonly why: string;
}

/** Judges one metric at one time. */
export function measure(metric: Metric, sample: Sample, asked: Asked): Measurement {
  const minRequests = metric.minRequests ?? defaultMinRequests;
  const value = comparable(metric, sample);
  const result = (verdict: Verdict, why: string, hard = false): Measurement => ({
    metric: metric.name,
    verdict,
    value,
    total: finite(sample.total),
    why,
    queries: asked.queries,
    error: asked.error,
    hard,
  });
  const doubt = doubtful(sample, asked) ?? tooFew(metric, sample, minRequests);
  if (doubt !== null) return result('inconclusive', doubt);
  if (value === null) return result('inconclusive', missing(metric, sample));

  const shown = `${metric.name} is ${number(value)}${unit(metric)}${ofRequests(metric, sample)}`;
  if (metric.hardMax !== undefined && value > metric.hardMax) {
    return result('fail', `${shown}, above the hard limit of ${number(metric.hardMax)}${unit(metric)}`, true);
  }
  if (metric.max !== undefined && value > metric.max) {
    return result('fail', `${shown}, above ${number(metric.max)}${unit(metric)}`);
  }
  if (metric.min !== undefined && value < metric.min) {
    return result('fail', `${shown}, below ${number(metric.min)}${unit(metric)}`);
  }
  if (metric.max === undefined && metric.min === undefined && metric.hardMax === undefined) {
    return result('inconclusive', `${shown}, but neither min nor max is given to compare it with`);
  }
  return result('pass', `${shown}, within bounds`);
}

/** All metrics at one time: fail beats inconclusive beats pass; nothing measured is inconclusive. */
export function check(at: string, measurements: readonly Measurement[]): Check {
  const has = (verdict: Verdict): boolean => measurements.some((m) => m.verdict === verdict);
  const verdict = has('fail') ? 'fail' : has('inconclusive') || !has('pass') ? 'inconclusive' : 'pass';
  return { at, verdict, measurements };
}

/** Counts one more check. More errors in a row than are forgiven stay counted: what nobody saw cannot be passed later. */
export function advance(
  tally: Tally,
  seen: Check,
  settings: AnalysisSettings,
): { readonly tally: Tally; readonly decision: Decision } {
  const unanswered = seen.measurements.some((m) => m.error);
  const lost = tally.consecutiveErrors > settings.consecutiveErrorLimit;
  const next: Tally = {
    checks: tally.checks + 1,
    failures: tally.failures + (seen.verdict === 'fail' ? 1 : 0),
    consecutiveErrors: unanswered ? tally.consecutiveErrors + 1 : lost ? tally.consecutiveErrors : 0,
    passes: tally.passes + (seen.verdict === 'pass' ? 1 : 0),
    last: seen,
  };
  return { tally: next, decision: decisionOf(next, settings) };
}

export type Decision = 'go-on' | 'fail';

/** fail: more failed checks than are forgiven, or a hard limit passed in the last one. */
export function decisionOf(tally: Tally, settings: AnalysisSettings): Decision {
  const hard = tally.last?.measurements.some((m) => m.hard) ?? false;
  return hard || tally.failures > settings.failureLimit ? 'fail' : 'go-on';
}

/** The verdict at the end: passes only if the last check passed and nothing before it forbids that. */
export function conclude(tally: Tally, settings: AnalysisSettings): Conclusion {
  const { last } = tally;
  if (last === null) return { verdict: 'inconclusive', why: 'nothing was checked' };
  if (decisionOf(tally, settings) === 'fail') {
    const limit = `${tally.failures} of ${tally.checks} check(s) failed, ${settings.failureLimit} forgiven`;
    return { verdict: 'fail', why: last.verdict === 'fail' ? reasons(last) : limit };
  }
  if (tally.consecutiveErrors > settings.consecutiveErrorLimit) {
    const why = `the metrics could not be asked ${tally.consecutiveErrors} times in a row, ${settings.consecutiveErrorLimit} forgiven`;
    return { verdict: 'inconclusive', why: last.verdict === 'pass' ? why : `${why}: ${reasons(last)}` };
  }
  if (last.verdict === 'pass') {
    const forgiven = tally.failures === 0 ? '' : `, ${tally.failures} failed and forgiven`;
    return { verdict: 'pass', why: `${tally.passes} of ${tally.checks} check(s) passed${forgiven}` };
  }
  const forgiven = last.verdict === 'fail' ? 'the last check failed, which is forgiven but no pass: ' : '';
  return { verdict: 'inconclusive', why: `${forgiven}${reasons(last)}` };
}

/** Why a check is what it is: what decided it, in one line. */
export function reasons(seen: Check): string {
  const deciding = seen.measurements.filter((m) => m.verdict === seen.verdict).map((m) => m.why);
  return deciding.length === 0 ? 'no metric was asked' : deciding.join('; ');
}

function doubtful(sample: Sample, asked: Asked): string | null {
  if (asked.error) return sample.note ?? 'the source of the metric did not answer';
  return sample.note ?? null;
}

function tooFew(metric: Metric, sample: Sample, minRequests: number): string | null {
  const total = finite(sample.total);
  if (total !== null && total < 0) return `${metric.name}: ${number(total)} requests make no sense`;
  if (total === null) {
    if (!isRatio(metric) && minRequests === 0) return null;
    const hint = isRatio(metric) ? '' : ' (minRequests: 0 judges a value that has no number of requests)';
    return `${metric.name}: the number of requests is ${odd(sample.total)}${hint}`;
  }
  if (total < minRequests)
    return `${metric.name}: ${number(total)} request(s) in the window, at least ${minRequests} needed`;
  return isRatio(metric) && total === 0 ? `${metric.name}: no requests in the window` : null;
}

/** The number that is compared: a ratio in percent, else the value. */
function comparable(metric: Metric, sample: Sample): number | null {
  if (!isRatio(metric)) return finite(sample.value);
  const total = finite(sample.total);
  const errors = finite(sample.errors);
  if (total === null || errors === null || total <= 0 || errors < 0) return null;
  // Prometheus extrapolates both counts, so errors can come out a little above the total.
  return Math.min(100, (errors / total) * 100);
}

function missing(metric: Metric, sample: Sample): string {
  if (!isRatio(metric)) return `${metric.name}: the value is ${odd(sample.value)}`;
  if (sample.errors !== null && sample.errors < 0)
    return `${metric.name}: ${number(sample.errors)} errors make no sense`;
  return `${metric.name}: the number of errors is ${odd(sample.errors)}`;
}

const isRatio = (metric: Metric): boolean =>
  metric.builtin === 'error-rate' || (metric.builtin === undefined && metric.counts !== undefined);
const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;
const odd = (value: number | null): string => (value === null ? 'unknown, no data' : `${value}`);
const number = (value: number): string => String(Number(value.toFixed(2)));
const unit = (metric: Metric): string =>
  isRatio(metric) ? ' %' : metric.builtin === 'latency-p99' ? ' ms' : '';

function ofRequests(metric: Metric, sample: Sample): string {
  if (sample.total === null) return '';
  const errors = isRatio(metric) && sample.errors !== null ? `${number(sample.errors)} of ` : '';
  return ` (${errors}${number(sample.total)} requests)`;
}
