/** What cannot be released is refused before anything is changed: with a code, the field and the remedy, all problems at once. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Application, ReleaseInput } from '../../domain/application.js';
import { releaseIdOfKey, releaseWorkflowId } from '../../domain/ids.js';
import { applyObjects } from '../../infra/local/apply.js';
import { Kube, type KubeObject } from '../../infra/local/kube.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { replay } from '../rig/replay.js';
import type { Snapshot } from '../rig/snapshot.js';
import type { Answer } from '../rig/answer.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
const id = randomBytes(4).toString('hex');
const folder = mkdtempSync(join(tmpdir(), 'sluice-refusals-'));
const admin = new Kube(stack.kubeUrl, stack.kubeToken);
let world: World;
let plain: KubeProxy;
let silent: KubeProxy;

/** One worker that serves six clusters, which are one, seen with different eyes. */
beforeAll(async () => {
  plain = await KubeProxy.start(stack);
  plain.refuse({ path: /^\/apis\/networking\.istio\.io/ }, 404);
  silent = await KubeProxy.start(stack);
  silent.rule({}, { kind: 'delay', ms: 3_600_000 });
  const clusters = [
    { name: 'default', kubeconfig: stack.kubeconfig },
    { name: 'plain', kubeconfig: plain.kubeconfig },
    { name: 'silent', kubeconfig: silent.kubeconfig },
    { name: 'limited', kubeconfig: kubeconfig('limited', stack.kubeUrl, await limitedToken()) },
    { name: 'stranger', kubeconfig: kubeconfig('stranger', stack.kubeUrl, 'nobody-knows-it') },
    { name: 'away', kubeconfig: kubeconfig('away', 'https://127.0.0.1:2', 'none') },
  ];
  const file = join(folder, 'clusters.json');
  writeFileSync(file, JSON.stringify(clusters));
  world = await World.create(stack, { workerEnv: { SLUICE_CLUSTERS_FILE: file } });
  await applyObjects(world.kube, furniture());
  await world.kube.create(
    `/apis/autoscaling/v2/namespaces/${world.namespace}/horizontalpodautoscalers`,
    autoscaler(),
  );
});
afterAll(async () => {
  await world.close();
  await Promise.all([plain.close(), silent.close()]);
  admin.close();
  rmSync(folder, { recursive: true });
});

interface Case {
  readonly title: string;
  readonly spec?: (base: Application) => object;
  /** Default v2. */
  readonly image?: string;
  readonly body?: object;
  /** Codes of the errors, in their order. */
  readonly codes: readonly string[];
  /** Found in detail, errors and remedies: what was seen and which field to mend. */
  readonly says: readonly RegExp[];
  /** Default the code, if it is only one and found by the API itself; else release_refused. */
  readonly code?: string;
}

const traffic = (change: object) => (base: Application) => ({
  ...base,
  traffic: { ...base.traffic, ...change },
});
const workload = (change: object) => (base: Application) => ({ ...base, workload: change });
const place = (change: object) => (base: Application) => ({
  ...base,
  environments: [{ ...base.environments[0], ...change }],
});
const settings = (change: ReleaseInput) => (base: Application) => ({
  ...base,
  release: { ...base.release, ...change },
});
const foreign = `sha256:${'a'.repeat(64)}`;

const cases: readonly Case[] = [
  {
    title: 'a tag that the registry does not have',
    image: 'v9',
    codes: ['image_unknown'],
    says: [/:v9"/, /\/applications\/0\/image/, /push the image/],
  },
  {
    title: 'a digest that the registry does not have',
    image: foreign,
    codes: ['image_unknown'],
    says: [new RegExp(foreign), /push the image/],
  },
  {
    title: "an image of another's repository",
    image: 'registry.example/other:v1',
    codes: ['image_foreign'],
    says: [/registry\.example\/other/, /declared repository/],
  },
  {
    title: 'a registry that is away',
    spec: (base) => ({ ...base, image: '127.0.0.1:1/shop' }),
    codes: ['registry_unreachable'],
    says: [/127\.0\.0\.1:1/, /ECONNREFUSED/, /network between worker and registry/],
  },
  {
    title: 'an unknown environment',
    body: { environment: 'prd' },
    code: 'environment_unknown',
    codes: [],
    says: [/"prd"/, /\/environment/, /Did you mean prod/],
  },
  {
    title: 'a cluster that no worker serves',
    spec: place({ cluster: 'moon' }),
    codes: ['cluster_unknown'],
    says: [/"moon"/, /\/environments\/0\/cluster/, /environments\[\]\.cluster/],
  },
  {
    title: 'a cluster that does not answer',
    spec: place({ cluster: 'away' }),
    codes: ['cluster_unreachable'],
    says: [/"away"/, /ECONNREFUSED/, /network between worker and cluster/],
  },
  {
    title: 'a cluster that takes requests and answers none',
    spec: place({ cluster: 'silent' }),
    codes: ['cluster_unreachable'],
    says: [/"silent"/, /network between worker and cluster/],
  },
  {
    title: 'a cluster that does not know the worker',
    spec: place({ cluster: 'stranger' }),
    codes: ['cluster_denied'],
    says: [/may not log in to the API server/, /rbac\.yaml/],
  },
  {
    title: 'an unknown namespace',
    spec: place({ namespace: 'nowhere' }),
    codes: ['namespace_unknown'],
    says: [/"nowhere"/, /environments\[\]\.namespace/],
  },
  {
    title: 'an unknown Deployment without a manifest',
    spec: workload({ name: 'nobody' }),
    codes: ['workload_unknown'],
    says: [/"nobody"/, /workload\.name/],
  },
  {
    title: 'an unknown container',
    spec: workload({ name: 'shop', container: 'main' }),
    codes: ['container_unknown'],
    says: [/"main"; it has: app/, /workload\.container/],
  },
  {
    title: 'an unknown Service',
    spec: traffic({ service: 'nobody' }),
    codes: ['service_unknown', 'route_unfit'],
    says: [/"nobody"/, /traffic\.service/, /\/traffic\/service/],
  },
  {
    title: 'a port that the Service does not have',
    spec: traffic({ port: 81 }),
    codes: ['service_port_unknown', 'route_unfit'],
    says: [/no port 81; it has: 80/, /traffic\.port/, /\/traffic\/port/],
  },
  {
    title: 'a Service of other pods',
    spec: traffic({ service: 'other', route: 'other' }),
    codes: ['service_mismatch'],
    says: [/"other" does not select the pods of Deployment "shop"/, /traffic\.service or the selector/],
  },
  {
    title: 'an unknown route',
    spec: traffic({ route: 'nobody' }),
    codes: ['route_unknown'],
    says: [/HTTPRoute "nobody"/, /traffic\.route/],
  },
  {
    title: 'a route that is split already',
    spec: traffic({ route: 'split' }),
    codes: ['route_unfit'],
    says: [/already splits its traffic among 2 backends/, /Change the route/],
  },
  {
    title: 'a router whose kinds the cluster does not have',
    spec: (base) => place({ cluster: 'plain' })(traffic({ router: 'istio' })(base) as Application),
    codes: ['crd_missing'],
    says: [/VirtualService \(networking\.istio\.io\)/, /Install the CRDs/, /traffic\.router/],
  },
  {
    title: 'a worker with too few rights, each of them named',
    spec: place({ cluster: 'limited' }),
    codes: ['cluster_denied', 'cluster_denied', 'cluster_denied', 'cluster_denied', 'cluster_denied'],
    says: [
      /may not create, patch, delete deployments/,
      /services/,
      /replicasets/,
      /endpointslices/,
      /get, patch httproutes/,
      /rbac\.yaml/,
    ],
  },
  {
    title: "gray's names taken by somebody else's objects",
    spec: settings({ lane: 'taken' }),
    codes: ['gray_name_taken', 'gray_name_taken'],
    says: [/Deployment "shop-taken"/, /Service "shop-taken"/, /release\.lane/],
  },
  {
    title: 'an autoscaler that would scale gray',
    spec: settings({ lane: 'scaled' }),
    codes: ['gray_would_match'],
    says: [/everybody/],
  },
  {
    title: 'everything at once',
    image: 'v9',
    spec: traffic({ service: 'nobody', route: 'nothing' }),
    codes: ['image_unknown', 'service_unknown', 'route_unknown'],
    says: [/:v9/, /"nobody"/, /"nothing"/],
  },
];

interface Refused {
  readonly name: string;
  readonly key: string;
  readonly release: Answer;
  readonly plan: Answer;
}

describe('a release that cannot be', () => {
  let begun: number;
  let before: Snapshot;
  const refused = new Map<Case, Refused>();

  /** All of them at once: some take the time that a neighbour is waited for. */
  beforeAll(async () => {
    begun = Date.now();
    before = await world.snapshot();
    const answers = cases.map(async (one, i) => {
      const name = `${world.applicationName}-${i}`;
      const declared = { ...world.application(quick), name };
      await world.call('PUT', `/v1/applications/${name}`, { ...declared, ...one.spec?.(declared) });
      const body = { applications: [{ name, image: one.image ?? 'v2' }], ...one.body };
      const key = `${name}-key`;
      const [release, plan] = await Promise.all([
        world.call('POST', '/v1/releases', body, { 'idempotency-key': key }),
        world.call('POST', '/v1/plans', body),
      ]);
      refused.set(one, { name, key, release, plan });
    });
    await Promise.all(answers);
  });

  describe.each(cases.map((one) => [one.title, one] as const))('for %s', (_, one) => {
    it('is refused with code, field and remedy', () => {
      const { release } = refused.get(one)!;
      const { code = 'release_refused', codes } = one;
      expect(shownOf(release)).toEqual({ status: 422, code, codes });
      for (const said of one.says) expect(wordsOf(release)).toMatch(said);
      expect(remediesOf(release)).toEqual(
        remediesOf(release).map(() => expect.stringMatching(/\w{3}.*[.?]$/)),
      );
    });

    it('is planned with the same answer', () => {
      const { release, plan } = refused.get(one)!;
      expect(plan).toEqual(release);
    });

    it('leaves no open workflow and holds no turn', async () => {
      const { name, key } = refused.get(one)!;
      const { body } = await world.call('GET', `/v1/applications/${name}`);
      expect(body['environments']).toMatchObject([{ running: null, queue: [] }]);
      // What the API finds by itself starts none.
      const status = one.codes.length === 0 ? null : 'FAILED';
      expect(await statusOf(releaseWorkflowId(releaseIdOfKey(key)))).toBe(status);
    });
  });

  it('has changed nothing, whatever was asked: no object, no write, nothing left open', async () => {
    expect(await world.snapshot()).toEqual(before);
    expect(await writesSince(begun)).toEqual([]);
    await eventually('no release or plan to be open', async () => (await openReleases()).length === 0);
    const { key } = refused.get(cases.at(-1)!)!;
    await replay(world.temporal, releaseWorkflowId(releaseIdOfKey(key)));
  });

  it('is 404 for an unknown application', async () => {
    const body = { applications: [{ name: `${world.applicationName}-nobody`, image: 'v1' }] };
    for (const path of ['/v1/releases', '/v1/plans']) {
      const answer = await world.call('POST', path, body);
      expect(answer).toMatchObject({ status: 404, body: { code: 'application_unknown' } });
      expect(answer.body['remedy']).toContain('sluice apply');
    }
  });

  it('is refused where a disruption budget would count gray pods in', async () => {
    await world.declare();
    const budgets = `/apis/policy/v1/namespaces/${world.namespace}/poddisruptionbudgets`;
    await world.kube.create(budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'everything', namespace: world.namespace },
      spec: { maxUnavailable: 1, selector: {} },
    });
    const applications = [{ name: world.applicationName, image: 'v2' }];
    await eventually(
      'the worker to know the budget',
      async () => (await world.call('POST', '/v1/plans', { applications })).status === 422,
    );
    const answer = await world.request('v2');
    expect(shownOf(answer)).toEqual({ status: 422, code: 'release_refused', codes: ['gray_would_match'] });
    expect(JSON.stringify(answer.body)).toContain('everything');
    await world.kube.delete(`${budgets}/everything`);
  });

  it('goes on with the same Idempotency-Key once what was named is mended', async () => {
    const key = { 'idempotency-key': `${world.applicationName}-mended` };
    await world.declare(world.application({ ...quick, approval: { required: true } }));
    const refused = await world.request('v8', {}, key);
    expect(shownOf(refused)).toMatchObject({ status: 422, codes: ['image_unknown'] });
    expect(shownOf(await world.request('v8', {}, key))).toEqual(shownOf(refused));
    await world.image('v8');
    const taken = await world.request('v8', {}, key);
    expect(taken.status).toBe(202);
    expect((await world.request('v8', {}, key)).body['id']).toBe(taken.body['id']);
    const release = String(taken.body['id']);
    expect(release).toBe(releaseIdOfKey(key['idempotency-key']));
    await world.steer(release, 'abort');
    expect((await world.ended(release)).outcome?.phase).toMatch(/rolled_back|cancelled/);
    expect(await world.leftovers()).toEqual([]);
  });
});

function shownOf({ status, body }: Answer): object {
  const errors = (body['errors'] ?? []) as readonly { code?: string }[];
  const codes = errors.flatMap((e) => (e.code === undefined ? [] : [e.code]));
  return { status, code: body['code'], codes };
}

const remediesOf = ({ body }: Answer): string[] => [
  String(body['remedy']),
  ...((body['errors'] ?? []) as readonly { remedy: string }[]).map((e) => e.remedy),
];

/** All that it tells people. */
function wordsOf({ body }: Answer): string {
  const errors = (body['errors'] ?? []) as readonly Record<string, unknown>[];
  return [body, ...errors]
    .flatMap(({ detail, pointer, message, remedy }) => [detail, pointer, message, remedy])
    .join('\n');
}

/** Null: there is none. */
async function statusOf(workflowId: string): Promise<string | null> {
  try {
    return (await world.temporal.workflow.getHandle(workflowId).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function openReleases(): Promise<string[]> {
  const query = `TaskQueue = '${world.taskQueue}' AND WorkflowType = 'release' AND ExecutionStatus = 'Running'`;
  const found: string[] = [];
  for await (const { workflowId } of world.temporal.workflow.list({ query })) found.push(workflowId);
  return found;
}

/** Everything that Sluice has written into the namespace, as the API server's own audit log has it. */
async function writesSince(at: number): Promise<string[]> {
  const text = await readFile(stack.auditLog, 'utf8');
  return text
    .split('\n')
    .filter((line) => line.includes('"userAgent":"sluice"') && line.includes(`"${world.namespace}"`))
    .map((line) => JSON.parse(line) as AuditEntry)
    .filter((e) => Date.parse(e.requestReceivedTimestamp) >= at && /create|patch|update|delete/.test(e.verb))
    .map((e) => `${e.verb} ${e.objectRef?.resource}`)
    .filter((what) => !what.includes('selfsubject'));
}

interface AuditEntry {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource: string };
}

/** Objects of others around the application. */
function furniture(): KubeObject[] {
  const { namespace } = world;
  const own = world.objects();
  const route = own.find((o) => o.kind === 'HTTPRoute')!;
  const deployment = own.find((o) => o.kind === 'Deployment')!;
  const service = (name: string, app: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
  const routed = (name: string, services: readonly string[]): KubeObject => ({
    ...route,
    metadata: { name, namespace },
    spec: {
      ...(route['spec'] as object),
      hostnames: [`${name}.${namespace}.local`],
      rules: [{ backendRefs: services.map((s) => ({ name: s, port: 80 })) }],
    },
  });
  return [
    service('other', 'other'),
    service('shop-taken', 'somebody'),
    {
      ...deployment,
      metadata: { name: 'shop-taken', namespace },
      spec: { ...(deployment['spec'] as object), replicas: 0 },
    },
    routed('other', ['other']),
    routed('split', ['shop', 'other']),
  ];
}

function autoscaler(): object {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'everybody', namespace: world.namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop-scaled' },
      maxReplicas: 3,
    },
  };
}

/** Of a service account that may look at Deployments and pods and nothing else. */
async function limitedToken(): Promise<string> {
  const name = `limited-${id}`;
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await admin.create(accounts, { metadata: { name } });
  await admin.create(`${rbac}/clusterroles`, {
    metadata: { name },
    rules: [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
    ],
  });
  await admin.create(`${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = await admin.create<{ status: { token: string } }>(`${accounts}/${name}/token`, request);
  return status.token;
}

function kubeconfig(name: string, server: string, token: string): string {
  const path = join(folder, `${name}.json`);
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}
