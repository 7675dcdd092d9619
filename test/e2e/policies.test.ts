/** What grants rights to stable's pods by label, or watches them, holds for gray while it is there; nobody takes gray's pods for stable's. */
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObserveInput, ObserveResult } from '../../activities/contract.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import { everywhere, resources } from '../../activities/kubernetes/resources.js';
import { observeActivities } from '../../activities/kubernetes/observe.js';
import { lookAtRoute } from '../../activities/traffic/activities.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { until } from '../../infra/local/parts.js';
import { forbid } from '../rig/admission.js';
import { defineMonitors } from '../rig/definitions.js';
import { findLeftovers } from '../../activities/kubernetes/leftovers.js';
import { applyObjects } from '../../infra/local/apply.js';
import { discovered } from '../../infra/local/stack/istio.js';
import { failureOf, Shop } from './shop.js';

const namespace = 'policies-test';
const shop = new Shop(namespace);

const web = { matchLabels: { app: 'web' } };
const own = { 'sluice.dev/application': 'web', 'sluice.dev/lane': 'gray' };
const ports = [{ port: 5432, protocol: 'TCP' }];

/** Group and version, plural, kind, name, spec, and the copy's name and what of its spec differs; null: none. */
type Row = readonly [
  string,
  string,
  string,
  string,
  object,
  string | null,
  ((labels: object) => object) | null,
];
const rows: readonly Row[] = [
  [
    'networking.k8s.io/v1',
    'networkpolicies',
    'NetworkPolicy',
    'web',
    { podSelector: web, policyTypes: ['Ingress'] },
    'web-gray',
    (l) => ({ podSelector: { matchLabels: l } }),
  ],
  [
    'networking.k8s.io/v1',
    'networkpolicies',
    'NetworkPolicy',
    'all',
    { podSelector: {}, policyTypes: ['Egress'] },
    null,
    null,
  ],
  [
    'networking.k8s.io/v1',
    'networkpolicies',
    'NetworkPolicy',
    'db',
    {
      podSelector: { matchLabels: { app: 'db' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: web }], ports }],
    },
    'db-peers-web-gray',
    (l) => ({ ingress: [{ from: [{ podSelector: { matchLabels: l } }], ports }] }),
  ],
  [
    'monitoring.coreos.com/v1',
    'servicemonitors',
    'ServiceMonitor',
    'team',
    { selector: web, endpoints: [{ port: 'http' }] },
    null,
    null,
  ],
  [
    'monitoring.coreos.com/v1',
    'servicemonitors',
    'ServiceMonitor',
    'chart',
    { selector: { matchLabels: { 'app.kubernetes.io/instance': 'web' } }, endpoints: [{ port: 'http' }] },
    'chart-web-gray',
    () => ({ selector: { matchLabels: expect.objectContaining(own) as object } }),
  ],
  [
    'monitoring.coreos.com/v1',
    'podmonitors',
    'PodMonitor',
    'pods',
    { selector: web, podMetricsEndpoints: [{ port: 'http' }] },
    'pods-web-gray',
    (l) => ({ selector: { matchLabels: l } }),
  ],
  [
    'security.istio.io/v1',
    'authorizationpolicies',
    'AuthorizationPolicy',
    'callers',
    { selector: web, rules: [{}] },
    'callers-web-gray',
    (l) => ({ selector: { matchLabels: l } }),
  ],
  [
    'security.istio.io/v1',
    'peerauthentications',
    'PeerAuthentication',
    'strict',
    { selector: web, mtls: { mode: 'STRICT' } },
    'strict-web-gray',
    (l) => ({ selector: { matchLabels: l } }),
  ],
  [
    'security.istio.io/v1',
    'requestauthentications',
    'RequestAuthentication',
    'everybody',
    { jwtRules: [] },
    null,
    null,
  ],
  [
    'networking.istio.io/v1',
    'sidecars',
    'Sidecar',
    'web',
    { workloadSelector: { labels: { app: 'web' } }, egress: [{ hosts: ['./*'] }] },
    'web-gray',
    (l) => ({ workloadSelector: { labels: l } }),
  ],
  [
    'networking.istio.io/v1alpha3',
    'envoyfilters',
    'EnvoyFilter',
    'limits',
    { workloadSelector: { labels: { app: 'web' } }, configPatches: [] },
    'limits-web-gray',
    (l) => ({ workloadSelector: { labels: l } }),
  ],
  [
    'extensions.istio.io/v1alpha1',
    'wasmplugins',
    'WasmPlugin',
    'auth',
    { selector: web, url: 'oci://r.example/auth:1' },
    'auth-web-gray',
    (l) => ({ selector: { matchLabels: l } }),
  ],
  [
    'telemetry.istio.io/v1',
    'telemetries',
    'Telemetry',
    'logs',
    { selector: web, accessLogging: [{ disabled: true }] },
    'logs-web-gray',
    (l) => ({ selector: { matchLabels: l } }),
  ],
];

const at = (group: string, plural: string): string => `/apis/${group}/namespaces/${namespace}/${plural}`;
const copies = async (): Promise<KubeObject[]> => {
  const kinds = new Set(rows.map(([group, plural]) => at(group, plural)));
  const selector = encodeURIComponent('sluice.dev/release');
  const lists = [...kinds].map((path) => shop.items(`${path}?labelSelector=${selector}`));
  return (await Promise.all(lists)).flat();
};

beforeAll(async () => {
  await Promise.all([shop.push('v1'), shop.push('v2'), defineMonitors(shop.kube)]);
  await shop.install('web', { replicas: 1 });
  const labels = { app: 'web', 'app.kubernetes.io/instance': 'web' };
  await shop.kube.patch(`${shop.paths.services}/web`, 'merge', { metadata: { labels } });
  for (const [apiVersion, plural, kind, name, spec] of rows)
    await shop.kube.create(at(apiVersion, plural), { apiVersion, kind, metadata: { name, namespace }, spec });
});
afterAll(() => shop.remove());

const declared = (name: string) => ({
  name,
  image: `${shop.stack.registry}/shop`,
  traffic: { router: 'gateway-api' as const },
  environments: [{ name: 'prod', type: 'prod' as const, namespace }],
});
const look = (cluster = shop.cluster, name = 'web'): Promise<ObserveResult> => {
  const application = declared(name);
  const { observe } = observeActivities({ clusters: () => cluster, lookAtRoute });
  const input = { application, environment: 'prod', lane: null };
  return new MockActivityEnvironment().run<[ObserveInput], ObserveResult, typeof observe>(observe, input);
};

describe('what holds for stable by label', () => {
  it('is named in the plan where it is copied', async () => {
    const { observation, problems } = await look();
    expect(problems).toEqual([]);
    const named = rows.flatMap(([, , kind, name, , copy]) =>
      copy === null ? [] : [`${kind} "${name}" would miss gray, whose labels differ: a copy "${copy}"`],
    );
    expect(observation?.warnings?.map((w) => w.split(' is made')[0]).toSorted()).toEqual(named.toSorted());
  });

  it('is refused in the plan where the worker may not copy it, and what may not be listed is a warning', async () => {
    const { observation, problems } = await look(await limited());
    expect(problems.map((p) => [p.code, p.message.split(' holds')[0]])).toEqual([
      ['policy_not_copied', 'NetworkPolicy "db"'],
      ['policy_not_copied', 'NetworkPolicy "web"'],
    ]);
    expect(problems[0]?.message).toContain('the worker may not create or delete it');
    expect(observation?.warnings?.at(-1)).toMatch(
      /^The worker sees NetworkPolicy of namespace "policies-test" only: one of another namespace that names web by label/,
    );
    expect(observation?.warnings?.at(-2)).toMatch(
      /^The worker may not list ServiceMonitor, PodMonitor, AuthorizationPolicy, PeerAuthentication, RequestAuthentication, Sidecar, EnvoyFilter, WasmPlugin, Telemetry in/,
    );
  });

  it('is copied for gray before its pods, with their labels, and only where it would miss them', async () => {
    await shop.run('deployGray', shop.target('web', 'v2'), { replicas: 1 });
    const { spec } = await shop.deployment('web-gray');
    const labels = spec.selector?.matchLabels ?? {};
    const made = await copies();
    expect(made.map((o) => o.metadata.name).toSorted()).toEqual(rows.flatMap((r) => r[5] ?? []).toSorted());
    for (const [group, plural, , , before, copy, differs] of rows) {
      if (copy === null || differs === null) continue;
      const object = await shop.kube.get<KubeObject & { spec: object }>(`${at(group, plural)}/${copy}`);
      expect(object.spec).toEqual({ ...before, ...differs(labels) });
      expect(object.metadata.labels).toMatchObject({ ...own, 'sluice.dev/release': 'r1' });
    }
    const service = await shop.kube.get(`${shop.paths.services}/web-gray`);
    expect(service.metadata.labels).toMatchObject(own);
  });

  it('goes with gray, by a worker that did not make it as well; what the user has stays', async () => {
    const another = new Shop(namespace);
    await another.push('v2');
    await another.run('removeGray', another.target('web', 'v2'));
    another.kube.close();
    expect(await copies()).toEqual([]);
    for (const [group, plural, , name] of rows)
      await expect(shop.kube.get(`${at(group, plural)}/${name}`)).resolves.toBeDefined();
  });

  it('that the API server does not take is named, before any pod of gray', async () => {
    const rule = { group: 'networking.istio.io', plural: 'sidecars', operations: ['CREATE'] as const };
    const { lift } = await forbid(shop, { ...rule, message: 'one is enough' });
    try {
      const failure = await failureOf(shop.run('deployGray', shop.target('web', 'v2'), { replicas: 1 }));
      expect(failure).toMatchObject({ code: 'policy_not_copied' });
      expect(failure.message).toMatch(/Sidecar "web" .*"web-gray", cannot be made: .*one is enough/);
      await expect(shop.deployment('web-gray')).rejects.toMatchObject({ status: 404 });
    } finally {
      await lift();
    }
    await shop.run('removeGray', shop.target('web', 'v2'));
    expect(await copies()).toEqual([]);
  });
});

describe('what holds for the Service of stable by its name', () => {
  const policies = at('security.istio.io/v1', 'authorizationpolicies');
  const to = (name: string) => ({ kind: 'Service', group: '', name });
  const policy = (name: string, ...targetRefs: object[]): Promise<KubeObject> =>
    shop.kube.create(policies, {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name, namespace },
      spec: { targetRefs, rules: [{}] },
    });
  const refused = async (): Promise<readonly string[]> =>
    (await look(shop.cluster, 'bound')).problems.map((p) => `${p.code} ${p.message.split(' is')[0]}`);

  it('is refused in the plan and before any pod of gray, and fine once it holds for that of gray', async () => {
    await shop.install('bound', { replicas: 1 });
    const gateway = { kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'bound' };
    await policy('edge', gateway);
    await policy('waypoint', to('bound'));
    await until('the worker knows the policy', async () =>
      expect(await refused()).toEqual(['policy_bound AuthorizationPolicy "waypoint"']),
    );
    const target = shop.target('bound', 'v2');
    const failure = await failureOf(shop.run('deployGray', target, { replicas: 1 }));
    expect(failure).toMatchObject({
      code: 'policy_bound',
      remedy: expect.stringContaining('named "waypoint-bound-gray"'),
    });
    await expect(shop.deployment('bound-gray')).rejects.toMatchObject({ status: 404 });

    await policy('waypoint-bound-gray', to('bound-gray'));
    await until('the worker knows that of gray', async () => expect(await refused()).toEqual([]));
    await shop.run('deployGray', target, { replicas: 1 });
    await shop.run('removeGray', target);
    const left = (await shop.items(policies)).map((o) => o.metadata.name);
    expect(left).toEqual(expect.arrayContaining(['edge', 'waypoint', 'waypoint-bound-gray']));
  });
});

describe('what two gray tracks of one namespace need', () => {
  const policies = at('networking.k8s.io/v1', 'networkpolicies');
  const policy = (name: string, app: string, from: string): Promise<KubeObject> => {
    const podSelector = { matchLabels: { app } };
    const ingress = [{ from: [{ podSelector: { matchLabels: { app: from } } }] }];
    return shop.kube.create(policies, { metadata: { name, namespace }, spec: { podSelector, ingress } });
  };
  const specOf = async (name: string): Promise<unknown> => {
    const { spec } = await shop.kube.get<KubeObject & { spec: object }>(`${policies}/${name}`);
    return spec;
  };
  const selects = async (name: string): Promise<object> => {
    const { spec } = await shop.deployment(name);
    return { podSelector: { matchLabels: spec.selector?.matchLabels } };
  };

  it('in a lane: gray of the caller may speak to gray of the called, which was made after the pre-flight', async () => {
    await shop.install('back', { replicas: 1 });
    await shop.install('front', { replicas: 1 });
    await policy('back', 'back', 'front');
    await until('the worker knows the policy', async () => {
      const { observation } = await look(shop.cluster, 'back');
      expect(observation?.warnings?.join()).toContain('NetworkPolicy "back"');
    });
    await look(shop.cluster, 'front');
    const [back, front] = [shop.target('back', 'v2'), shop.target('front', 'v2', { level: 1 })];
    await shop.run('deployGray', back, { replicas: 1 });
    await shop.run('deployGray', front, { replicas: 1 });
    expect(await specOf('back-gray-peers-front-gray')).toMatchObject({
      ...(await selects('back-gray')),
      ingress: [{ from: [await selects('front-gray')] }],
    });
    for (const target of [front, back]) await shop.run('removeGray', target);
    expect(await copies()).toEqual([]);
  });

  it('of two environments: neither takes away what is for the other', async () => {
    for (const name of ['one', 'two']) {
      await shop.install(name, { replicas: 1 });
      await policy(name, name, 'front');
    }
    const of = (name: string) => shop.target(name, 'v2', { application: 'both', environment: name });
    const [one, two] = [of('one'), of('two')];
    await until('the worker knows the policies', async () => {
      const { observation } = await look(shop.cluster, 'two');
      expect(observation?.warnings?.join()).toContain('NetworkPolicy "two"');
    });
    await shop.run('deployGray', one, { replicas: 1 });
    await shop.run('deployGray', two, { replicas: 1, release: 'r2' });
    const names = async (): Promise<string[]> => (await copies()).map((o) => o.metadata.name).toSorted();
    expect(await names()).toEqual(['one-gray', 'two-gray']);
    // By a worker that did not make it.
    const another = new Shop(namespace);
    await another.push('v2');
    await another.run('removeGray', two, { release: 'r2' });
    another.kube.close();
    expect(await names()).toEqual(['one-gray']);
    await shop.run('removeGray', one);
    expect(await names()).toEqual([]);
  });
});

describe('what other namespaces have for stable by label', () => {
  const data = `${namespace}-data`;
  const istio = '/apis/security.istio.io/v1/namespaces/istio-system/authorizationpolicies';
  const policies = `/apis/networking.k8s.io/v1/namespaces/${data}/networkpolicies`;
  const monitors = `/apis/monitoring.coreos.com/v1/namespaces/${data}/podmonitors`;
  const rooted = { matchLabels: { app: 'rooted' } };
  const here = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  const peer = (namespaceSelector: object) => [{ podSelector: rooted, namespaceSelector }];
  const made = [
    [policies, `db-peers-${namespace}-rooted-gray`],
    [policies, `team-peers-${namespace}-rooted-gray`],
    [monitors, `pods-${namespace}-rooted-gray`],
    [istio.replace('istio-system', namespace), 'rooted-istio-system-rooted-gray'],
  ] as const;
  const there = async (): Promise<string[]> => {
    const lists = await Promise.all([...new Set(made.map(([path]) => path))].map((path) => shop.items(path)));
    return lists
      .flat()
      .flatMap(({ metadata }) => (metadata.labels?.['sluice.dev/release'] ? [metadata.name] : []));
  };
  const names = made.map(([, name]) => name).toSorted();

  beforeAll(async () => {
    const { kube } = shop;
    await shop.install('rooted', { replicas: 1 });
    const space = (name: string, labels = {}) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
    // As an istiod beside finds its own, which it would look at no more without its label.
    await applyObjects(kube, [space(data), space('istio-system', discovered)]);
    await kube.patch(`/api/v1/namespaces/${namespace}`, 'merge', { metadata: { labels: { team: 'shop' } } });
    const policy = (name: string, namespaceSelector: object): Promise<KubeObject> => {
      const spec = {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: peer(namespaceSelector), ports }],
      };
      return kube.create(policies, { metadata: { name, namespace: data }, spec });
    };
    await policy('db', here);
    await policy('team', { matchLabels: { team: 'shop' } });
    await policy('others', { matchLabels: { team: 'others' } });
    const namespaceSelector = { matchNames: [namespace, data] };
    const podMetricsEndpoints = [{ port: 'http' }];
    await kube.create(monitors, {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: 'pods', namespace: data },
      spec: { selector: rooted, namespaceSelector, podMetricsEndpoints },
    });
    await kube.create(istio, {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'rooted', namespace: 'istio-system' },
      spec: { selector: rooted, rules: [{}] },
    });
  });
  afterAll(async () => {
    await shop.kube.delete(`${istio}/rooted`);
    await shop.kube.delete(`/api/v1/namespaces/${data}`);
  });

  it('is named in the plan with its namespace, and refused where the worker may only read there', async () => {
    const { observation, problems } = await until('the worker knows them', async () => {
      const seen = await look(shop.cluster, 'rooted');
      expect(seen.observation?.warnings?.map((w) => w.split(' would miss')[0])).toEqual(
        expect.arrayContaining([
          ...['NetworkPolicy "db"', 'NetworkPolicy "team"', 'PodMonitor "pods"'].map(
            (n) => `${n} of namespace "${data}"`,
          ),
          'AuthorizationPolicy "rooted" of namespace "istio-system"',
        ]),
      );
      return seen;
    });
    expect(problems).toEqual([]);
    expect(JSON.stringify(observation)).not.toContain('"others\\"');
    const reader = await reading(await limited('reader'));
    const refused = await look(reader, 'rooted');
    const mayNot = (what: string, at: string): unknown =>
      expect.stringMatching(
        new RegExp(`^${what} .*the worker may not create or delete it in namespace "${at}"`),
      );
    expect(refused.problems.map((p) => p.message)).toEqual([
      mayNot('NetworkPolicy "db" of namespace', data),
      mayNot('NetworkPolicy "team" of namespace', data),
      mayNot('PodMonitor "pods" of namespace', data),
      mayNot('AuthorizationPolicy "rooted" of namespace', namespace),
    ]);
  });

  it('is copied beside it, for gray of this namespace alone', async () => {
    await shop.run('deployGray', shop.target('rooted', 'v2'), { replicas: 1 });
    const { matchLabels } = (await shop.deployment('rooted-gray')).spec.selector ?? {};
    expect((await there()).toSorted()).toEqual(names);
    const specOf = async (index: number): Promise<unknown> => {
      const [path, name] = made[index]!;
      return (await shop.kube.get<KubeObject & { spec: object }>(`${path}/${name}`)).spec;
    };
    expect(await specOf(0)).toMatchObject({
      ingress: [{ from: [{ podSelector: { matchLabels }, namespaceSelector: here }], ports }],
    });
    expect(await specOf(2)).toMatchObject({
      selector: { matchLabels },
      namespaceSelector: { matchNames: [namespace] },
    });
    expect(await specOf(3)).toMatchObject({ selector: { matchLabels } });
  });

  it('is found as left, and goes with gray by a worker that did not make it', async () => {
    const another = new Shop(namespace);
    await another.push('v2');
    const application = declared('rooted');
    const errand = { cluster: 'default', environment: 'prod', applications: [application] };
    const { leftovers, unseen } = await findLeftovers(
      { clusters: () => another.cluster },
      errand,
      new AbortController().signal,
    );
    expect(unseen).toEqual([]);
    expect(leftovers.flatMap((l) => l.objects)).toEqual(
      expect.arrayContaining([`PodMonitor ${data}/pods-${namespace}-rooted-gray`, 'Deployment rooted-gray']),
    );
    await another.run('removeGray', another.target('rooted', 'v2'));
    another.kube.close();
    expect(await there()).toEqual([]);
    expect((await shop.items(policies)).map((o) => o.metadata.name).toSorted()).toEqual([
      'db',
      'others',
      'team',
    ]);
  });

  it('goes by the worker that made it as well', async () => {
    await shop.run('deployGray', shop.target('rooted', 'v2'), { replicas: 1 });
    expect((await there()).toSorted()).toEqual(names);
    await shop.run('removeGray', shop.target('rooted', 'v2'));
    expect(await there()).toEqual([]);
  });
});

describe('what would take pods of gray for those of stable', () => {
  it('is named before the write, where it came after the pre-flight', async () => {
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    const spec = { maxUnavailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } };
    await shop.kube.create(path, { metadata: { name: 'wide', namespace }, spec });
    await until('the worker knows the budget', async () => {
      const failure = await failureOf(shop.run('deployGray', shop.target('web', 'v2'), { replicas: 1 }));
      expect(failure).toMatchObject({
        code: 'gray_would_match',
        message: expect.stringContaining('"PodDisruptionBudget wide"'),
      });
    });
    await expect(shop.deployment('web-gray')).rejects.toMatchObject({ status: 404 });
    await shop.kube.delete(`${path}/wide`);
  });
});

/** A cluster as a worker sees it that has the rights of a release, and may only read NetworkPolicies. */
async function limited(name = 'limited'): Promise<Cluster> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name, namespace };
  const rules = [
    { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['*'] },
    { apiGroups: [''], resources: ['services', 'pods'], verbs: ['*'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
    { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: ['get', 'patch'] },
    { apiGroups: ['policy', 'autoscaling', 'networking.k8s.io'], resources: ['*'], verbs: ['list', 'watch'] },
  ];
  await shop.kube.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
  await shop.kube.create(`${rbac}/roles`, { metadata, rules });
  await shop.kube.create(`${rbac}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const { status } = await shop.kube.create<{ status: { token: string } }>(path, request);
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name, server: shop.stack.kubeUrl, skipTLSVerify: true },
    { name, token: status.token },
  );
  const cluster = new Cluster(name, config);
  await until(
    'its rights are known',
    async () => void (await cluster.list(resources.networkpolicies, namespace)),
  );
  return cluster;
}

/** The same with the ClusterRole of infra/kubernetes/rbac.yaml. */
async function reading(cluster: Cluster): Promise<Cluster> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const text = await readFile(new URL('../../infra/kubernetes/rbac.yaml', import.meta.url), 'utf8');
  const role = parseAllDocuments(text)
    .map((d) => d.toJS() as KubeObject)
    .find((o) => o.kind === 'ClusterRole')!;
  const { name } = role.metadata;
  await shop.kube.create(`${rbac}/clusterroles`, role);
  await shop.kube.create(`${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name: cluster.name, namespace }],
  });
  await until(
    'it may read everywhere',
    async () => void (await cluster.list(resources.networkpolicies, everywhere)),
  );
  return cluster;
}
