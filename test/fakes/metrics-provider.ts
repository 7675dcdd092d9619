import type { Answer, MetricsProvider } from '../../activities/metrics/provider.js';

/** A source that answers each query as the test says. */
export function metricsProvider(answer: (query: string) => Answer): MetricsProvider {
  return {
    query: (promql) => Promise.resolve(answer(promql)),
    together: (promqls) => Promise.resolve(promqls.map((promql) => answer(promql))),
    ping: () => Promise.resolve(null),
  };
}
