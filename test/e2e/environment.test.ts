/** What runs where: what a release left, what somebody changed by hand, and what stands while a release is at work. */
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { EnvironmentRow, EnvironmentView } from '../../domain/environment.js';
import { sluice, type Ran } from '../cli.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { quick, World } from '../rig/world.js';

const held = { ...quick, steps: [{ weight: 10, hold: '10m' }] };

let world: World;
let proxy: KubeProxy;
let server: ServerType;
let url: string;
/** Id of the release that succeeded. */
let left: string;

beforeAll(async () => {
  const stack = inject('stack');
  proxy = await KubeProxy.start(stack);
  world = await World.create(stack, { workerEnv: { KUBECONFIG: proxy.kubeconfig } });
  url = await new Promise((resolve) => {
    const fetch = (request: Request) => world.api.fetch(request);
    server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
  });
});
afterAll(async () => {
  server.close();
  await world.close();
  await proxy.close();
});

async function row(): Promise<EnvironmentRow> {
  const { status, body } = await world.call('GET', '/v1/environments/prod');
  expect({ status, body }).toMatchObject({ status: 200, body: { name: 'prod', cursor: null } });
  const { items } = body as unknown as EnvironmentView;
  expect(items).toHaveLength(1);
  return items[0]!;
}
/** A release tells its application a moment after it has ended. */
const idle = (): Promise<EnvironmentRow> =>
  eventually('no release to be at work', async () => {
    const found = await row();
    return found.running === null && found.waiting === 0 ? found : null;
  });
const shown = (...args: readonly string[]): Promise<Ran> => sluice(url, ['env', 'prod', ...args]);
const deployment = (): string => `/apis/apps/v1/namespaces/${world.namespace}/deployments/shop`;
const setImage = (image: string): Promise<unknown> =>
  world.kube.patch(deployment(), 'strategic', {
    spec: { template: { spec: { containers: [{ name: 'app', image }] } } },
  });

describe('an environment', () => {
  it('shows what runs before anything was released, and calls nothing drift', async () => {
    await world.declare();
    // The list of applications is a moment behind.
    const found = await eventually('the environment to be known', row);
    expect(found).toMatchObject({
      application: world.applicationName,
      released: null,
      running: null,
      live: { stable: { name: 'shop', image: `${world.repository}:v1`, replicas: 2, ready: 2 }, gray: [] },
      drift: [],
    });
  });

  it('shows version, digest and release that a release left, and no drift', async () => {
    left = await world.release('v2');
    const { applications } = await world.ended(left);
    const digest = applications[0]!.digest!;
    expect(await idle()).toMatchObject({
      cluster: 'default',
      namespace: world.namespace,
      deployment: 'shop',
      released: { release: left, version: 'v2', digest, by: 'tester' },
      live: { stable: { image: `${world.repository}@${digest}`, digest, ready: 2 }, gray: [] },
      drift: [],
    });
    const ran = await shown('--check');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('1 application(s), no drift');
  });

  it('tells what somebody set by hand', async () => {
    const { digest } = (await row()).released!;
    await setImage(`${world.repository}:v3`);
    const { drift } = await row();
    expect(drift).toHaveLength(1);
    expect(drift[0]).toContain(`runs ${world.repository}:v3 `);
    expect(drift[0]).toContain(`, not what release ${left} left (${digest})`);
    expect((await shown()).code).toBe(0);
    const checked = await shown('--check');
    expect(checked.code).toBe(11);
    expect(checked.out).toContain(`  ! runs ${world.repository}:v3 `);
    await setImage(`${world.repository}@${digest}`);
    await world.stableAvailable();
    expect((await row()).drift).toEqual([]);
  });

  it('shows the release at work, its gray track, and how many wait', async () => {
    await world.declare(world.application(held));
    const id = await world.release('v3');
    await world.until(id, 'holding 10 %', (v) => v.phase === 'holding');
    const next = await world.release('v1');
    const busy = await eventually('the phase to be known', async () => {
      const found = await row();
      return found.running?.phase === 'holding' ? found : null;
    });
    expect(busy).toMatchObject({
      released: { release: left },
      running: { release: id },
      waiting: 1,
      live: { gray: [{ name: 'shop-gray', lane: 'gray', release: id }] },
      drift: [],
    });
    const { body } = await world.call('GET', '/v1/environments');
    expect(body).toEqual({
      items: [{ name: 'prod', types: ['prod'], applications: 1, running: [id], waiting: 1 }],
      cursor: null,
    });
    for (const one of [next, id]) {
      await world.steer(one, 'abort');
      await world.ended(one);
    }
    expect(await idle()).toMatchObject({ released: { release: left }, live: { gray: [] }, drift: [] });
  });

  it('tells that the Deployment is gone', async () => {
    await world.kube.delete(deployment());
    expect(await row()).toMatchObject({ live: { stable: null }, drift: ['the Deployment shop is gone'] });
  });

  it('answers the rest where the cluster is away', async () => {
    const rule = proxy.rule({}, { kind: 'drop' });
    expect(await row()).toMatchObject({
      deployment: 'shop',
      released: { release: left },
      live: null,
      unseen: expect.stringContaining('Cluster "default" cannot be reached') as string,
      drift: [],
    });
    expect((await shown('--check')).code).toBe(11);
    rule.remove();
  });

  it('names those that are known, and the nearest', async () => {
    expect(await world.call('GET', '/v1/environments/prd')).toMatchObject({
      status: 404,
      body: {
        code: 'environment_not_declared',
        detail: 'No application declares an environment "prd"; known: prod.',
        remedy: expect.stringContaining('"prod"') as string,
      },
    });
  });
});
