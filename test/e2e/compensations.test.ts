/** Each compensation fails, and a person says each thing that can be said: what is held meanwhile, what it says, how it ends. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy, type Rule } from '../rig/kube-proxy.js';
import type { Snapshot } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, expectUntouched, lightLoad, promotionBegun, stableOf } from './undone.js';

const canary: ReleaseInput = { ...quick, strategy: 'canary', rollbackDeadline: '3s' };

/** Undoing up to the question. */
interface Stuck {
  readonly world: World;
  readonly id: string;
  readonly before: Snapshot;
  readonly load: ReturnType<typeof lightLoad>;
  readonly rule: Rule;
  readonly view: ReleaseView;
}

interface Compensation {
  /** What the view says that does not work. */
  readonly says: RegExp;
  /** Requests that the API server refuses: method and object. */
  readonly refused: readonly [string, string];
  readonly settings: ReleaseInput;
  readonly image: string;
  readonly reached: (world: World, id: string) => Promise<unknown>;
  /** Gray's share while a person is asked: the safest. */
  readonly held: number;
}

const holding = (world: World, id: string) => world.until(id, 'held', (v) => v.phase === 'holding');

const compensations = {
  traffic: {
    says: /^a person: traffic of \S+ back to stable does not work: tried \d+ times, .*HTTPRoute "shop"/,
    refused: ['PATCH', 'httproutes/'],
    settings: { ...canary, steps: [{ weight: 50, hold: '1h' }] },
    image: 'v2',
    reached: holding,
    held: 50,
  },
  stable: {
    says: /^a person: shop back to \S+ does not work: tried \d+ times, .*Deployment "shop"/,
    refused: ['PATCH', 'deployments/shop[?]'],
    settings: { ...canary, steps: [{ weight: 100, hold: '200ms' }] },
    image: 'slow',
    reached: promotionBegun,
    held: 0,
  },
  gray: {
    says: /^a person: remove shop-gray does not work: tried \d+ times, .*Deployment "shop-gray"/,
    refused: ['DELETE', 'deployments/'],
    settings: { ...canary, steps: [{ weight: 50, hold: '1h' }] },
    image: 'v2',
    reached: holding,
    held: 0,
  },
} as const satisfies Record<string, Compensation>;

describe.concurrent('P3: a compensation that fails', () => {
  let proxy: KubeProxy;
  let first: World;

  beforeAll(async () => {
    const stack = inject('stack');
    proxy = await KubeProxy.start(stack);
    first = await World.create(stack, { replicas: 1, workerEnv: { KUBECONFIG: proxy.kubeconfig } });
  });
  afterAll(async () => {
    await first.close();
    await proxy.close();
  });

  async function stuck(what: keyof typeof compensations, work: (at: Stuck) => Promise<void>): Promise<void> {
    const world = await World.create(inject('stack'), { replicas: 1, beside: first });
    try {
      const one: Compensation = compensations[what];
      if (one.image === 'slow') await world.image('slow', { START_MS: '4000' });
      await world.declare(world.application(one.settings));
      const before = await world.snapshot();
      const load = lightLoad(world);
      const id = await world.release(one.image);
      await one.reached(world, id);
      const [method, object] = one.refused;
      const path = new RegExp(`/namespaces/${world.namespace}/${object}`);
      const rule = proxy.refuse({ method, path }, 403);
      await world.steer(id, 'abort', { reason: 'enough' }, 'ann');
      const view = await asked(world, id, one);
      await work({ world, id, before, load, rule, view });
      expect((await load.stop()).byFailure).toEqual({});
    } finally {
      await world.close();
    }
  }

  it.each(['stable', 'gray'] as const)('%s: retry goes on once it is mended', async (what) => {
    await stuck(what, async ({ world, id, before, load, rule }) => {
      rule.remove();
      expect((await world.steer(id, 'retry', { reason: 'mended' }, 'bob')).status).toBe(200);
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
      expectSettled(view);
      await expectUntouched(world, before, load);
    });
  });

  it('P1: traffic, skipped: gray is not removed while requests go to it; once the route can be written, both are done', async () => {
    await stuck('traffic', async ({ world, id, before, load, rule }) => {
      expect((await world.steer(id, 'skip', { reason: 'I do it' }, 'bob')).status).toBe(200);
      const again = await world.until(
        id,
        'asking for gray',
        (v) => v.phase === 'needs_attention' && v.waitingOn?.what.includes('remove shop-gray') === true,
      );
      expect(again.waitingOn?.what).toMatch(/remove shop-gray does not work: .*HTTPRoute "shop"/);
      expect(again.applications[0]?.grayWeight).toBe(50);
      expect(await world.leftovers()).toContain('deployments/shop-gray');
      rule.remove();
      await world.steer(id, 'retry', { reason: 'mended' }, 'bob');
      const view = await world.ended(id);
      // The removal of gray has put the route back as well, so nothing is left.
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
      await expectUntouched(world, before, load);
    });
  });

  it('P9: gray, skipped: the end names it, and the next release takes it over', async () => {
    await stuck('gray', async ({ world, id, before, rule }) => {
      await world.steer(id, 'skip', { reason: 'later' }, 'bob');
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: ['remove shop-gray'] });
      expectSettled(view);
      expect(await world.snapshot()).toEqual(before);
      expect(await world.leftovers()).toContain('deployments/shop-gray');
      rule.remove();
      await nextSucceeds(world);
    });
  });

  it('traffic, abandoned: failed, gray keeps its share and its pods, and the next release takes both over', async () => {
    await stuck('traffic', async ({ world, id, load, rule }) => {
      const view = await abandoned(world, id);
      expect(view.outcome?.left).toEqual([
        expect.stringMatching(/^traffic of \S+ back to stable$/),
        'remove shop-gray',
      ]);
      expect(await world.leftovers()).toContain('deployments/shop-gray');
      const now = Date.now();
      const versions = await eventually('answers of both after the end', () => {
        const late = load.summary().records.filter((r) => r.at > now);
        const seen = new Set(late.map((r) => r.version));
        return seen.size > 1 ? seen : null;
      });
      expect(versions).toEqual(new Set(['v1', 'v2']));
      rule.remove();
      await nextSucceeds(world);
    });
  });

  it('stable, abandoned: failed, nothing goes to gray, stable has the new image, and the next release goes on from there', async () => {
    await stuck('stable', async ({ world, id, rule }) => {
      const view = await abandoned(world, id);
      expect(view.outcome?.left).toEqual([
        expect.stringMatching(/^shop back to \S+:v1$/),
        'remove shop-gray',
      ]);
      expect((await stableOf(world)).spec.template.spec.containers[0]?.image).toContain('@sha256:');
      expect(await world.leftovers()).toContain('deployments/shop-gray');
      rule.remove();
      await world.stableAvailable();
      await nextSucceeds(world);
    });
  });
});

/** What the view, the list and the Temporal UI say while a person is asked. */
async function asked(world: World, id: string, { says, held }: Compensation): Promise<ReleaseView> {
  const view = await world.until(id, 'asking for help', (v) => v.phase === 'needs_attention');
  expect(view.waitingOn).toMatchObject({ until: null, can: ['retry', 'skip', 'abandon'] });
  expect(view.waitingOn?.what).toMatch(says);
  expect(Date.parse(view.waitingOn!.since)).toBeGreaterThan(Date.parse(view.startedAt));
  expect(view.applications[0]?.grayWeight).toBe(held);
  const failed = view.steps.find((s) => s.id === view.step);
  expect(failed).toMatchObject({ kind: 'rollback', state: 'failed' });
  expect(view.waitingOn?.what).toContain(failed?.result);
  expect((await world.steer(id, 'abort')).status).toBe(409);
  const { searchAttributes } = await world.temporal.workflow.getHandle(releaseWorkflowId(id)).describe();
  expect(searchAttributes).toMatchObject({ SluicePhase: ['needs_attention'], SluiceWeight: [held] });
  expect(String(searchAttributes['SluiceWaitingOn'])).toMatch(/^a person: /);
  await eventually('the list to show it', async () => {
    const { body } = await world.call('GET', '/v1/releases?phase=needs_attention&limit=100');
    return JSON.stringify(body).includes(id);
  });
  return view;
}

async function abandoned(world: World, id: string): Promise<ReleaseView> {
  expect((await world.steer(id, 'abandon', { reason: 'by hand' }, 'cat')).status).toBe(200);
  const view = await world.ended(id);
  expect(view.outcome).toMatchObject({
    phase: 'failed',
    failure: { code: 'abandoned', message: expect.stringContaining('cat abandoned') },
  });
  // What is left may still get its share, and the view does not hide that.
  expect(view).toMatchObject({ waitingOn: null, paused: false, step: null, phase: 'failed' });
  return view;
}

async function nextSucceeds(world: World): Promise<void> {
  const steps = [{ weight: 100, hold: '200ms' }];
  await world.declare(world.application({ ...canary, steps, rollbackDeadline: '20s' }));
  const next = await world.ended(await world.release('v3'));
  expect(next.outcome).toMatchObject({ phase: 'succeeded' });
  expect(await world.leftovers()).toEqual([]);
}
