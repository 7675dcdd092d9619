/** Pods changed in batches under the Service of stable: exact counts, people between them, and all back where it goes wrong. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Batch, ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { eventually } from '../rig/eventually.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { PodWatch } from './pod-watch.js';
import { expectSettled, expectUntouched, lightLoad, stableOf } from './undone.js';

const stack = inject('stack');
let world: World;
beforeAll(async () => {
  world = await World.create(stack, { replicas: 4 });
});
afterAll(() => world.close());

const batched = (batches: readonly Batch[]): ReleaseInput => ({
  ...quick,
  strategy: 'rolling',
  batches,
  progressDeadline: '60s',
});

const apart = async (work: (world: World) => Promise<void>, replicas = 4): Promise<void> => {
  const own = await World.create(stack, { replicas, beside: world });
  try {
    await work(own);
  } finally {
    await own.close();
  }
};

const countsOf = ({ applications }: ReleaseView): readonly (number | undefined)[] => {
  const { batching } = applications[0]!;
  return [batching?.old.pods, batching?.new.pods];
};

describe.concurrent('batches', () => {
  it('P1, P2, P9: change exactly so many pods, ask and wait between them, and end with stable alone', async () => {
    const batches = [{ pods: 1, approval: true }, { pods: '30%', hold: '1h' }, { pods: '100%' }] as const;
    await world.declare(world.application(batched(batches)));
    const before = await world.snapshot();
    const load = lightLoad(world);
    const pods = await PodWatch.start(world);
    const id = await world.release('v2');

    const asked = await world.until(id, 'asking', (v) => v.waitingOn?.approval !== undefined);
    expect(asked.plan!.stages[0]!.targets[0]).toMatchObject({ batches: [1, 2, 4] });
    expect(countsOf(asked)).toEqual([3, 1]);
    expect(asked.applications[0]!.batching).toMatchObject({
      old: { workload: 'shop', image: `${world.repository}:v1`, revision: '1' },
      new: { workload: 'shop-batch', image: `${world.repository}@${asked.applications[0]!.digest}` },
    });
    expect(asked.waitingOn!.what).toContain('v2, 1 pod(s) new and 3 old, in prod');
    expect(await pods.now()).toEqual({ v1: 3, v2: 1 });
    await eventually('an answer of the new pod', () => load.summary().byVersion['v2']);
    // No automatic thing goes on meanwhile.
    expect(asked.steps.filter((s) => s.state === 'running').map((s) => s.kind)).toEqual(['approval']);

    await world.approve(id);
    const held = await world.until(id, 'held', (v) => v.phase === 'holding');
    expect(held.waitingOn).toMatchObject({ what: 'the hold with 2 pod(s) of the new version to end' });
    expect(countsOf(held)).toEqual([2, 2]);
    expect(await pods.now()).toEqual({ v1: 2, v2: 2 });
    expect((await world.steer(id, 'weight', { reason: 'no', weight: 50 })).status).toBe(409);

    await world.steer(id, 'skip', { reason: 'looks good' });
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
    expectSettled(view);
    expect(view.applications[0]!.batching).toMatchObject({
      old: { pods: 0 },
      new: { workload: 'shop', pods: 4 },
    });
    const image = `${world.repository}@${view.applications[0]!.digest!}`;
    expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, image));
    expect(await world.leftovers()).toEqual([]);
    expect(await pods.now()).toEqual({ v2: 4 });
    const { least, most } = await pods.stop();
    expect(least).toBe(4);
    expect(most).toBe(6);
    expect((await load.stop()).byFailure).toEqual({});
  });

  it('P4, P9: abort after the second batch: stable is whole again before the batches go, and exactly what it was', async () => {
    await apart(async (own) => {
      await own.declare(own.application(batched([{ pods: 1 }, { pods: 3, hold: '1h' }])));
      const before = await own.snapshot();
      const { generation } = (await stableOf(own)).metadata;
      const load = lightLoad(own);
      const pods = await PodWatch.start(own);
      const id = await own.release('v2');
      await own.until(id, 'held', (v) => v.phase === 'holding');
      expect(await pods.now()).toEqual({ v1: 1, v2: 3 });
      await own.steer(id, 'abort');
      const view = await own.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [], failure: { code: 'aborted' } });
      expectSettled(view);
      expect(countsOf(view)).toEqual([4, 0]);
      expect(view.steps.filter((s) => s.kind === 'rollback').map((s) => s.id)).toEqual([
        `prod/undo-stable-${own.applicationName}`,
        `prod/undo-gray-${own.applicationName}`,
      ]);
      // Twice smaller, once back: nothing else of it was written.
      expect((await stableOf(own)).metadata.generation).toBe(generation + 3);
      await expectUntouched(own, before, load);
      expect((await pods.stop()).least).toBe(4);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });

  it('P3, P9: pods that do not start: all back by itself, and the reason is told', async () => {
    await apart(async (own) => {
      await own.image('broken', { CRASH: 'no database' });
      await own.declare(own.application(batched([{ pods: 1 }])));
      const before = await own.snapshot();
      const load = lightLoad(own);
      const view = await own.ended(await own.release('broken'));
      expect(view.outcome).toMatchObject({
        phase: 'rolled_back',
        left: [],
        failure: { code: 'workload_not_ready', message: expect.stringContaining('no database') },
      });
      await expectUntouched(own, before, load);
      expect((await load.stop()).byFailure).toEqual({});
    }, 2);
  });

  it('are refused where a HorizontalPodAutoscaler scales the Deployment; a size that somebody else sets ends them, and stays', async () => {
    await apart(async (own) => {
      await own.declare(own.application(batched([{ pods: 1, hold: '1h' }])));
      const autoscalers = `/apis/autoscaling/v2/namespaces/${own.namespace}/horizontalpodautoscalers`;
      await own.kube.create(autoscalers, {
        metadata: { name: 'by-load' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: own.name },
          minReplicas: 2,
          maxReplicas: 2,
        },
      });
      const refused = await eventually('the autoscaler to be seen', async () => {
        const answer = await own.call('POST', '/v1/plans', {
          applications: [{ name: own.applicationName, image: 'v2' }],
        });
        return answer.status === 200 ? null : answer;
      });
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'release_refused', detail: expect.stringContaining('"by-load" scales shop') },
      });
      await own.kube.delete(`${autoscalers}/by-load`);

      const id = await eventually('the release to be taken', async () => {
        const answer = await own.request('v2');
        return answer.status === 202 ? String(answer.body['id']) : null;
      });
      await own.until(id, 'held', (v) => v.phase === 'holding');
      const path = `/apis/apps/v1/namespaces/${own.namespace}/deployments/${own.name}`;
      await own.kube.patch(path, 'merge', { spec: { replicas: 5 } });
      await own.steer(id, 'skip', { reason: 'go on' });
      const view = await own.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'replicas_changed' } });
      // What somebody else asked for stays.
      expect((await stableOf(own)).spec).toMatchObject({ replicas: 5 });
      expect(await own.leftovers()).toEqual([]);
    }, 2);
  });
});
