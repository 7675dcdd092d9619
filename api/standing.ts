/** Gauges of how releases stand. They are asked for when somebody scrapes, at most every few seconds. */
import { Gauge, type Registry } from 'prom-client';
import type { ByPhase, Standing } from './temporal/standing.js';

export interface StandingGauges {
  /** Asks again where the last answer is too old; never throws: Temporal being away is a number too. */
  refresh(): Promise<void>;
}

/** Milliseconds for which an answer is good: several Prometheus servers cost no more than one. */
const freshMs = 5_000;

export function standingGauges(
  registry: Registry,
  read: () => Promise<Standing>,
  now: () => number = Date.now,
): StandingGauges {
  const registers = [registry];
  const byPhase = (name: string, help: string): Gauge<'phase'> =>
    new Gauge({ name, help, labelNames: ['phase'], registers });
  const open = byPhase('sluice_releases_open', 'Releases that have not ended.');
  const overdue = byPhase('sluice_releases_overdue', 'Releases that wait for longer than they should.');
  const oldest = byPhase('sluice_release_oldest_wait_seconds', 'Age of the oldest wait; 0: none waits.');
  const workers = new Gauge({
    name: 'sluice_workers_polling',
    help: 'Workers that asked for workflow tasks within about a minute.',
    registers,
  });
  const reachable = new Gauge({
    name: 'sluice_temporal_reachable',
    help: '1: Temporal answers the API; 0: it does not, and nothing is known of the releases.',
    registers,
  });
  const fill = (gauge: Gauge<'phase'>, values: ByPhase, unit = 1): void => {
    for (const [phase, value] of Object.entries(values)) gauge.set({ phase }, value / unit);
  };

  async function ask(): Promise<void> {
    try {
      const standing = await read();
      fill(open, standing.open);
      fill(overdue, standing.overdue);
      fill(oldest, standing.oldestMs, 1_000);
      workers.set(standing.workers);
      reachable.set(1);
    } catch {
      // Old numbers would look like news.
      for (const gauge of [open, overdue, oldest, workers]) gauge.reset();
      workers.remove();
      reachable.set(0);
    }
  }

  let asked = -Infinity;
  let answer: Promise<void> = Promise.resolve();
  return {
    refresh: () => {
      if (now() - asked >= freshMs) {
        asked = now();
        answer = ask();
      }
      return answer;
    },
  };
}
