/** Undoing what has ended, on real requests through Envoy: to the version before, to any earlier one, and what is refused. */
import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad } from '../../infra/local/load.js';
import { sluice } from '../cli.js';
import { eventually } from '../rig/eventually.js';
import { record } from '../rig/histories.js';
import { withImage } from '../rig/snapshot.js';
import { TrafficWatch } from '../rig/traffic-watch.js';
import type { Answer } from '../rig/answer.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, stableOf } from './undone.js';

/** Gates that a rollback would run into if it had any: an approval, long holds, a verification. */
const gated: ReleaseInput = {
  ...quick,
  steps: [50, 100].map((weight) => ({ weight, hold: '10m' })),
  approval: { required: true },
};
const atOnce: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 100, hold: '0s' }] };

/** What has to be there before a rollback comes there without detours. */
const straight: ReleaseInput = { ...atOnce, strategy: 'rolling' };

const worlds: World[] = [];
beforeAll(async () => {
  const first = await World.create(inject('stack'));
  worlds.push(first);
  worlds.push(...(await Promise.all([1, 2, 3].map(() => World.create(first.stack, { beside: first })))));
});
afterAll(async () => {
  for (const world of worlds.toReversed()) await world.close();
});

async function succeeded(world: World, id: string): Promise<ReleaseView> {
  const view = await world.ended(id);
  // It ends a moment before its application hears of it, which is what a rollback goes by.
  await world.temporal.workflow.result(releaseWorkflowId(id));
  expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
  expectSettled(view);
  return view;
}
const released = async (world: World, image: string, body: object = {}): Promise<string> => {
  const id = await world.release(image, body);
  await succeeded(world, id);
  return id;
};
const idOf = (answer: Answer): string => {
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body['id']);
};
const imageOf = async (world: World): Promise<string> =>
  (await stableOf(world)).spec.template.spec.containers[0]!.image;
/** Every pod of stable says so. */
const onlyRuns = async (world: World, image: string): Promise<boolean> => {
  const path = `/api/v1/namespaces/${world.namespace}/pods`;
  const { items } = await world.kube.get<{ items: { spec: { containers: { image: string }[] } }[] }>(path);
  return items.every((pod) => pod.spec.containers[0]?.image === image);
};
const digestOf = (view: ReleaseView): string => view.applications[0]!.digest!;

describe('a rollback of an ended release', () => {
  it('P1 P8 P9: asked for twice at once it is one; at once, without a gate or a failed answer, stable is exactly the earlier image', async () => {
    const world = worlds[0]!;
    await world.declare(world.application(straight));
    const before = await world.snapshot();
    const r2 = await released(world, 'v2');
    const r3 = await released(world, 'v3');
    const v2 = digestOf(await world.view(r2));
    // The tag moves; the version that ran stays the one that comes back.
    expect(await world.image('v2', { MOVED: 'yes' })).not.toBe(v2);
    await world.declare(world.application(gated));

    const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 40 });
    const answers = await Promise.all([
      world.rollback(r3, { reason: 'prices are wrong' }),
      world.rollback(r3, { reason: 'prices look wrong' }),
    ]);
    const [id, same] = answers.map(idOf) as [string, string];
    expect(same).toBe(id);
    const view = await succeeded(world, id);
    const summary = await load.stop();
    await watch.stop();

    expect(summary.failed).toBe(0);
    expect(watch.violations).toEqual([]);
    const moved = Date.parse(view.steps.find((s) => s.kind === 'promote')!.startedAt!);
    expect(new Set(summary.records.filter((r) => r.at > moved + 1_000).map((r) => r.version))).not.toContain(
      'v3',
    );
    expect(view).toMatchObject({ rollbackOf: r3, plan: { rollbackOf: r3 } });
    expect(view.applications).toMatchObject([{ version: 'v2', digest: v2 }]);
    expect(view.steps.map((s) => s.kind)).toEqual([
      'deploy-gray',
      'weight',
      'promote',
      'return-traffic',
      'cleanup',
    ]);
    expect(await world.snapshot()).toEqual(
      withImage(before, `${world.repository}:v1`, `${world.repository}@${v2}`),
    );
    expect(await world.leftovers()).toEqual([]);
    await record(world.temporal, `release/${id}`, 'succeeded-rollback');

    expect((await world.rollback(r3)).body).toMatchObject({
      status: 409,
      code: 'rollback_needless',
      detail: expect.stringContaining(`runs v2 already, since ${id} rolled it back`),
    });
  });

  it('goes on to what ran before the first release, and to any earlier version, by the same key only once', async () => {
    const world = worlds[0]!;
    const { body } = await world.call('GET', `/v1/applications/${world.applicationName}`);
    const history = body['history'] as { release: string; version: string; rollbackOf?: string }[];
    const [back, r3, r2] = history.map((e) => e.release) as [string, string, string];
    expect(history[0]).toMatchObject({ version: 'v2', rollbackOf: r3 });
    const v1 = (await world.view(r2)).applications[0]!.stableDigest!;

    const first = await succeeded(world, idOf(await world.rollback(r2)));
    expect(first.applications).toMatchObject([{ version: 'v1', digest: v1 }]);
    expect(await imageOf(world)).toBe(`${world.repository}@${v1}`);

    const ask = (): Promise<Answer> =>
      world.rollback(back, { to: 'v3', reason: 'it was fine' }, { 'idempotency-key': 'back-to-v3' });
    const id = idOf(await ask());
    const third = await succeeded(world, id);
    expect(third.applications).toMatchObject([{ version: 'v3' }]);
    expect(await imageOf(world)).toContain(digestOf(await world.view(r3)));
    // The answer of a request that was sent again after the end, although there is nothing to do any more.
    expect(idOf(await ask())).toBe(id);
    const other = await world.rollback(back, { to: 'v1' }, { 'idempotency-key': 'back-to-v3' });
    expect(other.body).toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('brings each environment back to what it had, the last one first, and leaves what was released since', async () => {
    const [, world, prod] = worlds as [World, World, World];
    const before = [await imageOf(world), await imageOf(prod)];
    expect(before[0]).not.toBe(before[1]);
    const environments = [
      { name: 'test', type: 'test', namespace: world.namespace },
      { name: 'prod', type: 'prod', namespace: prod.namespace },
    ];
    await world.declare({ ...world.application(straight), environments });
    await released(world, 'v2', { environment: 'test' });
    const v2 = await imageOf(world);
    const r3 = await released(world, 'v3');
    expect(await imageOf(prod)).toBe(await imageOf(world));

    const plan = await world.call('POST', '/v1/plans', { rollbackOf: r3 });
    expect(plan).toMatchObject({
      status: 200,
      body: {
        plan: { rollbackOf: r3, stages: [{ environment: 'prod' }, { environment: 'test' }] },
        warnings: [expect.stringMatching(/^A rollback has no approval/)],
      },
    });
    const id = idOf(await world.rollback(r3));
    const view = await succeeded(world, id);
    expect(view.steps.map((s) => [s.id, s.state])).toEqual([
      ['prod/1-deploy-straight', 'done'],
      ['test/1-deploy-straight', 'done'],
    ]);
    expect(await imageOf(world)).toBe(v2);
    const v1 = view.plan!.stages[0]!.targets[0]!.image;
    expect(v1.version).toBe('v1');
    expect(await imageOf(prod)).toBe(v1.reference);
  });
});

describe('a rollback that makes no sense is refused with what to do instead', () => {
  it('while the release is under way, after a later one, to what never ran, without the image, before the first', async () => {
    const world = worlds[3]!;
    await world.declare(world.application(straight));
    const refused = async (id: string, body: object = {}): Promise<unknown[]> => {
      const { status, body: problem } = await world.rollback(id, body);
      return [status, problem['code'], problem['remedy']];
    };
    const r2 = await released(world, 'v2');
    const r3 = await released(world, 'v3');
    expect(await refused(r2)).toEqual([
      409,
      'rollback_superseded',
      expect.stringContaining(`Roll back ${r3} instead`),
    ]);
    expect(await refused(r3, { to: 'v9' })).toEqual([422, 'rollback_target_unknown', expect.any(String)]);
    expect(await refused(r3, { environment: 'pre' })).toEqual([
      422,
      'environment_unknown',
      expect.any(String),
    ]);
    expect(await refused('0123456789ab')).toEqual([404, 'release_unknown', expect.any(String)]);

    await world.declare({ ...world.application(straight), image: `${world.repository}-moved` });
    expect((await world.rollback(r3)).body).toMatchObject({
      status: 422,
      errors: [{ code: 'image_unknown' }],
    });

    await world.declare(world.application(atOnce));
    const setByHand = async (id: string): Promise<void> => {
      const image = `${world.repository}@${digestOf(await world.view(id))}`;
      const path = `/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.name}`;
      const containers = [{ name: 'app', image }];
      await world.kube.patch(path, 'strategic', { spec: { template: { spec: { containers } } } });
      await eventually('the image that was set by hand', async () => {
        const { status, metadata } = await stableOf(world);
        const whole = status?.updatedReplicas === 2 && status.replicas === 2;
        return whole && status.observedGeneration === metadata.generation && (await onlyRuns(world, image));
      });
    };
    await setByHand(r2);
    expect(await refused(r3)).toEqual([409, 'rollback_needless', expect.any(String)]);
    await setByHand(r3);

    await world.declare(world.application(gated));
    const open = await world.release('v2');
    expect(await refused(open)).toEqual([409, 'not_now', expect.stringContaining(`sluice abort ${open}`)]);
    await world.steer(open, 'abort');
    await world.ended(open);
    expect(await refused(open)).toEqual([409, 'rollback_needless', expect.any(String)]);
  });

  it('P2: behind a release that brings another version it changes nothing; behind one that is aborted it goes on', async () => {
    const world = worlds[3]!;
    await world.declare(world.application(straight));
    await released(world, 'v2');
    const r3 = await released(world, 'v3');
    const held = { ...quick, strategy: 'canary' as const, steps: [{ weight: 50, hold: '10m' }] };
    await world.declare(world.application(held));
    const underWay = async (image: string): Promise<string> => {
      const id = await world.release(image);
      await world.until(id, 'holding', (v) => v.phase === 'holding');
      return id;
    };

    const aborted = await underWay('v1');
    const waiting = idOf(await world.rollback(r3));
    expect(await world.view(waiting)).toMatchObject({ phase: 'queued', rollbackOf: r3 });
    await world.steer(aborted, 'abort');
    expect((await succeeded(world, waiting)).applications).toMatchObject([{ version: 'v2' }]);

    const promoted = await underWay('v1');
    const late = idOf(await world.rollback(waiting));
    await world.steer(promoted, 'promote');
    await succeeded(world, promoted);
    const stable = await imageOf(world);
    const view = await world.ended(late);
    expect(view.outcome).toMatchObject({ phase: 'failed', failure: { code: 'workload_changed' } });
    expect(await imageOf(world)).toBe(stable);
    expect(await world.leftovers()).toEqual([]);
  });
});

describe('sluice rollback', () => {
  it('shows the plan, rolls back the version that runs, twice two versions, and the history says so', async () => {
    const world = worlds[3]!;
    await world.declare(world.application(straight));
    const server = createAdaptorServer({ fetch: world.api.fetch });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const run = (...args: string[]) => sluice(url, [...args, '--as', 'ann']);
    try {
      const r2 = await released(world, 'v2');
      const r3 = await released(world, 'v3');
      const app = world.applicationName;
      await world.declare(world.application(atOnce));

      const plan = await run('rollback', app, '--plan');
      expect(plan.code).toBe(0);
      expect(plan.out).toContain(`rolls back release ${r3}`);
      expect(plan.out).toContain('100 % of traffic back from v3 to v2');
      expect(plan.out).toContain('! A rollback has no approval');

      const first = await run('rollback', r3, '--reason', 'prices', '--wait');
      expect(first.out).toContain(`succeeded: ${app} v2`);
      expect(first.code).toBe(0);
      const second = await run('rollback', app, '--wait', '-o', 'json');
      expect(second.code).toBe(0);
      expect(JSON.parse(second.out)).toMatchObject({ rollbackOf: r2, applications: [{ version: 'v1' }] });
      const needless = await run('rollback', r2, '--wait');
      expect([needless.code, needless.err]).toEqual([5, expect.stringContaining('rollback_needless')]);
      expect((await run('history', app)).out).toMatch(new RegExp(`rollback of ${r2}[^]*rollback of ${r3}`));
    } finally {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
  });
});
