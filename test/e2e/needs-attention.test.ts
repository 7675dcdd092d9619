/** Undoing that cannot be done keeps the safest traffic, says what it tried, and asks a person. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { eventually } from '../rig/eventually.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, expectUntouched, lightLoad, promotionBegun, stableOf } from './undone.js';

const canary: ReleaseInput = { ...quick, strategy: 'canary', rollbackDeadline: '2s' };
const long: ReleaseInput = { ...canary, steps: [{ weight: 50, hold: '5m' }] };
const short: ReleaseInput = { ...canary, steps: [{ weight: 100, hold: '200ms' }] };

describe('P3: undoing that cannot be done', () => {
  let proxy: KubeProxy;
  const worlds: World[] = [];

  beforeAll(async () => {
    const stack = inject('stack');
    proxy = await KubeProxy.start(stack);
    const first = await World.create(stack, { workerEnv: { KUBECONFIG: proxy.kubeconfig } });
    const beside = [1, 2, 3, 4].map(() => World.create(stack, { beside: first }));
    worlds.push(first, ...(await Promise.all(beside)));
    for (const world of worlds) await world.image('slow', { START_MS: '4000' });
  });
  afterAll(async () => {
    for (const world of worlds.toReversed()) await world.close();
    await proxy.close();
  });

  const refuse = (world: World, method: string, object: string, status = 403) =>
    proxy.refuse({ method, path: new RegExp(`/namespaces/${world.namespace}/${object}`) }, status);

  it.concurrent('the route is refused: gray keeps its weight and its pods, retry goes on once it is mended', async () => {
    const world = worlds[0]!;
    await world.declare(world.application(long));
    const before = await world.snapshot();
    const load = lightLoad(world);
    const id = await world.release('v2');
    await world.until(id, 'held', (v) => v.phase === 'holding');
    const rule = refuse(world, 'PATCH', 'httproutes/');
    await world.steer(id, 'abort', { reason: 'enough' }, 'ann');
    const asking = await asked(world, id);
    expect(asking.waitingOn?.what).toMatch(/traffic of .* back to stable does not work: tried \d+ times/);
    expect(asking.applications[0]).toMatchObject({ grayWeight: 50 });
    expect(await world.leftovers()).toContain('deployments/shop-gray');
    expect((await world.steer(id, 'abort')).status).toBe(409);

    await world.steer(id, 'retry', { reason: 'perhaps now' }, 'bob');
    await asked(world, id, asking.waitingOn?.since);
    rule.remove();
    expect((await world.steer(id, 'retry', { reason: 'mended' }, 'bob')).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
    expectSettled(view);
    await expectUntouched(world, before, load);
    expect((await load.stop()).byFailure).toEqual({});
    expect(await said(world, id)).toEqual([
      'ann aborted: enough',
      'bob: retry, perhaps now',
      'bob: retry, mended',
    ]);
  });

  it.concurrent('stable is refused: skip goes on with the rest, and the end names what is left', async () => {
    const world = worlds[1]!;
    await world.declare(world.application(short));
    const load = lightLoad(world);
    const id = await world.release('slow');
    await promotionBegun(world);
    const rule = refuse(world, 'PATCH', 'deployments/shop[?]');
    await world.steer(id, 'abort', { reason: 'enough' }, 'ann');
    const asking = await asked(world, id);
    expect(asking.waitingOn?.what).toContain('shop back to');
    expect(asking.applications[0]).toMatchObject({ grayWeight: 0 });
    expect((await world.steer(id, 'skip', { reason: 'I do it myself' }, 'bob')).status).toBe(200);
    const view = await world.ended(id);
    rule.remove();
    expect(view.outcome).toMatchObject({
      phase: 'rolled_back',
      failure: { code: 'aborted' },
      left: [expect.stringContaining('shop back to')],
    });
    expectSettled(view);
    expect(await world.leftovers()).toEqual([]);
    expect((await load.stop()).byFailure).toEqual({});
    expect((await said(world, id)).at(-1)).toBe('bob: skip, I do it myself');
  });

  it.concurrent('gray cannot be removed: abandon ends it as failed with what is left, and the next release takes that over', async () => {
    const world = worlds[2]!;
    await world.declare(world.application(long));
    const before = await world.snapshot();
    const id = await world.release('v2');
    await world.until(id, 'held', (v) => v.phase === 'holding');
    const rule = refuse(world, 'DELETE', 'deployments/', 503);
    await world.steer(id, 'abort', { reason: 'enough' }, 'ann');
    const asking = await asked(world, id);
    expect(asking.waitingOn?.what).toContain('remove shop-gray');
    expect(await world.snapshot()).toEqual(before);
    expect((await world.steer(id, 'abandon', { reason: 'later' }, 'cat')).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({
      phase: 'failed',
      failure: { code: 'abandoned', message: expect.stringContaining('cat abandoned') },
      left: ['remove shop-gray'],
    });
    expectSettled(view);
    expect(await world.leftovers()).toContain('deployments/shop-gray');
    rule.remove();
    await world.declare(world.application(short));
    const next = await world.ended(await world.release('v3'));
    expect(next.outcome).toMatchObject({ phase: 'succeeded' });
    expect(await world.leftovers()).toEqual([]);
  });

  it.concurrent.each([
    ['no pod', 3, false],
    ['no pod, which is not told of yet,', 4, true],
  ])(
    'P1: a promotion that left stable with %s is taken back before traffic is, and nobody has to be asked',
    async (_, i, isLate) => {
      const world = worlds[i]!;
      const { namespace, name } = world;
      await world.kube.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, 'merge', {
        spec: { strategy: { type: 'Recreate', rollingUpdate: null } },
      });
      await world.declare(world.application({ ...short, rollbackDeadline: '20s' }));
      const before = await world.snapshot();
      const load = lightLoad(world);
      const slices = `/namespaces/${namespace}/endpointslices`;
      const told = await world.kube.get(`/apis/discovery.k8s.io/v1${slices}`);
      const id = await world.release('slow');
      await promotionBegun(world);
      await eventually('stable to be without a ready pod', async () => {
        const { status } = await stableOf(world);
        return (status?.availableReplicas ?? 0) === 0;
      });
      const late = { method: 'GET', path: new RegExp(`${slices}[?](?!.*watch)`) };
      const rule = isLate ? proxy.rule(late, { kind: 'answer', status: 200, body: told }) : null;
      await world.steer(id, 'abort', { reason: 'enough' }, 'ann');
      await eventually('stable to go back', async () => {
        const { containers } = (await stableOf(world)).spec.template.spec;
        return !containers[0]?.image.includes('@sha256:');
      });
      rule?.remove();
      const view = await world.until(
        id,
        'ended or asking',
        (v) => v.outcome !== null || v.phase === 'needs_attention',
      );
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
      await expectUntouched(world, before, load);
      expect((await load.stop()).byFailure).toEqual({});
    },
  );
});

/** @param before since when it asked the last time, of which an answer was the end */
async function asked(world: World, id: string, before?: string): Promise<ReleaseView> {
  const asks = ({ phase, waitingOn }: ReleaseView): boolean =>
    phase === 'needs_attention' && waitingOn?.since !== before;
  const view = await world.until(id, 'asking for help', asks);
  expect(view.waitingOn).toMatchObject({ until: null, can: ['retry', 'skip', 'abandon'] });
  return view;
}

async function said(world: World, id: string): Promise<string[]> {
  return (await world.events(id)).filter((e) => e.type === 'steering').map((e) => e.message);
}
