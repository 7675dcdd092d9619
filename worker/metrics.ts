/** Counters of the worker itself, in a registry of its own. */
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export const registry = new Registry();
collectDefaultMetrics({ register: registry });

export const activityDuration = new Histogram({
  name: 'sluice_activity_duration_seconds',
  help: 'How long activities took, by type and outcome (done, failed, retried, cancelled).',
  labelNames: ['activity', 'outcome'],
  buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
  registers: [registry],
});
