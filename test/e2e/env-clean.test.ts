/** What a lost release left behind is shown and removed on request, without a failed request, and nothing of a release at work. */
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Cluster } from '../../activities/kubernetes/client.js';
import { prepareRoute, setTraffic } from '../../activities/traffic/driver.js';
import type { ReleaseInput } from '../../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { CleanView } from '../../domain/leftover.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { sluice, type Ran } from '../cli.js';
import { eventually } from '../rig/eventually.js';
import { patiently } from '../rig/patiently.js';
import type { Snapshot } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';

const held: ReleaseInput = {
  ...quick,
  strategy: 'canary',
  drain: '1s',
  steps: [{ weight: 50, hold: '10m' }],
};
const holding = (view: ReleaseView): boolean =>
  view.phase === 'holding' && view.applications[0]!.grayWeight === 50;

let lost: World;
let busy: World;
let server: ServerType;
let url: string;
let before: Snapshot;
let load: Load;
let dead: string;
let alive: string;

beforeAll(async () => {
  const stack = inject('stack');
  lost = await World.create(stack);
  busy = await World.create(stack, { beside: lost, replicas: 1 });
  const { namespace } = lost;
  await lost.kube.create(`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`, {
    metadata: { name: 'shop', namespace },
    spec: { podSelector: { matchLabels: { app: 'shop' } }, policyTypes: ['Egress'], egress: [{}] },
  });
  url = await new Promise((resolve) => {
    const fetch = (request: Request) => lost.api.fetch(request);
    server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
  });
  await Promise.all([lost, busy].map((world) => world.declare(world.application(held))));
  before = await lost.snapshot();
  load = startLoad({ url: stack.ingress, host: lost.host, requestsPerSecond: 30 });
  [dead, alive] = await Promise.all([lost.release('v2'), busy.release('v2')]);
  await Promise.all([lost.until(dead, 'at 50 %', holding), busy.until(alive, 'at 50 %', holding)]);
  await lost.temporal.workflow.getHandle(releaseWorkflowId(dead)).terminate('by force');
});
afterAll(async () => {
  await load.stop();
  server.close();
  await busy.steer(alive, 'abort');
  await busy.ended(alive);
  await busy.close();
  await lost.close();
});

const clean = (...args: readonly string[]): Promise<Ran> => sluice(url, ['env', 'clean', 'prod', ...args]);

describe('env clean', () => {
  it('shows what a lost release left, nothing of the one at work, and removes nothing', async () => {
    const ran = await eventually('both applications to be listed', async () => {
      const shown = await clean();
      return shown.out.includes(lost.applicationName) ? shown : null;
    });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toBe(
      [
        `${lost.applicationName} in default/${lost.namespace}: release ${dead}, which has ended`,
        '  HTTPRoute shop, which sends 50 % to gray',
        '  Deployment shop-gray',
        '  Service shop-gray',
        '  NetworkPolicy shop-gray',
        '',
        'nothing was removed; to remove it: sluice env clean prod --yes --reason TEXT',
        '',
      ].join('\n'),
    );
    expect(await lost.leftovers()).toContain('deployments/shop-gray');
    expect((await lost.snapshot())['HTTPRoute/shop']).not.toBe(before['HTTPRoute/shop']);
  });

  it('asks for a reason and the role, and for an environment that is declared', async () => {
    expect(await clean('--yes')).toMatchObject({ code: 2, err: expect.stringContaining('needs a reason') });
    expect((await clean('--yes', '--dry-run', '--reason', 'x')).code).toBe(2);
    const path = '/v1/environments/prod/clean';
    expect((await lost.call('POST', path, {})).body).toMatchObject({ errors: [{ pointer: '/reason' }] });
    const unknown = await lost.call('POST', '/v1/environments/prd/clean', { dryRun: true });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'environment_not_declared' } });
  });

  it('removes it: all is as it was, no request failed, and the release at work goes on', async () => {
    const view = await busy.view(alive);
    const ran = await clean('--yes', '--reason', 'its cluster was lost', '-o', 'json');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const { items } = JSON.parse(ran.out) as CleanView;
    expect(items).toMatchObject([{ release: dead, state: 'ended', route: 'HTTPRoute shop', left: null }]);
    expect(items[0]!.removed.toSorted()).toEqual([
      'Deployment shop-gray',
      'NetworkPolicy shop-gray',
      'Service shop-gray',
    ]);
    expect(await lost.snapshot()).toEqual(before);
    expect(await lost.leftovers()).toEqual([]);
    expect(await busy.leftovers()).toContain('deployments/shop-gray');
    expect(await busy.view(alive)).toEqual(view);
    const now = Date.now();
    await eventually('answers after it', () => load.summary().records.some((r) => r.at > now + 500));
    expect(load.summary().byFailure).toEqual({});
    expect(
      new Set(
        load
          .summary()
          .records.filter((r) => r.at > now)
          .map((r) => r.version),
      ),
    ).toEqual(new Set(['v1']));
    expect(await clean()).toMatchObject({ code: 0, out: 'nothing is left behind in prod\n' });
  });

  it('keeps who asked for it and why', async () => {
    const query = `WorkflowType = 'clean' AND TaskQueue = '${lost.taskQueue}'`;
    const kept = await eventually('the workflow to be listed', async () => {
      for await (const { workflowId } of lost.temporal.workflow.list({ query })) return workflowId;
      return null;
    });
    expect(kept).toMatch(/^clean\/prod\//);
    const { staticSummary } = (await lost.temporal.workflow.getHandle(kept).describe()) as unknown as {
      staticSummary: () => Promise<string>;
    };
    expect(await staticSummary()).toMatch(/^clean prod, by .+: its cluster was lost$/);
  });

  it('gives a route back at which a lost release of an application behind it had a share', async () => {
    const guest = {
      router: 'gateway-api',
      cluster: 'default',
      namespace: lost.namespace,
      route: 'shop',
      stableService: 'shop',
      grayService: 'shop',
      port: 80,
      stamps: { header: 'x-lane', value: 'gray' },
      guest: true,
    } as const;
    const cluster = Cluster.fromFile('default', lost.stack.kubeconfig);
    const { signal } = new AbortController();
    const input = { release: 'lost11111111', route: guest };
    await patiently(() => prepareRoute(cluster, { ...input, seq: 1 }, signal));
    const traffic = { gray: 30, tag: guest.stamps };
    await patiently(() => setTraffic(cluster, { ...input, traffic, seq: 2 }, signal));
    expect((await clean()).out).toContain(
      'lost11111111, which this server does not know\n  HTTPRoute shop, which sends 30 % to gray\n',
    );
    expect(await clean('--yes', '--reason', 'lost as well')).toMatchObject({
      code: 0,
      out: expect.stringContaining('1 removed'),
    });
    expect(await lost.snapshot()).toEqual(before);
    expect(load.summary().byFailure).toEqual({});
  });

  it('takes objects of a release that nobody knows for left behind, and those of nobody of ours not', async () => {
    const { namespace, kube, applicationName } = lost;
    const services = `/api/v1/namespaces/${namespace}/services`;
    const labels = {
      'sluice.dev/release': 'lost00000000',
      'sluice.dev/application': applicationName,
      'sluice.dev/lane': 'blue',
    };
    const spec = { ports: [{ port: 80 }] };
    await kube.create(services, { metadata: { name: 'shop-blue', namespace, labels }, spec });
    await kube.create(services, { metadata: { name: 'shop-green', namespace }, spec });
    const ran = await clean('--yes', '--reason', 'unknown');
    expect(ran.out).toContain(
      'release lost00000000, which this server does not know\n  Service shop-blue removed',
    );
    expect(ran.out).toContain('\n1 removed\n');
    await expect(kube.get(`${services}/shop-blue`)).rejects.toMatchObject({ status: 404 });
    await kube.delete(`${services}/shop-green`);
  });

  describe('of an application that is not declared any more', () => {
    let gone: string;
    const spot = (): readonly string[] => ['--namespace', lost.namespace];

    it('is asked about before the application is forgotten', async () => {
      gone = await lost.release('v3');
      await lost.until(gone, 'at 50 %', holding);
      await lost.temporal.workflow.getHandle(releaseWorkflowId(gone)).terminate('by force');
      const refused = await sluice(url, ['rm', lost.applicationName]);
      expect(refused.code).toBe(5);
      expect(refused.err).toContain(
        `have left HTTPRoute shop, Deployment shop-gray, Service shop-gray, NetworkPolicy shop-gray in prod.`,
      );
      expect((await sluice(url, ['rm', lost.applicationName, '--force'])).code).toBe(0);
      expect(await lost.leftovers()).toContain('deployments/shop-gray');
    });

    it('is found in a namespace that is named, and in that of others that are declared', async () => {
      const whole = [
        `${lost.applicationName} in default/${lost.namespace}: release ${gone}, which has ended; the application is not declared there`,
        '  HTTPRoute shop, which sends 50 % to gray',
        '  Deployment shop-gray',
        '  Service shop-gray',
        '  NetworkPolicy shop-gray',
        '',
      ];
      await eventually('the application to be gone from the list', async () =>
        (await clean()).out.includes('nothing is left behind'),
      );
      const named = await clean(...spot());
      expect(named.out).toContain(whole.join('\n'));
      expect(named.out).toContain(
        `to remove it: sluice env clean prod ${spot().join(' ')} --yes --reason TEXT`,
      );
      const name = `beside-${lost.namespace}`;
      const environments = [{ name: 'prod', type: 'prod', namespace: lost.namespace }];
      const beside = { name, image: lost.repository, environments };
      expect((await lost.call('PUT', `/v1/applications/${name}`, beside)).status).toBe(201);
      const shown = await eventually('it to be listed', async () => {
        const ran = await clean();
        return ran.out.includes(lost.applicationName) ? ran : null;
      });
      expect(shown.out).toContain(whole.join('\n'));
    });

    it('goes like any other, and no request fails', async () => {
      const ran = await clean('--yes', '--reason', 'the application was given up');
      expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('\n1 removed\n') });
      expect(await lost.snapshot()).toEqual(before);
      expect(await lost.leftovers()).toEqual([]);
      const now = Date.now();
      await eventually('answers after it', () => load.summary().records.some((r) => r.at > now + 500));
      expect(load.summary().byFailure).toEqual({});
      expect(await clean(...spot())).toMatchObject({ code: 0, out: 'nothing is left behind in prod\n' });
    });

    it('stays where the release is not known, or is at work', async () => {
      const { namespace, kube } = lost;
      const services = `/api/v1/namespaces/${namespace}/services`;
      const labels = {
        'sluice.dev/release': 'lost22222222',
        'sluice.dev/application': lost.applicationName,
        'sluice.dev/lane': 'blue',
      };
      await kube.create(services, {
        metadata: { name: 'shop-blue', namespace, labels },
        spec: { ports: [{ port: 80 }] },
      });
      const unknown = await clean('--yes', '--reason', 'unknown');
      expect(unknown.code).toBe(11);
      expect(unknown.out).toContain(
        `  Service shop-blue\n  ! not removed: ${lost.applicationName} is not declared there, and this server does not know`,
      );
      await kube.delete(`${services}/shop-blue`);

      const handle = busy.temporal.workflow.getHandle(applicationWorkflowId(busy.applicationName));
      await handle.terminate('by force');
      await eventually('it to be declared no more', async () => {
        const query = `WorkflowId = '${handle.workflowId}' AND ExecutionStatus = 'Running'`;
        return (await busy.temporal.workflow.count(query)).count === 0;
      });
      const view = await busy.view(alive);
      const left = await busy.leftovers();
      const atWork = await clean('--namespace', busy.namespace, '--yes', '--reason', 'at work');
      expect(atWork).toMatchObject({ code: 0, out: 'nothing is left behind in prod\n' });
      expect(await busy.leftovers()).toEqual(left);
      expect(await busy.view(alive)).toEqual(view);
    });
  });
});
