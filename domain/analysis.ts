/** What is asked of the metrics, and how an answer becomes a verdict. */
import type { Duration } from './duration.js';

export const verdicts = ['pass', 'fail', 'inconclusive'] as const;
export type Verdict = (typeof verdicts)[number];

export const builtinMetrics = ['error-rate', 'latency-p99'] as const;
export type BuiltinMetric = (typeof builtinMetrics)[number];

/**
 * One thing that is measured. Exactly one source: a built-in, a pair of counts (their ratio is made here, in percent), or one value.
 * Queries are PromQL with {{ }} variables: namespace, application, environment, stableService, grayService, service, port, window, deployment.
 */
export interface Metric {
  readonly name: string;
  readonly builtin?: BuiltinMetric;
  /** PromQL that answers the number of requests, and of those that failed, in the window. */
  readonly counts?: { readonly total: string; readonly errors: string };
  /** PromQL that answers one number. */
  readonly value?: string;
  /** Bounds of a pass, inclusive: percent for error-rate and counts, milliseconds for latency-p99, else the unit of the query. */
  readonly min?: number;
  readonly max?: number;
  /** Above this one check fails the analysis at once, whatever the failure limit says. */
  readonly hardMax?: number;
  /** Fewer gray requests in the window than this: inconclusive. Default 10; 0 for a value that has no sample size. */
  readonly minRequests?: number;
}

export interface AnalysisSettings {
  /** Base address of a Prometheus-compatible API. Default: the worker's SLUICE_PROMETHEUS_URL. */
  readonly prometheus?: string;
  readonly metrics: readonly Metric[];
  /** Between two checks. Default 10s. */
  readonly interval: Duration;
  /** Look-back of each query. Default 1m. Choose at least four scrape intervals. */
  readonly window: Duration;
  /** Failed checks, in total, that are still forgiven. Default 0. */
  readonly failureLimit: number;
  /** Checks in a row without an answer (Prometheus away or refusing) that are still forgiven before the release holds. Default 4. */
  readonly consecutiveErrorLimit: number;
  /** What an inconclusive verdict does when nobody decides until its deadline. Default rollback; `pass` only on purpose. */
  readonly onInconclusive: 'rollback' | 'pass';
  /** How long an inconclusive analysis holds and asks. Default 30m. */
  readonly inconclusiveDeadline: Duration;
}

/** Numbers that a provider found for one metric; null: no data. NaN and infinities come as null with a note. */
export interface Sample {
  readonly total: number | null;
  readonly errors: number | null;
  readonly value: number | null;
  /** Why a number is missing, for people; also "stale". */
  readonly note?: string;
}

/** One metric at one time: what was asked, what came back, what it means. Kept as evidence. */
export interface Measurement {
  readonly metric: string;
  readonly verdict: Verdict;
  /** The number that was compared, or null. */
  readonly value: number | null;
  readonly total: number | null;
  readonly why: string;
  readonly queries: readonly { readonly query: string; readonly answer: string }[];
  /** Whether the source did not answer at all (counts towards the consecutive error limit). */
  readonly error: boolean;
  /** Whether the hard limit was passed. */
  readonly hard: boolean;
}

/** All metrics at one time. */
export interface Check {
  readonly at: string;
  readonly verdict: Verdict;
  readonly measurements: readonly Measurement[];
}

/** Where an analysis stands; carried through heartbeats, so that a restarted worker goes on counting. */
export interface Tally {
  readonly checks: number;
  readonly failures: number;
  readonly consecutiveErrors: number;
  readonly passes: number;
  readonly last: Check | null;
}

export const emptyTally: Tally = { checks: 0, failures: 0, consecutiveErrors: 0, passes: 0, last: null };

export interface AnalysisResult {
  readonly verdict: Verdict;
  readonly why: string;
  readonly tally: Tally;
  /** Whether the guard has already put traffic back to stable. */
  readonly trafficRestored: boolean;
}
