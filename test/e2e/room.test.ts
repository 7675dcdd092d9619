/** No room for pods: a quota, a node, a deadline. Each is named with its own words and ends as promised; room that comes in time is used. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { eventually } from '../rig/eventually.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, expectUntouched, lightLoad } from './undone.js';

const stack = inject('stack');
let first: World;
beforeAll(async () => {
  first = await World.create(stack, { replicas: 1 });
});
afterAll(() => first.close());

const canary: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 100, hold: '200ms' }] };

async function inWorld(work: (world: World) => Promise<void>, replicas = 1): Promise<void> {
  const world = await World.create(stack, { replicas, beside: first });
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

/** The release ends rolled back, nobody saw an error, and nothing is left. */
async function fails(world: World, image: string, settings: ReleaseInput): Promise<ReleaseView> {
  await world.declare(world.application(settings));
  const before = await world.snapshot();
  const load = lightLoad(world);
  const view = await world.ended(await world.release(image));
  expect(view.outcome).toMatchObject({
    phase: 'rolled_back',
    failure: { code: 'workload_not_ready' },
    left: [],
  });
  expectSettled(view);
  await expectUntouched(world, before, load);
  expect((await load.stop()).byFailure).toEqual({});
  return view;
}

const why = (view: ReleaseView): string => view.outcome?.failure?.message ?? '';

async function quota(world: World, pods: number): Promise<void> {
  const path = `/api/v1/namespaces/${world.namespace}/resourcequotas`;
  await world.kube.create(path, { metadata: { name: 'few' }, spec: { hard: { pods: String(pods) } } });
  await eventually('the quota to be in force', async () => {
    const { status } = await world.kube.get<{ status?: { used?: object } }>(`${path}/few`);
    return status?.used !== undefined;
  });
}

/** Stable wants one of a thing of which the node has so many. */
async function scarce(world: World, count: number): Promise<(count: number) => Promise<unknown>> {
  const slot = `example.com/${world.namespace}`;
  const nodes = await world.kube.get<{ items: KubeObject[] }>('/api/v1/nodes');
  const status = (n: number) => ({
    status: { capacity: { [slot]: String(n) }, allocatable: { [slot]: String(n) } },
  });
  const provide = (n: number): Promise<unknown> =>
    world.kube.patch(`/api/v1/nodes/${nodes.items[0]!.metadata.name}/status`, 'merge', status(n));
  await provide(count);
  const deployment = structuredClone(world.objects().find((o) => o.kind === 'Deployment')!) as KubeObject & {
    spec: { template: { spec: { containers: { resources: object }[] } }; strategy: object };
  };
  const amount = { [slot]: '1' };
  deployment.spec.template.spec.containers[0]!.resources = { requests: amount, limits: amount };
  deployment.spec.strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
  await applyObjects(world.kube, [deployment]);
  await eventually('stable to have its own', async () => {
    const path = `/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.name}`;
    const { metadata, status: seen } = await world.kube.get<
      KubeObject & { metadata: { generation: number }; status?: Record<string, number> }
    >(path);
    const { observedGeneration, updatedReplicas, availableReplicas, replicas } = seen ?? {};
    const counts = [updatedReplicas, availableReplicas, replicas];
    return observedGeneration === metadata.generation && counts.every((n) => n === 1);
  });
  return provide;
}

describe.concurrent('P3, P9: a quota', () => {
  it('that has room for a part of gray only: named, rolled back from the weight that gray already had', async () => {
    await inWorld(async (world) => {
      await quota(world, 3);
      const steps = [
        { weight: 50, hold: '200ms' },
        { weight: 100, hold: '200ms' },
      ];
      const view = await fails(world, 'v2', { ...canary, steps });
      expect(why(view)).toMatch(/Deployment "shop-gray" did not become ready: FailedCreate: .*quota: few/);
      const weights = view.steps.filter((s) => s.kind === 'weight').map((s) => s.state);
      expect(weights).toEqual(['done', 'failed']);
    }, 2);
  });
});

describe.concurrent('P3, P9: a node without room', () => {
  it('until the deadline: named with the words of the scheduler, rolled back', async () => {
    await inWorld(async (world) => {
      await scarce(world, 1);
      const view = await fails(world, 'v2', { ...canary, progressDeadline: '3s' });
      expect(why(view)).toMatch(/within 3 s: .*Unschedulable: 0\/1 nodes are available: 1 Insufficient/);
    });
  });

  it('that gets it in time: the release waits, says for what, and goes on', async () => {
    await inWorld(async (world) => {
      const provide = await scarce(world, 1);
      await world.declare(world.application({ ...canary, progressDeadline: '100s' }));
      const load = lightLoad(world);
      const id = await world.release('v2');
      const view = await world.until(
        id,
        'waiting for a node',
        (v) => v.waitingOn?.what.includes('Insufficient') === true,
      );
      expect(view.phase).toBe('deploying');
      expect(view.waitingOn?.what).toMatch(
        /^1 pod\(s\) of shop-gray to be ready: 0 of 1 ready; .*Unschedulable: 0\/1 nodes are available/,
      );
      expect(view.waitingOn?.can).toEqual(['abort']);
      const { since, until } = view.waitingOn!;
      expect(Date.parse(until!) - Date.parse(since)).toBe(100_000);
      await provide(2);
      expect((await world.ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
      expect(await world.leftovers()).toEqual([]);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });
});

describe.concurrent('P3, P9: pods that do not become ready', () => {
  it("by the Deployment's own deadline, which comes before the release's: named with it, rolled back", async () => {
    await inWorld(async (world) => {
      await world.image('never', { NEVER_READY: 'yes' });
      await world.kube.patch(
        `/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.name}`,
        'merge',
        {
          spec: { progressDeadlineSeconds: 2 },
        },
      );
      const view = await fails(world, 'never', { ...canary, progressDeadline: '10m' });
      expect(why(view)).toMatch(/shop-gray" did not become ready: ProgressDeadlineExceeded/);
    });
  });

  it('in the promotion nor in its undoing: gray carries everything, a person is asked, and retry works once there is room', async () => {
    await inWorld(async (world) => {
      const provide = await scarce(world, 2);
      const steps = [{ weight: 100, hold: '1h' }];
      const settings = { ...canary, steps, progressDeadline: '10s', rollbackDeadline: '5s' } as const;
      await world.declare(world.application(settings));
      const before = await world.snapshot();
      const load = lightLoad(world);
      const id = await world.release('v2');
      await world.until(id, 'held', (v) => v.phase === 'holding');
      // What stable gives up for its new pod is gone with it.
      await provide(1);
      await world.steer(id, 'skip', { reason: 'go on' });
      const asking = await world.until(id, 'asking', (v) => v.phase === 'needs_attention');
      expect(asking.waitingOn?.what).toMatch(
        /traffic of .* back to stable does not work: tried \d+ times, .*Unschedulable: 0\/1 nodes/,
      );
      expect(asking.applications[0]?.grayWeight).toBe(100);
      await provide(2);
      await world.steer(id, 'retry', { reason: 'there is room' });
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({
        phase: 'rolled_back',
        failure: { code: 'workload_not_ready' },
        left: [],
      });
      expect(why(view)).toMatch(/Deployment "shop" did not become ready: .*Unschedulable/);
      await expectUntouched(world, before, load);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });
});

describe.concurrent('a disruption budget', () => {
  it('of stable that allows no disruption does not keep a release from ending well', async () => {
    await inWorld(async (world) => {
      await world.kube.create(`/apis/policy/v1/namespaces/${world.namespace}/poddisruptionbudgets`, {
        metadata: { name: 'all' },
        spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'shop' } } },
      });
      await world.declare(world.application(canary));
      const load = lightLoad(world);
      const { outcome } = await world.ended(await world.release('v2'));
      expect(outcome).toMatchObject({ phase: 'succeeded' });
      expect(await world.leftovers()).toEqual([]);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });
});
