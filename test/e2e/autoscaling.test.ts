/** Somebody scales while a release is under way, a HorizontalPodAutoscaler or a person: gray follows, and stable keeps what it was given. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { readyEndpoints } from '../rig/endpoints.js';
import { eventually } from '../rig/eventually.js';
import { bytesOf, withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, lightLoad, promotionBegun, stableOf } from './undone.js';

const stack = inject('stack');
let first: World;
beforeAll(async () => {
  first = await World.create(stack);
});
afterAll(() => first.close());

const canary: ReleaseInput = { ...quick, strategy: 'canary', progressDeadline: '60s' };
const held = (...weights: number[]): ReleaseInput => ({
  ...canary,
  steps: weights.map((weight) => ({ weight, hold: '1h' })),
});

async function inWorld(work: (world: World) => Promise<void>, replicas = 2): Promise<void> {
  const world = await World.create(stack, { replicas, beside: first });
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

const apps = (world: World, name: string): string =>
  `/apis/apps/v1/namespaces/${world.namespace}/deployments/${name}`;
const autoscalers = (world: World): string =>
  `/apis/autoscaling/v2/namespaces/${world.namespace}/horizontalpodautoscalers`;

interface Scaled {
  spec: { replicas: number };
  status?: { availableReplicas?: number; updatedReplicas?: number };
}

const replicasOf = async (world: World, name: string): Promise<number> =>
  (await world.kube.get<Scaled>(apps(world, name))).spec.replicas;

/** It has its way without metrics: what is outside of its limits is brought into them. */
async function autoscale(world: World, target: string, replicas: number): Promise<void> {
  const limits = { minReplicas: replicas, maxReplicas: replicas };
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: target };
  const path = `${autoscalers(world)}/${target}`;
  await world.kube.patch(path, 'merge', { spec: limits }).catch(() =>
    world.kube.create(autoscalers(world), {
      metadata: { name: target },
      spec: { scaleTargetRef, ...limits },
    }),
  );
  await runs(world, target, replicas);
}

/** By its Deployment, and by the Service of that name. */
const runs = (world: World, target: string, replicas: number): Promise<unknown> =>
  eventually(`${target} to run ${replicas}`, async () => {
    const { spec, status } = await world.kube.get<Scaled>(apps(world, target));
    const counts = [spec.replicas, status?.availableReplicas ?? 0, await readyEndpoints(world, target)];
    return counts.every((n) => n === replicas);
  });

const scale = (world: World, target: string, replicas: number): Promise<unknown> =>
  world.kube.patch(apps(world, target), 'merge', { spec: { replicas } });

const heldAt = (world: World, id: string, weight: number) =>
  world.until(
    id,
    `held at ${weight} %`,
    (v) => v.phase === 'holding' && v.applications[0]?.grayWeight === weight,
  );

async function next(world: World, id: string): Promise<void> {
  expect((await world.steer(id, 'skip', { reason: 'go on' })).status).toBe(200);
}

describe.concurrent('P1, P13: an autoscaler of stable', () => {
  it('makes it larger: gray carries its share of what stable has now; smaller: gray stays, and so does what stable has', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application(held(10, 50, 100)));
      const before = await world.snapshot();
      const load = lightLoad(world);
      const id = await world.release('v2');
      await heldAt(world, id, 10);
      expect(await replicasOf(world, 'shop-gray')).toBe(1);

      await autoscale(world, 'shop', 3);
      await next(world, id);
      await heldAt(world, id, 50);
      expect(await replicasOf(world, 'shop-gray')).toBe(2);

      await autoscale(world, 'shop', 4);
      await next(world, id);
      await heldAt(world, id, 100);
      expect(await replicasOf(world, 'shop-gray')).toBe(4);

      await autoscale(world, 'shop', 1);
      const own = bytesOf(await world.kube.get(`${autoscalers(world)}/shop`));
      await next(world, id);
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
      const image = `${world.repository}@${view.applications[0]!.digest!}`;
      const promoted = withImage(before, `${world.repository}:v1`, image);
      const scaled = promoted['Deployment/shop']!.replace('"replicas":2', '"replicas":1');
      expect(await world.snapshot()).toEqual({ ...promoted, 'Deployment/shop': scaled });
      expect(bytesOf(await world.kube.get(`${autoscalers(world)}/shop`))).toBe(own);
      expect(await world.leftovers()).toEqual([]);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });

  it('took pods from it for what gray carries: gray is sized for the whole, not for the rest', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application(held(50, 100)));
      const load = lightLoad(world);
      const id = await world.release('v2');
      await heldAt(world, id, 50);
      await autoscale(world, 'shop', 1);
      await next(world, id);
      await heldAt(world, id, 100);
      expect(await replicasOf(world, 'shop-gray')).toBe(2);
      await world.steer(id, 'abort');
      const { outcome } = await world.ended(id);
      expect(outcome).toMatchObject({ phase: 'rolled_back', left: [] });
      expect(await replicasOf(world, 'shop')).toBe(1);
      expect(await world.leftovers()).toEqual([]);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });

  it('does not count gray pods, and is told of in the plan', async () => {
    await inWorld(async (world) => {
      await autoscale(world, 'shop', 2);
      await world.declare(world.application(held(50)));
      const id = await world.release('v2');
      const view = await heldAt(world, id, 50);
      expect(view.plan?.warnings.join(' ')).toMatch(/HorizontalPodAutoscaler "shop" scales shop/);
      const { spec } = await world.kube.get<{ spec: { selector: { matchLabels: object } } }>(
        apps(world, 'shop'),
      );
      const gray = await world.kube.get<{ spec: { template: { metadata: { labels: object } } } }>(
        apps(world, 'shop-gray'),
      );
      expect(gray.spec.template.metadata.labels).not.toMatchObject(spec.selector.matchLabels);
      await world.steer(id, 'abort');
      await world.ended(id);
    });
  });
});

describe.concurrent('P1, P9: somebody scales', () => {
  it('stable before and while it is promoted: it keeps them, and as many as it has then are waited for', async () => {
    await inWorld(async (world) => {
      await world.image('slow', { START_MS: '3000' });
      await world.declare(world.application(held(100)));
      const load = lightLoad(world);
      const id = await world.release('slow');
      await heldAt(world, id, 100);
      await scale(world, 'shop', 2);
      await next(world, id);
      await promotionBegun(world);
      expect(await replicasOf(world, 'shop')).toBe(2);
      await scale(world, 'shop', 3);
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
      const stable = await world.kube.get<Scaled>(apps(world, 'shop'));
      expect(stable).toMatchObject({
        spec: { replicas: 3 },
        status: { updatedReplicas: 3, availableReplicas: 3 },
      });
      expect((await load.stop()).byFailure).toEqual({});
    }, 1);
  });

  it('gray down: it is brought back before it gets more', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application(held(60, 100)));
      const load = lightLoad(world);
      const id = await world.release('v2');
      await heldAt(world, id, 60);
      expect(await replicasOf(world, 'shop-gray')).toBe(2);
      await scale(world, 'shop-gray', 1);
      await runs(world, 'shop-gray', 1);
      await next(world, id);
      await heldAt(world, id, 100);
      expect((await world.kube.get<Scaled>(apps(world, 'shop-gray'))).status?.availableReplicas).toBe(2);
      await next(world, id);
      expect((await world.ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
      expect((await load.stop()).byFailure).toEqual({});
    });
  });

  it('stable to nothing before the release: there is nothing to return to, so it is deployed straight and stays so', async () => {
    await inWorld(async (world) => {
      await scale(world, 'shop', 0);
      await runs(world, 'shop', 0);
      await world.declare(world.application(canary));
      const view = await world.ended(await world.release('v2'));
      expectSettled(view);
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
      expect(view.plan?.warnings.join(' ')).toMatch(/no ready pod.*deployed straight/);
      expect(await replicasOf(world, 'shop')).toBe(0);
      expect((await stableOf(world)).spec.template.spec.containers[0]?.image).toContain('@sha256:');
    }, 1);
  });

  it('stable to nothing during the release: no share is moved, gray goes on with what it has, and a person is asked', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application({ ...held(50, 60), rollbackDeadline: '5s' }));
      const id = await world.release('v2');
      await heldAt(world, id, 50);
      await scale(world, 'shop', 0);
      await runs(world, 'shop', 0);
      await next(world, id);
      const asking = await world.until(id, 'asking', (v) => v.phase === 'needs_attention');
      expect(asking.waitingOn?.what).toMatch(/stable track has no ready endpoint/);
      expect(asking.applications[0]?.grayWeight).toBe(50);
      await scale(world, 'shop', 1);
      await runs(world, 'shop', 1);
      await world.steer(id, 'retry', { reason: 'stable is back' });
      const { outcome } = await world.ended(id);
      expect(outcome).toMatchObject({
        phase: 'rolled_back',
        failure: { code: 'endpoints_missing' },
        left: [],
      });
      expect(await replicasOf(world, 'shop')).toBe(1);
    }, 1);
  });
});
