/** Two clusters, a worker in each with the credentials of its own: a release goes through both, and outlives that one is away. */
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Application, ReleaseInput } from '../../domain/application.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { sampleObjects, sampleRoute } from '../../infra/local/sample.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { startSecondCluster, type SecondCluster } from '../rig/second-cluster.js';
import { bytesOf, leftovers, snapshot } from '../rig/snapshot.js';
import { WorkerProcess } from '../rig/worker-process.js';
import { World } from '../rig/world.js';

const stack = inject('stack');
const folder = mkdtempSync(join(tmpdir(), 'sluice-clusters-'));
let second: SecondCluster;
/** Each before the API server of one cluster, for the worker of that one. */
let proxies: { readonly one: KubeProxy; readonly two: KubeProxy };
let world: World;
let worker: WorkerProcess;

beforeAll(async () => {
  const [cluster, one] = await Promise.all([startSecondCluster(stack), KubeProxy.start(stack)]);
  second = cluster;
  proxies = { one, two: await KubeProxy.start(second.info) };
  world = await World.create(stack, {
    replicas: 1,
    served: false,
    workerEnv: { KUBECONFIG: proxies.one.kubeconfig },
  });
  const file = join(folder, 'clusters.json');
  writeFileSync(file, JSON.stringify([{ name: 'two', kubeconfig: proxies.two.kubeconfig }]));
  worker = await WorkerProcess.create(stack, world.taskQueue, {
    SLUICE_CLUSTERS_FILE: file,
    KUBECONFIG: proxies.two.kubeconfig,
  });
  await Promise.all([worker.start(), applyObjects(second.kube, inSecond())]);
  await eventually('stable to be available in the second cluster', async () => {
    const path = `/apis/apps/v1/namespaces/${world.namespace}/deployments/shop`;
    const { status } = await second.kube.get<{ status?: { availableReplicas?: number } }>(path);
    return status?.availableReplicas === 1;
  });
});
afterAll(async () => {
  await worker.kill();
  await world.close();
  for (const proxy of [proxies.one, proxies.two]) await proxy.close();
  await second.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the user has there: the same application behind a VirtualService. */
function inSecond(): KubeObject[] {
  const { namespace, name, repository } = world;
  const options = { namespace, name, image: `${repository}:v1`, replicas: 1 };
  const route = sampleRoute('istio', { ...options, gateway: stack.gateway });
  return [...sampleObjects(options), route] as KubeObject[];
}
const own = (): KubeObject[] => inSecond().filter((o) => o.kind !== 'Namespace');

function shop(prod: ReleaseInput): Application {
  const { namespace } = world;
  const { traffic: _, ...application } = world.application();
  return {
    ...application,
    environments: [
      { name: 'test', type: 'test', namespace, release: { strategy: 'rolling' } },
      {
        name: 'prod',
        type: 'prod',
        cluster: 'two',
        namespace,
        traffic: { router: 'istio', route: 'shop', service: 'shop' },
        release: { strategy: 'canary', ...prod },
      },
    ],
  };
}

/** Objects that a worker changed, as the API server of a cluster recorded it: "verb resource name". */
function changes(auditLog: string): string[] {
  const entries = readFileSync(auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(world.namespace) && line.includes('"userAgent":"sluice"'))
    .map((line) => JSON.parse(line) as Audited);
  const written = entries.filter((e) => ['create', 'patch', 'update', 'delete'].includes(e.verb));
  return [...new Set(written.map((e) => `${e.verb} ${e.objectRef?.resource} ${e.objectRef?.name}`))]
    .filter((change) => !change.includes('selfsubject'))
    .toSorted();
}
interface Audited {
  readonly verb: string;
  readonly objectRef?: { readonly resource: string; readonly name?: string };
}

/** Nothing of the second cluster is there from now on; answers what brings it back. */
function cut(): () => void {
  const { remove } = proxies.two.rule({}, { kind: 'drop' });
  proxies.two.sever();
  return remove;
}

describe('two clusters', () => {
  it('each stage is carried out by the worker of its cluster; a worker or a cluster that is away in between is waited for, and named', async () => {
    await world.declare(
      shop({
        steps: [
          { weight: 50, hold: '10m' },
          { weight: 100, hold: '200ms' },
        ],
      }),
    );
    const id = await world.release('v2');
    await world.until(id, 'at 50 %', (v) => v.phase === 'holding' && v.applications[0]?.grayWeight === 50);
    await worker.kill();
    expect((await world.steer(id, 'skip')).status).toBe(200);
    await world.until(id, 'waiting for a worker', (v) =>
      /no worker that serves its cluster/.test(v.waitingOn?.what ?? ''),
    );
    const restore = cut();
    await worker.start();
    const away = await world.until(id, 'waiting for the cluster', (v) =>
      /Cluster "two" cannot be reached/.test(v.waitingOn?.what ?? ''),
    );
    expect(away.waitingOn).toMatchObject({ until: expect.stringMatching(/^20/), can: ['abort'] });
    restore();
    const { outcome, plan } = await world.ended(id);
    expect(outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expect(plan?.stages.map((s) => s.targets[0]?.cluster)).toEqual(['default', 'two']);

    expect(changes(stack.auditLog)).toEqual(['patch deployments shop']);
    const inTwo = changes(second.info.auditLog);
    expect(inTwo).toEqual(
      expect.arrayContaining([
        'create deployments shop-gray',
        'patch deployments shop',
        'patch virtualservices shop',
      ]),
    );
    // All of it came through the proxy that only one of the workers knows.
    const through = (proxy: KubeProxy): number =>
      proxy.requests.filter(
        (r) => ['POST', 'PATCH', 'DELETE'].includes(r.method) && r.path.includes('/apis/apps/'),
      ).length;
    expect([through(proxies.one), through(proxies.two) > 1]).toEqual([1, true]);
    expect(await leftovers(second.kube, world.namespace)).toEqual([]);
  });

  it('a cluster that stays away past the deadline: undone when it is back, and the stage before stays', async () => {
    const before = await snapshot(second.kube, own());
    await world.declare(shop({ progressDeadline: '3s' }));
    const lost = proxies.two.rule({ method: 'POST', path: /\/deployments\?/ }, { kind: 'lose' }, 1);
    const id = await world.release('v3');
    await eventually('gray to be made', () => lost.count === 1, 30_000, 5);
    const restore = cut();
    const undoing = await world.until(id, 'undone', (v) => v.phase === 'rolling_back');
    expect(undoing.steps.find((s) => s.state === 'failed')).toMatchObject({ kind: 'deploy-gray' });
    await world.until(id, 'trying', (v) => /Cluster "two"/.test(v.waitingOn?.what ?? '')).finally(restore);
    const { outcome, applications } = await world.ended(id);
    expect(outcome).toMatchObject({
      phase: 'rolled_back',
      failure: { code: 'cluster_unreachable' },
      left: [],
    });
    expect(await snapshot(second.kube, own())).toEqual(before);
    expect(await leftovers(second.kube, world.namespace)).toEqual([]);
    const stable = await world.kube.get(`/apis/apps/v1/namespaces/${world.namespace}/deployments/shop`);
    expect(bytesOf(stable)).toContain(applications[0]!.digest!);
  });
});
