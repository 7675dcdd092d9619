/** The demo's story on real requests through Envoy: not one wrong answer, not one failed. */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startLoad, type Load } from '../../infra/local/load.js';
import { quick, World } from '../rig/world.js';
import { record } from '../rig/histories.js';
import { withImage } from '../rig/snapshot.js';

describe.each(['gateway-api', 'contour'] as const)('a release through Envoy with %s', (router) => {
  let world: World;
  let load: Load;
  let tagged: Load;

  beforeEach(async () => {
    world = await World.create(inject('stack'), { router });
    await world.image('bad', { ERROR_RATE: '0.3' });
    const target = { url: world.stack.ingress, host: world.host };
    load = startLoad({ ...target, requestsPerSecond: 60 });
    tagged = startLoad({ ...target, requestsPerSecond: 10, headers: { 'x-lane': 'gray' } });
  });
  afterEach(async () => {
    await Promise.all([load.stop(), tagged.stop()]);
    await world.close();
  });

  const judged = {
    ...quick,
    verify: '2s',
    steps: [10, 25, 50, 75, 100].map((weight) => ({ weight, hold: '1500ms' })),
    drain: '1s',
    approval: { required: true },
    analysis: {
      interval: '500ms',
      window: '6s',
      metrics: [{ name: 'errors', builtin: 'error-rate' as const, max: 5, minRequests: 3 }],
    },
  };

  it("goes gray, tagged, approved, by weights to the end; the user's objects are as they were but for the image", async () => {
    await world.declare(world.application(judged));
    const before = await world.snapshot();
    const id = await world.release('v2');
    expect((await world.approve(id)).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });

    const [untagged, lane] = await Promise.all([load.stop(), tagged.stop()]);
    expect(untagged.failed).toBe(0);
    expect(lane.failed).toBe(0);
    expect(Object.keys(untagged.byVersion).toSorted()).toEqual(['v1', 'v2']);
    const firstWeight = Date.parse(view.steps.find((s) => s.kind === 'weight')!.startedAt!);
    expect(untagged.records.filter((r) => r.version === 'v2' && r.at < firstWeight)).toEqual([]);
    const whole = view.steps.find((s) => s.kind === 'return-traffic')!;
    const late = untagged.records.filter((r) => r.version === 'v1' && r.at > Date.parse(whole.endedAt!));
    expect(late).toEqual([]);

    const asked = view.evidence.find((e) => e.kind === 'requests');
    expect(asked?.summary).toMatch(
      /^(no request to shop-gray in the last|the proxies no longer count requests to)/,
    );
    expect(asked?.data).toMatchObject({ seen: 'quiet' });
    const digest = view.applications[0]!.digest!;
    expect(await world.snapshot()).toEqual(
      withImage(before, `${world.repository}:v1`, `${world.repository}@${digest}`),
    );
    expect(await world.leftovers()).toEqual([]);
    expect(await world.historyLength(id)).toBeLessThanOrEqual(120);
    await record(world.temporal, `release/${id}`, `succeeded-${router}`);
  });

  it('is rolled back by itself when the new version answers errors; nothing but its own answers failed', async () => {
    await world.declare(world.application({ ...judged, approval: { required: false }, strategy: 'canary' }));
    const before = await world.snapshot();
    const id = await world.release('bad');
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    const [untagged, lane] = await Promise.all([load.stop(), tagged.stop()]);
    const failed = [...untagged.records, ...lane.records].filter((r) => r.failure !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter((r) => r.version !== 'bad')).toEqual([]);
    expect(view.evidence.find((e) => e.kind === 'requests')?.data).toMatchObject({ seen: 'quiet' });
    expect(await world.snapshot()).toEqual(before);
    expect(await world.leftovers()).toEqual([]);
    await record(world.temporal, `release/${id}`, `rolled-back-${router}`);
  });
});
