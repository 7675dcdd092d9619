/** An application that uses every field, for tests that break one at a time. */
import type { Application } from '../../domain/application.js';

export const everyField: Application = {
  name: 'web',
  image: 'registry.example:5000/shop/web',
  workload: {
    name: 'web',
    container: 'web',
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { template: { spec: { containers: [{ name: 'web' }] } } },
    },
  },
  variables: {
    'spring.cloud.nacos.discovery.server-addr': 'nacos:8848',
    DB_PASSWORD: { secret: 'db', key: 'password' },
    REGION: { configMap: 'cluster', key: 'region' },
  },
  variablesFrom: [{ configMap: 'global' }, { secret: 'web', prefix: 'WEB_' }],
  traffic: {
    router: 'gateway-api',
    route: 'web',
    service: 'web',
    port: 8080,
    entry: 'http://shop.example:8000/hello',
    host: 'shop.example',
    chainHeader: 'x-versions',
  },
  release: {
    strategy: 'gray',
    lane: 'gray',
    tag: {
      header: 'x-lane',
      value: 'gray',
      enter: [
        { query: 'group', exact: 'gray' },
        { header: 'x-user', prefix: 'qa-' },
        { cookie: 'beta', exact: '1' },
        {
          all: [
            { header: 'x-country', in: ['de', 'at'] },
            { query: 'debug', regex: '[0-9]+' },
          ],
          percent: 50,
        },
      ],
    },
    verify: '30s',
    steps: [{ weight: 10, hold: '1m' }, { weight: 50 }, { weight: 100, hold: '0s' }],
    replicas: 2,
    approval: {
      required: true,
      quorum: 2,
      approvers: ['alice', 'bob'],
      separationOfDuties: true,
      deadline: '24h',
      onDeadline: 'rollback',
    },
    analysis: {
      prometheus: 'http://prometheus.example:9090',
      metrics: [
        { name: 'errors', builtin: 'error-rate', max: 1, hardMax: 20, minRequests: 10 },
        { name: 'ratio', counts: { total: 'sum(a)', errors: 'sum(b)' }, max: 1 },
        { name: 'depth', value: 'max(queue_depth)', min: 0, max: 100, minRequests: 0 },
      ],
      interval: '10s',
      window: '1m',
      failureLimit: 1,
      consecutiveErrorLimit: 4,
      onInconclusive: 'rollback',
      inconclusiveDeadline: '30m',
    },
    queue: 'wait',
    queueDeadline: '24h',
    progressDeadline: '10m',
    drain: '5s',
    rollbackDeadline: '5m',
  },
  dependsOn: ['cart', 'stock'],
  environments: [
    {
      name: 'test',
      type: 'test',
      namespace: 'test',
      release: {
        strategy: 'rolling',
        analysis: null,
        batches: [{ pods: 1, hold: '10m', approval: true }, { pods: '30%' }, { pods: '100%' }],
      },
    },
    {
      name: 'prod',
      type: 'prod',
      after: ['test'],
      cluster: 'default',
      namespace: 'shop',
      workload: { name: 'web-prod' },
      variables: { 'spring.cloud.nacos.discovery.server-addr': 'nacos.prod:8848', REGION: null },
      variablesFrom: [{ configMap: 'prod' }],
      traffic: { port: 80 },
      release: { replicas: 'auto' },
    },
  ],
};

export type Path = readonly (string | number)[];

/** A copy with one field changed; undefined removes it. */
export function changed(whole: unknown, path: Path, value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const copy = (Array.isArray(whole) ? [...(whole as unknown[])] : { ...(whole as object) }) as Record<
    string | number,
    unknown
  >;
  const next = changed(copy[head], rest, value);
  if (next === undefined) delete copy[head];
  else copy[head] = next;
  return copy;
}
