/** Where numbers come from. A new source is one more file that makes a MetricsProvider. */
import { failure, type Failure } from '../../domain/failures.js';

export interface Answer {
  /** A finite number, or null: no data, or nothing that could be used. */
  readonly value: number | null;
  /** Why there is no number, or why it must not be trusted; for people. */
  readonly note?: string;
  /** What came back, shortened; evidence. */
  readonly raw: string;
  /** true: the source was away, refused, or was asked something that has no single answer. */
  readonly error: boolean;
}

export interface MetricsProvider {
  /**
   * One number at one time. Reads only. Throws nothing but the signal's reason: whatever else goes wrong is an answer,
   * which makes the verdict inconclusive. `at` null: now, by the clock of the source.
   */
  query(promql: string, at: Date | null, signal?: AbortSignal): Promise<Answer>;
  /**
   * Several numbers of one state of the source, which may take in new samples at any moment. Each query answers a vector without
   * labels. Throws as `query`.
   */
  together(promqls: readonly string[], at: Date | null, signal?: AbortSignal): Promise<readonly Answer[]>;
  /** null: it answers; else what is wrong (`metrics_unreachable`). Throws nothing but the signal's reason. */
  ping(signal?: AbortSignal): Promise<Failure | null>;
}

/** Stands where no address is configured: answers everything with that. */
export function nowhere(): MetricsProvider {
  const why = 'no address is configured: set analysis.prometheus, or SLUICE_PROMETHEUS_URL of the worker';
  const answer: Answer = { value: null, note: `Prometheus: ${why}`, raw: '', error: true };
  return {
    query: () => Promise.resolve(answer),
    together: (promqls) => Promise.resolve(promqls.map(() => answer)),
    ping: () => Promise.resolve(failure('metrics_unreachable', { address: '(none)', why })),
  };
}
