/** Told to stop in the middle of every kind of step, a release returns traffic, takes its objects away, and says so. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { quick, World } from '../rig/world.js';
import { during, expectSettled, expectUntouched, lightLoad, promotionBegun, stableOf } from './undone.js';

interface Case {
  readonly where: string;
  /** Abort by the API, or cancellation of the workflow in Temporal. Default abort. */
  readonly how?: 'abort' | 'cancel';
  readonly image?: string;
  readonly release?: ReleaseInput;
  readonly when: (view: ReleaseView) => boolean;
  /** Done before, once `when` is true. */
  readonly first?: (world: World, id: string) => Promise<unknown>;
  /** Requests to the API server that are held until the release has been told to stop. */
  readonly held?: { readonly method: 'PATCH' | 'DELETE'; readonly kind: string };
  /** The entry takes requests and never answers. */
  readonly mute?: boolean;
  /** What is written afterwards. Where the route is in the release's hands, traffic is the first thing to be put back. */
  readonly writes: 'objects' | 'route, then objects' | `${string}, then route, then objects`;
  /** Whether stable has been changed by then. */
  readonly promoted?: boolean;
}

const base: ReleaseInput = {
  ...quick,
  steps: [
    { weight: 50, hold: '200ms' },
    { weight: 100, hold: '200ms' },
  ],
};
const asked: ReleaseInput = { ...base, approval: { required: true } };
const judged: ReleaseInput['analysis'] = { interval: '500ms', window: '5s' };
const long: ReleaseInput = { ...base, strategy: 'canary', steps: [{ weight: 50, hold: '5m' }] };
const holding = (view: ReleaseView): boolean => view.phase === 'holding' && during('hold')(view);

const givenBack = (world: World): Promise<unknown> =>
  eventually('the route to be given back', async () => {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${world.namespace}/httproutes/${world.name}`;
    const { metadata, spec } = await world.kube.get(path);
    const { managedFields = [] } = metadata as { readonly managedFields?: readonly { manager: string }[] };
    return !JSON.stringify(spec).includes('shop-gray') && managedFields.every((m) => m.manager !== 'sluice');
  });

const routeWrites = { method: 'PATCH', kind: 'httproutes' } as const;

const rounds: readonly (readonly Case[])[] = [
  [
    { where: 'gray is not ready', image: 'never', when: during('deploy-gray'), writes: 'objects' },
    { where: 'the tag is set', when: during('tag'), held: routeWrites, writes: 'route, then objects' },
    { where: 'the probe asks', mute: true, when: during('probe'), writes: 'route, then objects' },
    {
      where: 'tagged requests are judged',
      release: { ...base, verify: '5m', analysis: judged },
      when: during('hold'),
      writes: 'route, then objects',
    },
  ],
  [
    {
      where: 'an approval is awaited',
      release: asked,
      when: during('approval'),
      writes: 'route, then objects',
    },
    {
      where: 'a weight is set',
      release: { ...base, strategy: 'canary' },
      when: during('weight'),
      held: routeWrites,
      writes: 'route, then objects',
    },
    { where: 'a weight is held', release: long, when: holding, writes: 'route, then objects' },
    {
      where: 'a weight is judged',
      release: { ...long, analysis: judged },
      when: holding,
      writes: 'route, then objects',
    },
  ],
  [
    {
      where: 'stable is promoted',
      image: 'slow',
      release: { ...base, strategy: 'canary' },
      when: during('promote'),
      first: promotionBegun,
      // Stable before gray, which stays in the route for the drain.
      writes: 'route, then objects, then route, then objects',
      promoted: true,
    },
    {
      where: 'connections drain',
      release: { ...base, strategy: 'canary', drain: '5s' },
      when: during('cleanup'),
      // Traffic is back already.
      writes: 'objects, then route, then objects',
      promoted: true,
    },
    {
      where: 'gray is removed',
      release: { ...base, strategy: 'canary' },
      when: during('cleanup'),
      first: givenBack,
      held: { method: 'DELETE', kind: 'deployments' },
      writes: 'objects',
      promoted: true,
    },
    {
      where: 'it is paused at a weight',
      release: { ...base, strategy: 'canary', steps: [{ weight: 50, hold: '2s' }], analysis: judged },
      when: holding,
      first: async (world, id) => {
        await world.steer(id, 'pause');
        await world.until(id, 'held by the pause', (v) => v.waitingOn?.can.includes('resume') === true);
      },
      writes: 'route, then objects',
    },
  ],
  [
    {
      where: 'gray is not ready',
      how: 'cancel',
      image: 'never',
      when: during('deploy-gray'),
      writes: 'objects',
    },
    {
      where: 'an approval is awaited',
      how: 'cancel',
      release: asked,
      when: during('approval'),
      writes: 'route, then objects',
    },
    { where: 'a weight is held', how: 'cancel', release: long, when: holding, writes: 'route, then objects' },
    {
      where: 'stable is promoted',
      how: 'cancel',
      image: 'slow',
      release: { ...base, strategy: 'canary' },
      when: during('promote'),
      first: promotionBegun,
      // Stable before gray, which stays in the route for the drain.
      writes: 'route, then objects, then route, then objects',
      promoted: true,
    },
  ],
];

describe('P3 P4 P9: a release that is told to stop', () => {
  let proxy: KubeProxy;
  const worlds: World[] = [];

  beforeAll(async () => {
    const stack = inject('stack');
    proxy = await KubeProxy.start(stack);
    const first = await World.create(stack, { workerEnv: { KUBECONFIG: proxy.kubeconfig } });
    const beside = [1, 2, 3].map(() => World.create(stack, { beside: first }));
    worlds.push(first, ...(await Promise.all(beside)));
    for (const world of worlds) {
      await world.image('never', { NEVER_READY: '1' });
      await world.image('slow', { START_MS: '2500' });
    }
  });
  afterAll(async () => {
    for (const world of worlds.toReversed()) await world.close();
    await proxy.close();
  });

  it.each(rounds.map((cases) => [cases.map(title).join('; '), cases] as const))(
    '%s',
    async (_title, cases) => {
      const ended = await Promise.allSettled(cases.map((one, i) => stopped(worlds[i]!, proxy, one)));
      const problems = ended.flatMap((e) => (e.status === 'rejected' ? [e.reason as Error] : []));
      expect(problems).toEqual([]);
    },
  );
});

const title = ({ where, how = 'abort' }: Case): string => `${how} while ${where}`;

/** One release of one world, stopped where the case says. */
async function stopped(world: World, proxy: KubeProxy, one: Case): Promise<void> {
  const entry = await muteEntry();
  const declared = world.application(one.release ?? base);
  const traffic = { ...declared.traffic, ...(one.mute === true ? { entry: entry.url } : {}) };
  await world.declare({ ...declared, traffic });
  const before = await world.snapshot();
  const { generation } = (await stableOf(world)).metadata;
  const load = lightLoad(world);
  let letGo = (): void => undefined;
  const open = new Promise<void>((resolve) => (letGo = resolve));
  const rule = proxy.rule(
    {
      method: one.held?.method ?? 'none',
      path: new RegExp(`/namespaces/${world.namespace}/${one.held?.kind}/`),
    },
    { kind: 'gate', open },
  );
  try {
    const id = await world.release(one.image ?? 'v2');
    await world.until(id, title(one), one.when);
    await one.first?.(world, id);
    const from = Date.now();
    await stop(world, id, one);
    letGo();
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
    expectSettled(view);
    await expectUntouched(world, before, load);
    expect(orderOf(proxy, world, from)).toBe(one.writes);
    const untouched = (await stableOf(world)).metadata.generation === generation;
    expect(untouched).toBe(one.promoted !== true);
    expect((await load.stop()).byFailure).toEqual({});
  } catch (error) {
    throw new Error(title(one), { cause: error });
  } finally {
    letGo();
    rule.remove();
    await load.stop();
    entry.close();
  }
}

/** Takes connections and says nothing. */
async function muteEntry(): Promise<{ url: string; close: () => void }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => void open.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

/** What was written after the abort, as the API server saw it: refused writes do not count. */
function orderOf(proxy: KubeProxy, world: World, from: number): string {
  const path = new RegExp(`/namespaces/${world.namespace}/`);
  const writes = proxy
    .seen({ method: ['PATCH', 'DELETE'], path })
    .filter(({ at, status }) => at > from && status === 200)
    .map((write) => (write.path.includes('/httproutes/') ? 'route' : 'objects'));
  return writes.filter((kind, i) => kind !== writes[i - 1]).join(', then ');
}

/** Asks for the end, then finds that nothing takes it back. */
async function stop(world: World, id: string, { how = 'abort' }: Case): Promise<void> {
  if (how === 'cancel') {
    await world.temporal.workflow.getHandle(releaseWorkflowId(id)).cancel();
    await world.until(id, 'being undone', (v) => v.phase === 'rolling_back' || v.outcome !== null);
  } else {
    expect(await world.steer(id, 'abort', { reason: 'enough' }, 'ann')).toMatchObject({ status: 200 });
  }
  const { planHash } = await world.view(id);
  const approval = { decision: 'approve', reason: 'go on', planHash };
  for (const [verb, body] of [['abort'], ['pause'], ['resume'], ['decisions', approval]] as const) {
    const again = await world.steer(id, verb, body, 'bob');
    expect(again.status).toBe(409);
    expect(['not_now', 'release_ended']).toContain(again.body['code']);
  }
  const said = (await world.events(id)).filter((e) => e.type === 'steering').map((e) => e.message);
  expect(said.at(-1)).toBe(
    how === 'cancel' ? 'Temporal aborted: the workflow was cancelled' : 'ann aborted: enough',
  );
}
