/**
 * The wall clock of the worker is wrong by hours, or set while something is waited for. Temporal's own clock stays right: its server
 * is another process, and what it does about its own clock is its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad } from '../../infra/local/load.js';
import { quick, World } from '../rig/world.js';

const hourMs = 3_600_000;
const holdMs = 2_000;
/** Longer than pods take to go. */
const drainMs = 4_000;
const judged: ReleaseInput = {
  ...quick,
  strategy: 'canary',
  steps: [
    { weight: 50, hold: `${holdMs}ms` },
    { weight: 100, hold: `${holdMs}ms` },
  ],
  drain: `${drainMs}ms`,
  analysis: { interval: '500ms', metrics: [{ name: 'zero', value: 'vector(0)', max: 1, minRequests: 0 }] },
};

describe('P3 P8: a worker whose clock is wrong', () => {
  let dir: string;
  let world: World;
  const step = (ms: number): Promise<void> => writeFile(join(dir, 'clock'), String(ms));
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-clock-'));
    await step(5 * hourMs);
    const preload = new URL('../rig/stepped-clock.mjs', import.meta.url).href;
    const workerEnv = { NODE_OPTIONS: `--import=${preload}`, SLUICE_TEST_CLOCK: join(dir, 'clock') };
    world = await World.create(inject('stack'), { replicas: 1, workerEnv });
    await world.image('slow', { START_MS: '2500' });
  });
  afterAll(async () => {
    await world.close();
    await rm(dir, { recursive: true });
  });

  const lasted = ({ steps }: ReleaseView, kind: string): readonly number[] =>
    steps.filter((s) => s.kind === kind).map((s) => Date.parse(s.endedAt!) - Date.parse(s.startedAt!));

  it('and hours ahead: holds and drains as long as it should', async () => {
    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 10 });
    await world.declare(world.application(judged));
    const view = await world.ended(await world.release('v2'));
    expect(view.outcome?.phase).toBe('succeeded');
    for (const ms of lasted(view, 'hold')) expect(ms).toBeGreaterThanOrEqual(holdMs - 50);
    for (const ms of lasted(view, 'cleanup')) expect(ms).toBeGreaterThanOrEqual(drainMs - 50);
    expect((await load.stop()).byFailure).toEqual({});
  });

  it('and set from hours behind to hours ahead in the middle of a deployment and back in a hold: goes on as if nothing were', async () => {
    await step(-5 * hourMs);
    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 10 });
    await world.declare(world.application(judged));
    const id = await world.release('slow');
    await world.until(id, 'deploying', (v) => v.phase === 'deploying');
    await step(30 * hourMs);
    await world.until(id, 'holding', (v) => v.phase === 'holding');
    await step(-30 * hourMs);
    // Were the clock believed, the hold would last thirty hours more.
    const view = await world.ended(id);
    expect(view.outcome?.phase).toBe('succeeded');
    for (const ms of lasted(view, 'hold')) expect(ms).toBeGreaterThanOrEqual(holdMs - 50);
    expect((await load.stop()).byFailure).toEqual({});
    expect(await world.leftovers()).toEqual([]);
  });
});
