/** Variables on a real cluster: what pods get in each environment, where they come from, and what a change of them does. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import type { Application, Environment } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { Plan } from '../../domain/plan.js';
import type { Deployment, Pod } from '../../activities/kubernetes/objects.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeList, KubeObject } from '../../infra/local/kube.js';
import { textsOf } from '../rig/texts.js';
import { quick, World } from '../rig/world.js';

const nacos = 'spring.cloud.nacos.discovery.server-addr';
const secret = `secret-${randomBytes(9).toString('hex')}`;

let world: World;
const namespaceOf = (environment: string): string => `${world.namespace}-${environment}`;

beforeAll(async () => {
  world = await World.create(inject('stack'), { replicas: 1 });
  await applyObjects(world.kube, [
    ...['test', 'prod', 'bare'].map((name) => object('Namespace', namespaceOf(name))),
    ...['test', 'prod'].flatMap((name) => [
      object('ConfigMap', 'global', { namespace: namespaceOf(name), data: { REGION: 'eu' } }),
      object('Secret', 'db', { namespace: namespaceOf(name), stringData: { password: secret } }),
    ]),
  ]);
});
afterAll(async () => {
  for (const name of ['test', 'prod', 'bare'])
    await world.kube.delete(`/api/v1/namespaces/${namespaceOf(name)}`);
  await world.close();
});

function object(
  kind: string,
  name: string,
  { namespace, ...rest }: Record<string, unknown> = {},
): KubeObject {
  const metadata = { name, ...(typeof namespace === 'string' ? { namespace } : {}) };
  return { apiVersion: 'v1', kind, metadata, ...rest };
}

const template = (): string =>
  stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'app',
              image: '{{ .image.app }}',
              ports: [{ containerPort: 8080 }],
              env: [
                { name: 'APP', value: 'web' },
                { name: nacos, value: 'localhost:8848' },
                { name: 'JAVA_OPTS', value: `-Dnacos=$(${nacos})` },
              ],
            },
          ],
        },
      },
    },
  });

const environment = (name: 'test' | 'prod' | 'bare', given: Partial<Environment>): Environment => ({
  name,
  type: name === 'test' ? 'test' : 'prod',
  after: [],
  namespace: namespaceOf(name),
  ...given,
});

const declared = (...environments: readonly Environment[]): Application => ({
  name: world.applicationName,
  image: world.repository,
  workload: { name: 'web', container: 'app', template: template() },
  variables: {
    [nacos]: 'nacos:8848',
    ROUTING_KEY: 'orders',
    DB_PASSWORD: { secret: 'db', key: 'password' },
    DEBUG: '1',
  },
  variablesFrom: [{ configMap: 'global' }],
  release: { ...quick, strategy: 'rolling' },
  environments,
});
const both = (): readonly Environment[] => [
  environment('test', { variables: { [nacos]: 'nacos.test:8848' } }),
  environment('prod', {
    variables: { [nacos]: 'nacos.prod:8848', DEBUG: null },
    variablesFrom: [{ secret: 'db', prefix: 'DB_' }],
  }),
];

const deployment = (name: string): Promise<Deployment> =>
  world.kube.get<Deployment>(`/apis/apps/v1/namespaces/${namespaceOf(name)}/deployments/web`);
const containersIn = async (name: string): Promise<readonly unknown[]> => {
  const pods = await world.kube.get<KubeList<KubeObject & Pod>>(
    `/api/v1/namespaces/${namespaceOf(name)}/pods`,
  );
  return pods.items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ spec }) => spec?.containers?.[0]);
};
const expected = (address: string, ...more: readonly object[]): readonly object[] => [
  { name: 'APP', value: 'web' },
  { name: nacos, value: address },
  { name: 'JAVA_OPTS', value: `-Dnacos=$(${nacos})` },
  { name: 'ROUTING_KEY', value: 'orders' },
  { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
  ...more,
];
const planned = async (): Promise<{ plan: Plan; manifests: readonly object[] }> => {
  const body = { applications: [{ name: world.applicationName, image: 'v2' }] };
  const answer = await world.call('POST', '/v1/plans', body);
  expect(answer.status).toBe(200);
  return answer.body as never;
};

describe('variables', () => {
  it('of a first release are in the pods of each environment, names with dots and a Secret by reference', async () => {
    expect(await world.declare(declared(...both()))).toMatchObject({ status: 201 });
    const shown = await planned();
    const id = await world.release('v1');
    const ended = await world.ended(id);
    expect(ended.outcome).toMatchObject({ phase: 'succeeded' });
    const global = { configMapRef: { name: 'global' } };
    expect(await containersIn('test')).toMatchObject([
      { env: expected('nacos.test:8848', { name: 'DEBUG', value: '1' }), envFrom: [global] },
    ]);
    expect(await containersIn('prod')).toMatchObject([
      {
        env: expected('nacos.prod:8848'),
        envFrom: [global, { prefix: 'DB_', secretRef: { name: 'db' } }],
      },
    ]);

    // What people see: the rendered variables, masked by their names; of the Secret only that.
    for (const seen of [shown, ended].map((one) => JSON.stringify(one))) {
      expect(seen).toContain('nacos.prod:8848');
      expect(seen).toContain('{"name":"ROUTING_KEY","value":"***"}');
      expect(seen).toContain('"secretKeyRef":{"name":"db","key":"password"}');
    }
    const history = textsOf(await world.temporal.workflow.getHandle(releaseWorkflowId(id)).fetchHistory());
    const places = { shown, ended, history, events: await world.events(id), log: world.worker.log };
    const found = (text: string) =>
      Object.entries(places).flatMap(([place, seen]) => (JSON.stringify(seen).includes(text) ? [place] : []));
    expect(found('nacos.prod:8848')).toEqual(['shown', 'ended', 'history']);
    expect(found(secret)).toEqual([]);
  });

  it('that are changed later are drift in the plan, and a release leaves the Deployment as it is', async () => {
    const [test, prod] = both() as [Environment, Environment];
    const changed = declared(test, {
      ...prod,
      variables: { ...prod.variables, [nacos]: { configMap: 'global', key: 'NACOS' }, EXTRA: 'new' },
    });
    const variables = { ...changed.variables, DB_PASSWORD: { configMap: 'global', key: 'PASSWORD' } };
    expect(await world.declare({ ...changed, variables })).toMatchObject({ status: 200 });
    const { plan } = await planned();
    const env = (name: string): string => `spec.template.spec.containers[app].env[${name}]`;
    const [inTest, inProd] = plan.stages.map((stage) => stage.drift?.[world.applicationName]?.fields);
    const password = [
      {
        path: `${env('DB_PASSWORD')}.valueFrom.secretKeyRef`,
        live: '{"name":"db","key":"password"}',
        declared: null,
      },
      {
        path: `${env('DB_PASSWORD')}.valueFrom.configMapKeyRef`,
        live: null,
        declared: '{"name":"global","key":"PASSWORD"}',
      },
    ];
    const address = [
      { path: `${env(nacos)}.value`, live: '"nacos.prod:8848"', declared: null },
      {
        path: `${env(nacos)}.valueFrom`,
        live: null,
        declared: '{"configMapKeyRef":{"name":"global","key":"NACOS"}}',
      },
    ];
    const extra = { path: env('EXTRA'), live: null, declared: '{"name":"EXTRA","value":"new"}' };
    expect(sorted(inTest)).toEqual(sorted(password));
    expect(sorted(inProd)).toEqual(sorted([...password, ...address, extra]));
    expect(plan.warnings.join()).toContain('A release changes only the image.');

    const before = await deployment('prod');
    const ended = await world.ended(await world.release('v2'));
    expect(ended.outcome).toMatchObject({ phase: 'succeeded' });
    const withoutImage = ({ spec }: Deployment): string =>
      JSON.stringify(spec).replace(/"image":"[^"]*"/, '');
    expect(withoutImage(await deployment('prod'))).toBe(withoutImage(before));
    expect(await containersIn('prod')).toMatchObject([{ env: expected('nacos.prod:8848') }]);
  });

  it('from a Secret that is not there end a first release at once, with its name', async () => {
    await applyObjects(world.kube, [
      object('ConfigMap', 'global', { namespace: namespaceOf('bare'), data: {} }),
    ]);
    await world.declare(declared(environment('bare', {})));
    const ended = await world.ended(await world.release('v1'));
    expect(ended.outcome?.failure).toMatchObject({
      code: 'workload_not_ready',
      message: expect.stringMatching(/container app: CreateContainerConfigError: secret "db" not found/),
    });
    await expect(deployment('bare')).rejects.toMatchObject({ status: 404 });
  });

  it('P12: with a password as text are refused where they stand, and it is not repeated', async () => {
    const given = declared(environment('prod', { variables: { 'shop.db.password': secret } }));
    const answer = await world.declare(given);
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/environments/0/variables/shop.db.password' }] },
    });
    expect(JSON.stringify(answer)).not.toContain(secret);
  });
});

const sorted = (fields: readonly { readonly path: string }[] | undefined): readonly object[] =>
  [...(fields ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1));
