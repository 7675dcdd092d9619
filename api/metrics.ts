/** What a Prometheus may scrape of the API. One registry per app, so that tests and functions do not share counters. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface ApiMetrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly seconds: Histogram<'method' | 'route'>;
  readonly releases: Counter<'application'>;
  readonly refusals: Counter<'code'>;
  readonly decisions: Counter<'decision'>;
  readonly readers: Gauge;
}

/** `process`: also memory, CPU and event loop of the process; for the process that serves, not for tests. */
export function createMetrics(options: { readonly process: boolean }): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.process) collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Counter({
      name: 'sluice_http_requests_total',
      help: 'Requests answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'sluice_http_request_duration_seconds',
      help: 'Time until the answer began.',
      labelNames: ['method', 'route'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    releases: new Counter({
      name: 'sluice_releases_started_total',
      help: 'Releases accepted.',
      labelNames: ['application'],
      registers,
    }),
    refusals: new Counter({
      name: 'sluice_problems_total',
      help: 'Problems answered, by code of the failure catalogue.',
      labelNames: ['code'],
      registers,
    }),
    decisions: new Counter({
      name: 'sluice_decisions_total',
      help: 'Decisions that were accepted.',
      labelNames: ['decision'],
      registers,
    }),
    readers: new Gauge({ name: 'sluice_event_readers', help: 'Readers that follow events now.', registers }),
  };
}
