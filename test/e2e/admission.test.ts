/** Admission refuses, or a webhook does not answer, at each write of a release: it ends as promised, and says what refused it. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { forbid, silentWebhook, type Rule } from '../rig/admission.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, expectUntouched, lightLoad } from './undone.js';

const stack = inject('stack');
let first: World;
beforeAll(async () => {
  first = await World.create(stack, { replicas: 1 });
});
afterAll(() => first.close());

const canary: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 100, hold: '200ms' }] };

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const world = await World.create(stack, { replicas: 1, beside: first });
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

const deployments = { group: 'apps', plural: 'deployments' } as const;
const pods = { group: '', plural: 'pods', operations: ['CREATE'] } as const;
const routes = { group: 'gateway.networking.k8s.io', plural: 'httproutes', operations: ['UPDATE'] } as const;
const message = 'the change board said no';

interface Case {
  readonly what: string;
  readonly rule: Omit<Rule, 'message'>;
  readonly code: string;
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  {
    what: 'the gray Deployment',
    rule: {
      ...deployments,
      operations: ['CREATE'],
      allows: "!object.metadata.name.endsWith('-gray')",
      reason: 'Forbidden',
    },
    code: 'cluster_refused',
    says: /refused Deployment "shop-gray": 403 .*the change board said no/,
  },
  {
    what: 'the gray Service',
    rule: { group: '', plural: 'services', operations: ['CREATE'] },
    code: 'cluster_refused',
    says: /refused Service "shop-gray": 422 .*the change board said no/,
  },
  {
    what: 'the gray pods',
    rule: { ...pods, allows: "!('sluice.dev/lane' in object.metadata.labels)" },
    code: 'workload_not_ready',
    says: /Deployment "shop-gray" did not become ready: FailedCreate: .*the change board said no/,
  },
  {
    what: 'the first write to the route',
    rule: routes,
    code: 'cluster_refused',
    says: /refused HTTPRoute "shop": 422 .*the change board said no/,
  },
  {
    what: "stable's new image",
    rule: {
      ...deployments,
      operations: ['UPDATE'],
      allows: "object.metadata.name != 'shop' || object.spec.template == oldObject.spec.template",
    },
    code: 'cluster_refused',
    says: /refused Deployment "shop": 422 .*the change board said no/,
  },
];

async function refusedAtLast(world: World): Promise<ReleaseView> {
  const before = await world.snapshot();
  const load = lightLoad(world);
  const view = await world.ended(await world.release('v2'));
  expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
  expectSettled(view);
  await expectUntouched(world, before, load);
  expect((await load.stop()).byFailure).toEqual({});
  return view;
}

describe.concurrent('P3, P9: an admission policy that refuses', () => {
  it.each(cases.map((one) => [one.what, one] as const))(
    '%s: named with its message, rolled back, nobody saw an error',
    async (_, one) => {
      await inWorld(async (world) => {
        await world.declare(world.application(canary));
        const { lift } = await forbid(world, { ...one.rule, message });
        try {
          const { outcome } = await refusedAtLast(world);
          expect(outcome?.failure?.code).toBe(one.code);
          expect(outcome?.failure?.message).toMatch(one.says);
          expect(outcome?.failure?.remedy).not.toBe('');
        } finally {
          await lift();
        }
      });
    },
  );

  it('the undoing too: gray keeps its share, a person is asked with the message, retry works once it is lifted', async () => {
    await inWorld(async (world) => {
      const steps = [{ weight: 50, hold: '1h' }];
      await world.declare(world.application({ ...canary, steps, rollbackDeadline: '1s' }));
      const before = await world.snapshot();
      const load = lightLoad(world);
      const id = await world.release('v2');
      await world.until(id, 'held', (v) => v.phase === 'holding');
      const { lift } = await forbid(world, { ...routes, message });
      await world.steer(id, 'abort', { reason: 'enough' });
      const asking = await world.until(id, 'asking', (v) => v.phase === 'needs_attention');
      expect(asking.waitingOn).toMatchObject({ until: null, can: ['retry', 'skip', 'abandon'] });
      expect(asking.waitingOn?.what).toMatch(/back to stable does not work: tried \d+ times, .*change board/);
      expect(asking.applications[0]?.grayWeight).toBe(50);
      await lift();
      expect((await world.steer(id, 'retry', { reason: 'it is lifted' })).status).toBe(200);
      const view = await world.ended(id);
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
      await expectUntouched(world, before, load);
      expect((await load.stop()).byFailure).toEqual({});
    });
  });
});

describe.concurrent('P3, P9: a webhook that does not answer', () => {
  it('to the gray Deployment: tried until the deadline, then named and rolled back', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application({ ...canary, progressDeadline: '2s' }));
      const { lift } = await silentWebhook(world, { ...deployments, operations: ['CREATE'] });
      try {
        const { outcome } = await refusedAtLast(world);
        expect(outcome?.failure?.code).toBe('admission_unreachable');
        expect(outcome?.failure?.message).toContain(
          `failed calling webhook "${world.namespace}.example.com"`,
        );
        expect(outcome?.failure?.remedy).toContain('failurePolicy');
      } finally {
        await lift();
      }
    });
  });

  it('to the gray pods: waited for until the deadline, then named and rolled back', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application({ ...canary, progressDeadline: '3s' }));
      const { lift } = await silentWebhook(world, pods);
      try {
        const { outcome } = await refusedAtLast(world);
        expect(outcome?.failure?.message).toMatch(/not available within 3 s: .*failed calling webhook/);
      } finally {
        await lift();
      }
    });
  });

  it('and comes back in time: the release goes on', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application({ ...canary, progressDeadline: '60s' }));
      const { lift } = await silentWebhook(world, { ...deployments, operations: ['CREATE'] });
      const id = await world.release('v2');
      const view = await world.until(id, 'deploying', (v) => v.phase === 'deploying');
      const pods = expect.stringMatching(/^1 pod\(s\) of shop-gray to be ready/);
      expect(view.waitingOn).toMatchObject({ what: pods, can: ['abort'] });
      await lift();
      expect((await world.ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
      expect(await world.leftovers()).toEqual([]);
    });
  });
});
