/** A release that was terminated by force says nothing to anybody: the next one gets its turn and takes over what it left. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';

const long: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 50, hold: '5m' }] };
const short: ReleaseInput = { ...long, steps: [{ weight: 100, hold: '200ms' }] };
const holding = (view: ReleaseView): boolean =>
  view.phase === 'holding' && view.applications[0]!.grayWeight === 50;

describe('P3 P6 P9: a release whose workflow was terminated', () => {
  let world: World;
  let load: Load;
  beforeAll(async () => {
    world = await World.create(inject('stack'));
    load = startLoad({
      url: world.stack.ingress,
      host: world.host,
      requestsPerSecond: 10,
      timeoutMs: 20_000,
    });
  });
  afterAll(async () => {
    await load.stop();
    await world.close();
  });

  const terminate = async (id: string): Promise<void> => {
    await world.until(id, 'at 50 %', holding);
    await world.temporal.workflow.getHandle(releaseWorkflowId(id)).terminate('by force');
  };

  it('while another waits: that one is noticed to be next, takes the leftovers over and ends clean', async () => {
    const before = await world.snapshot();
    await world.declare(world.application(long));
    const dead = await world.release('v2');
    await world.until(dead, 'at 50 %', holding);
    await world.declare(world.application(short));
    const next = await world.release('v3');
    await world.until(next, 'waiting for its turn', (v) => v.waitingOn !== null);
    await terminate(dead);
    const view = await world.ended(next);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    const promoted = `${world.repository}@${view.applications[0]!.digest!}`;
    expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, promoted));
    expect(await world.leftovers()).toEqual([]);
    expect(await world.view(dead)).toMatchObject({
      phase: 'failed',
      outcome: { failure: { code: 'release_terminated' } },
    });
    expect(load.summary().byFailure).toEqual({});
  });

  it('while nobody waits: the next one begins at once, and when it is aborted too, all is as it was before both', async () => {
    const before = await world.snapshot();
    await world.declare(world.application(long));
    await terminate(await world.release('v2'));
    const next = await world.release('v1');
    await world.until(next, 'at 50 %', holding);
    expect((await world.steer(next, 'abort')).status).toBe(200);
    expect((await world.ended(next)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    expect(await world.snapshot()).toEqual(before);
    expect(await world.leftovers()).toEqual([]);
    expect(load.summary().byFailure).toEqual({});
  });

  it('in the middle of its batches: the next one gives stable its replicas back first, and knows how many there were', async () => {
    const before = await world.snapshot();
    const batched: ReleaseInput = { ...quick, strategy: 'rolling', batches: [{ pods: 1, hold: '5m' }] };
    await world.declare(world.application(batched));
    const dead = await world.release('v2');
    const held = (view: ReleaseView): boolean => view.phase === 'holding';
    await world.until(dead, 'held', held);
    await world.temporal.workflow.getHandle(releaseWorkflowId(dead)).terminate('by force');
    const next = await world.release('v1');
    const view = await world.until(next, 'held', held);
    expect(view.plan!.stages[0]!.targets).toMatchObject([{ stableReplicas: 2, batches: [1, 2] }]);
    expect(view.applications[0]!.batching).toMatchObject({ old: { pods: 1 }, new: { pods: 1 } });
    expect((await world.steer(next, 'abort')).status).toBe(200);
    expect((await world.ended(next)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    expect(await world.snapshot()).toEqual(before);
    expect(await world.leftovers()).toEqual([]);
    expect(load.summary().byFailure).toEqual({});
  });
});
