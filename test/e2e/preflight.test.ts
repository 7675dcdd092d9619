import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObserveInput, ObserveResult } from '../../activities/contract.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import { resources } from '../../activities/kubernetes/resources.js';
import { observeActivities } from '../../activities/kubernetes/observe.js';
import { workloadActivities } from '../../activities/kubernetes/workload.js';
import { lookAtRoute } from '../../activities/traffic/activities.js';
import type { Application } from '../../domain/application.js';
import { until } from '../../infra/local/parts.js';
import { Shop } from './shop.js';

const namespace = 'preflight-test';
const shop = new Shop(namespace);

beforeAll(async () => {
  await Promise.all([shop.push('v1'), shop.push('v2')]);
});
afterAll(() => shop.remove());

describe('the pre-flight', () => {
  const spec = (name: string, change: Partial<Application> = {}): Application => ({
    name,
    image: `${shop.stack.registry}/shop`,
    traffic: { router: 'gateway-api' },
    environments: [{ name: 'prod', type: 'prod', namespace }],
    ...change,
  });
  const look = async (application: Application, at: Cluster = shop.cluster) => {
    const input: ObserveInput = { application, environment: 'prod', lane: null };
    const { observe } = observeActivities({ clusters: () => at, lookAtRoute });
    return new MockActivityEnvironment().run<[ObserveInput], ObserveResult, typeof observe>(observe, input);
  };
  const codes = async (application: Application, at?: Cluster) =>
    (await look(application, at)).problems.map((p) => p.code);

  it('answers what runs and finds nothing wrong', async () => {
    await shop.install('seen');
    await shop.install('other', { replicas: 1 });
    const begun = Date.now();
    const result = await look(spec('seen'));
    console.log(`observe: ${Date.now() - begun} ms, ${(await shop.requestsSince(begun)).length} requests`);
    expect(result).toEqual({
      observation: {
        application: 'seen',
        environment: 'prod',
        exists: true,
        stableImage: shop.tagged('v1'),
        stableDigest: shop.digests.get('v1'),
        replicas: 2,
        readyReplicas: 2,
        container: 'app',
      },
      problems: [],
    });
  });

  it.each<[string, Partial<Application>, string[]]>([
    [
      'a namespace',
      { environments: [{ name: 'prod', type: 'prod', namespace: 'nowhere' }] },
      ['namespace_unknown'],
    ],
    ['a Deployment', { workload: { name: 'nowhere' } }, ['workload_unknown']],
    ['a container', { workload: { container: 'main' } }, ['container_unknown']],
    [
      'a Service and a route at once',
      { traffic: { router: 'gateway-api', service: 'x', route: 'y' } },
      ['service_unknown', 'route_unknown'],
    ],
    ['a port', { traffic: { router: 'gateway-api', port: 81 } }, ['service_port_unknown', 'route_unfit']],
  ])('names %s that does not exist', async (_, change, expected) => {
    const { problems } = await look(spec('seen', change));
    expect(problems.map((p) => p.code)).toEqual(expected);
  });

  it('names a Service of other pods, a foreign object with the name of gray, and a budget over everything', async () => {
    await shop.kube.create(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'everything', namespace },
      spec: { maxUnavailable: 1, selector: {} },
    });
    await shop.kube.create(shop.paths.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'seen-gray', namespace },
      spec: { ports: [{ port: 80 }] },
    });
    const mismatched = spec('seen', { traffic: { router: 'gateway-api', service: 'other' } });
    await until('the worker knows the budget', async () =>
      expect(await codes(mismatched)).toEqual(
        expect.arrayContaining(['service_mismatch', 'gray_name_taken', 'gray_would_match']),
      ),
    );
    await shop.kube.delete(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/everything`);
    await shop.kube.delete(`${shop.paths.services}/seen-gray`);
  });

  it('names a label by which stable would be taken for gray, live or declared', async () => {
    const grayLabels = { 'alicloud.service.tag': '{{tag}}' };
    const objects = (name: string, labels: object) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'seen' } },
        template: {
          metadata: { labels: { app: 'seen', ...labels } },
          spec: { containers: [{ name: 'app', image: shop.tagged('v1') }] },
        },
      },
    });
    const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const tag = { 'alicloud.service.tag': 'gray' };
    const traffic = { router: 'gateway-api', service: 'seen', route: 'seen' } as const;
    const of = (name: string, more: object = {}) =>
      spec(name, { traffic, workload: { grayLabels, ...more } });
    const alike = { code: 'labels_not_apart', pointer: '/workload/grayLabels/alicloud.service.tag' };
    await shop.kube.create(deployments, objects('alike', tag));
    await shop.kube.create(deployments, objects('apart', { 'alicloud.service.tag': 'blue' }));
    expect((await look(of('alike'))).problems).toEqual([expect.objectContaining(alike)]);
    const apart = await look(of('apart'));
    expect(apart.problems).toEqual([]);
    expect(apart.observation?.warnings).toEqual([expect.stringContaining('alicloud.service.tag "blue"')]);
    const manifest = objects('declared', tag);
    expect((await look(of('declared', { manifest }))).problems).toEqual([expect.objectContaining(alike)]);
    for (const name of ['alike', 'apart']) await shop.kube.delete(`${deployments}/${name}`);
  });

  it('names what a worker with too few rights may not do, all of it at once', async () => {
    const limited = await clusterOf('reader', [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['*'] },
    ]);
    const { problems } = await look(spec('seen'), limited);
    expect(problems.map((p) => p.message)).toEqual([
      expect.stringContaining('may not create, patch, delete deployments'),
      expect.stringContaining('may not list replicasets'),
      expect.stringContaining('may not list endpointslices'),
      expect.stringContaining('may not get, patch httproutes'),
    ]);
    expect(await codes(spec('seen'), await clusterOf('nobody', []))).toEqual(
      Array.from({ length: 6 }, () => 'cluster_denied'),
    );
  });

  it('is content with exactly the rights that a release needs, and a release with them', async () => {
    const exact = await clusterOf('exact', [
      {
        apiGroups: ['apps'],
        resources: ['deployments'],
        verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
      },
      { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'create', 'delete'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
      {
        apiGroups: ['gateway.networking.k8s.io'],
        resources: ['httproutes'],
        verbs: ['get', 'patch'],
        resourceNames: ['seen'],
      },
    ]);
    expect(await look(spec('seen'), exact)).toMatchObject({ problems: [] });
    const { deployGray, deployStable, revertStable, removeGray } = workloadActivities({
      clusters: () => exact,
    });
    const input = { release: 'r1', target: shop.target('seen', 'v2'), replicas: 1 };
    const environment = new MockActivityEnvironment({ scheduledTimestampMs: Date.now() });
    for (const activity of [deployGray, deployStable, revertStable, removeGray]) {
      expect(await environment.run(activity, input)).toMatchObject({ changed: true });
    }
  });

  /** A cluster as a service account with just those rights sees it. */
  async function clusterOf(name: string, rules: readonly object[]): Promise<Cluster> {
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const metadata = { name, namespace };
    await shop.kube.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
    await shop.kube.create(`${rbac}/roles`, { metadata, rules });
    await shop.kube.create(`${rbac}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = await shop.kube.create<{ status: { token: string } }>(path, request);
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name, server: shop.stack.kubeUrl, skipTLSVerify: true },
      { name, token: status.token },
    );
    const limited = new Cluster('default', config);
    await until(`the rights of ${name} are known`, async () => {
      if (rules.length > 0) await limited.list(resources.pods, namespace);
    });
    return limited;
  }
});
