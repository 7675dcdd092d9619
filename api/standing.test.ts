import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { standingGauges } from './standing.js';
import type { Standing } from './temporal/standing.js';

const busy: Standing = {
  workers: 2,
  open: { queued: 3, needs_attention: 1 },
  overdue: { queued: 0, needs_attention: 1 },
  oldestMs: { queued: 90_000 },
};

describe('the gauges of how releases stand', () => {
  it('ask once for all that scrape within a few seconds', async () => {
    const registry = new Registry();
    let asked = 0;
    let now = 0;
    const read = async (): Promise<Standing> => {
      asked++;
      return busy;
    };
    const gauges = standingGauges(registry, read, () => now);
    await Promise.all([gauges.refresh(), gauges.refresh()]);
    now = 4_999;
    await gauges.refresh();
    expect(asked).toBe(1);
    now = 5_000;
    await gauges.refresh();
    expect(asked).toBe(2);
    const text = await registry.metrics();
    expect(text).toContain('sluice_releases_open{phase="needs_attention"} 1');
    expect(text).toContain('sluice_releases_overdue{phase="queued"} 0');
    expect(text).toContain('sluice_release_oldest_wait_seconds{phase="queued"} 90');
    expect(text).toContain('sluice_workers_polling 2');
    expect(text).toContain('sluice_temporal_reachable 1');
  });

  it('say that Temporal is away, and nothing else', async () => {
    const registry = new Registry();
    let away = false;
    let now = 0;
    const read = (): Promise<Standing> => (away ? Promise.reject(new Error('away')) : Promise.resolve(busy));
    const gauges = standingGauges(registry, read, () => now);
    await gauges.refresh();
    away = true;
    now = 10_000;
    await gauges.refresh();
    const text = await registry.metrics();
    expect(text).toContain('sluice_temporal_reachable 0');
    expect(text).not.toMatch(/^sluice_(releases|release_|workers)[^ ]* /m);
  });
});
