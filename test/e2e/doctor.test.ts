/** `sluice doctor`: silent about what is well, and each thing that is broken is named with its remedy. */
import { serve, type ServerType } from '@hono/node-server';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '../../activities/kubernetes/kube-config.js';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { diagnosisActivities } from '../../activities/diagnosis/diagnose.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import { createHandler } from '../../api/main.js';
import type { Application } from '../../domain/application.js';
import type { Diagnosis, Errand, ErrandReport, HealthCheck } from '../../domain/diagnosis.js';
import { startLoad } from '../../infra/local/load.js';
import { searchAttributeTypes } from '../../workflows/messages.js';
import { sluice } from '../cli.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { quick, World } from '../rig/world.js';

const judged = {
  ...quick,
  analysis: {
    metrics: [
      { name: 'errors', builtin: 'error-rate', max: 1 },
      { name: 'latency', builtin: 'latency-p99', max: 500 },
    ],
  },
} as const;

let world: World;
const servers: ServerType[] = [];

/** The API behind a port, as the command asks it. */
function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  return new Promise((resolve) => {
    const server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    servers.push(server);
  });
}

interface Examined {
  readonly code: number;
  readonly checks: readonly HealthCheck[];
  /** Those that are not ok, as "state topic subject". */
  readonly complaints: readonly string[];
}

async function examine(url: string, ...args: readonly string[]): Promise<Examined> {
  const { code, out, err } = await sluice(url, ['doctor', ...args, '-o', 'json']);
  if (out === '') throw new Error(err);
  const { checks } = JSON.parse(out) as Diagnosis;
  const complaints = checks.filter((c) => c.state !== 'ok').map((c) => `${c.state} ${c.topic} ${c.subject}`);
  return { code, checks, complaints };
}

const about = (checks: readonly HealthCheck[], topic: HealthCheck['topic']): HealthCheck | undefined =>
  checks.find((c) => c.topic === topic && c.state !== 'ok');

let url: string;
beforeAll(async () => {
  world = await World.create(inject('stack'), { served: false });
  url = await listen((request) => world.api.fetch(request));
  await world.declare(world.application(judged));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await world.close();
});

describe('sluice doctor', () => {
  it('names the series that are not there yet, and is content when they are', async () => {
    const name = world.applicationName;
    const { checks, complaints } = await examine(url, name);
    // A problem rather than a warning where no other Service of this proxy has had a request either.
    expect(complaints).toEqual([
      expect.stringMatching(`(warning|problem) series errors of ${name} in prod`),
      expect.stringMatching(`(warning|problem) series latency of ${name} in prod`),
    ]);
    expect(about(checks, 'series')?.seen).toMatch(/no series envoy_cluster_upstream_rq/);

    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 50 });
    const well = await eventually('the doctor to be content', async () => {
      const ran = await examine(url, name);
      return ran.complaints.length === 0 ? ran : null;
    });
    await load.stop();
    expect(well.code).toBe(0);
    expect(new Set(well.checks.map((c) => c.topic))).toEqual(
      new Set([
        ...(['api', 'token', 'temporal', 'namespace', 'search-attributes', 'workers', 'workflows'] as const),
        ...(['cluster', 'permissions', 'crds', 'application', 'route'] as const),
        ...(['prometheus', 'series', 'registry', 'clock'] as const),
      ]),
    );
    const shown = await sluice(url, ['doctor', name]);
    expect(shown.out).toMatch(/^ok {7}api .*: answered in \d+ ms$/m);
    expect(shown.out).toMatch(/\n\n\d+ ok\n$/);
  });

  it.each<[string, (whole: Application) => Application, string, string]>([
    [
      'a route that is not there',
      (whole) => ({ ...whole, traffic: { ...whole.traffic!, route: 'nowhere' } }),
      'problem route',
      'HTTPRoute "nowhere" does not exist',
    ],
    [
      'a Deployment that is not there',
      (whole) => ({ ...whole, workload: { name: 'nowhere' } }),
      'problem application',
      'Deployment "nowhere" does not exist',
    ],
    [
      'a Prometheus that is away',
      (whole) => ({
        ...whole,
        release: { ...judged, analysis: { ...judged.analysis, prometheus: 'http://127.0.0.1:1' } },
      }),
      'problem prometheus http://127.0.0.1:1',
      'ECONNREFUSED',
    ],
    [
      'a registry that is away',
      (whole) => ({ ...whole, image: '127.0.0.1:1/shop' }),
      'problem registry 127.0.0.1:1/shop',
      'ECONNREFUSED',
    ],
    [
      'a cluster that no worker serves',
      (whole) => ({
        ...whole,
        environments: [...whole.environments, { name: 'eu', type: 'prod', namespace: 'x', cluster: 'eu' }],
      }),
      'problem workers queue',
      'No worker takes up tasks',
    ],
  ])('names %s', async (_, change, complaint, seen) => {
    await world.declare(change(world.application(judged)));
    const { code, complaints, checks } = await examine(url, world.applicationName);
    expect(code).toBe(11);
    expect(complaints.filter((c) => c.startsWith('problem'))).toEqual([expect.stringContaining(complaint)]);
    expect(checks.find((c) => c.state === 'problem')?.seen).toContain(seen);
    expect(checks.find((c) => c.state === 'problem')?.remedy).not.toBeNull();
    await world.declare(world.application(judged));
  });

  it('names each search attribute that a namespace lacks, with the command that adds it', async () => {
    const namespace = `fresh-${randomBytes(4).toString('hex')}`;
    const day = { seconds: 86_400 };
    await world.temporal.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: day as never,
    });
    const api = otherApi({ TEMPORAL_ADDRESS: world.stack.temporal.address, TEMPORAL_NAMESPACE: namespace });
    const fresh = await listen((request) => api.fetch(request));
    const ran = await eventually('the namespace to be known', async () => {
      const found = await examine(fresh);
      return found.complaints.includes(`problem namespace ${namespace}`) ? null : found;
    });
    const missing = ran.checks.filter((c) => c.topic === 'search-attributes');
    expect(missing.map((c) => c.subject)).toEqual(Object.keys(searchAttributeTypes));
    expect(missing[0]?.remedy).toBe(
      `Run: temporal operator search-attribute create --namespace ${namespace} --name SluiceApplications --type KeywordList`,
    );
    expect(ran.code).toBe(11);
    await api.close();
  });

  it('names a Temporal that is away, and says what it could not look at', async () => {
    const api = otherApi({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const { code, complaints } = await examine(await listen((request) => api.fetch(request)));
    expect(code).toBe(11);
    expect(complaints[0]).toBe('problem temporal server');
    expect(complaints.slice(1).every((c) => c.startsWith('skipped'))).toBe(true);
    await api.close();
  });

  it('names a worker that is away', async () => {
    await world.worker.kill('SIGKILL');
    const gone = await examine(url, world.applicationName);
    expect(gone.code).toBe(11);
    expect(gone.complaints[0]).toBe(`problem workflows queue ${world.taskQueue}`);
    await world.worker.start();
    await eventually(
      'a worker to answer',
      async () => (await examine(url, world.applicationName)).code === 0,
    );
  });
});

describe('what a worker sees', () => {
  const examineWith = async (cluster: Cluster): Promise<readonly HealthCheck[]> => {
    const { diagnose } = diagnosisActivities({
      clusters: () => cluster,
      prometheusUrl: world.stack.prometheus,
      prometheusTokenFile: null,
      dockerConfig: null,
      insecureRegistries: [],
    });
    const errand: Errand = { cluster: 'default', application: world.application(judged), registry: true };
    const report = await new MockActivityEnvironment().run<[Errand], ErrandReport, typeof diagnose>(
      diagnose,
      errand,
    );
    return report.checks;
  };

  it('names each right that it lacks, with the line of the role', async () => {
    const rules = [
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['*'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
      { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: ['get'] },
    ];
    const checks = await examineWith(await clusterWith(rules));
    expect(checks.filter((c) => c.topic === 'permissions' && c.state === 'problem')).toMatchObject([
      {
        seen: 'The worker may not create, patch, delete deployments.apps.',
        remedy: expect.stringContaining(
          '- { apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch, delete] }',
        ),
      },
      { seen: 'The worker may not patch httproutes.gateway.networking.k8s.io.' },
    ]);
    const warnings = checks.filter((c) => c.state === 'warning' && c.topic === 'permissions');
    expect(warnings).toHaveLength(6);
    expect(warnings[0]?.seen).toBe('The worker may not watch endpointslices.discovery.k8s.io.');
  });

  it('names a kind that the cluster does not serve', async () => {
    const proxy = await KubeProxy.start(world.stack);
    proxy.refuse({ path: /^\/apis\/gateway\.networking\.k8s\.io/ }, 404);
    const checks = await examineWith(Cluster.fromFile('default', proxy.kubeconfig));
    await proxy.close();
    expect(checks.filter((c) => c.state === 'problem')).toEqual([
      expect.objectContaining({
        topic: 'crds',
        seen: 'Cluster "default" does not know HTTPRoute (gateway.networking.k8s.io).',
      }),
    ]);
  });

  it('does not hang on a cluster that does not answer', async () => {
    const proxy = await KubeProxy.start(world.stack);
    proxy.rule({}, { kind: 'drop' });
    const checks = await examineWith(Cluster.fromFile('default', proxy.kubeconfig));
    await proxy.close();
    expect(about(checks, 'permissions')?.seen).toContain('Cluster "default" cannot be reached');
    expect(checks.filter((c) => c.topic === 'registry')).toMatchObject([{ state: 'ok' }]);
  });

  async function clusterWith(rules: readonly object[]): Promise<Cluster> {
    const { kube, namespace } = world;
    const name = 'limited';
    const metadata = { name, namespace };
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await kube.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
    await kube.create(`${rbac}/roles`, { metadata, rules });
    await kube.create(`${rbac}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = await kube.create<{ status: { token: string } }>(path, request);
    const config = new KubeConfig();
    const server = { name, server: world.stack.kubeUrl, skipTLSVerify: true };
    config.loadFromClusterAndUser(server, { name, token: status.token });
    const cluster = new Cluster('default', config);
    await eventually('the rights to be known', async () => {
      await cluster.call('GET', `/api/v1/namespaces/${namespace}/pods`);
      return true;
    });
    return cluster;
  }
});

function otherApi(env: Record<string, string>): ReturnType<typeof createHandler> {
  return createHandler({
    TEMPORAL_CONFIG_FILE: join(mkdtempSync(join(tmpdir(), 'sluice-doctor-')), 'none.toml'),
    SLUICE_TASK_QUEUE: world.taskQueue,
    SLUICE_LOG_LEVEL: 'silent',
    ...env,
  });
}
