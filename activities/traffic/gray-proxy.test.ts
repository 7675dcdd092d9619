import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labels } from '../../domain/ids.js';
import type { RouteTarget, Traffic } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { routeProblems } from './activities.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from './driver.js';
import { footprintKey } from './footprint.js';

const route: RouteTarget = {
  router: 'contour-include',
  cluster: 'fake',
  namespace: 'shop',
  route: 'example-com',
  routeNamespace: 'edge',
  include: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
};
const proxies = (namespace: string): string =>
  `/apis/projectcontour.io/v1/namespaces/${namespace}/httpproxies`;
const at = {
  root: `${proxies('edge')}/example-com`,
  stable: `${proxies('shop')}/web`,
  gray: `${proxies('shop')}/web-gray`,
  service: '/api/v1/namespaces/shop/services/web-gray',
};
const tag = { header: 'x-lane', value: 'gray' };
const never = new AbortController().signal;

const root = {
  metadata: { name: 'example-com', namespace: 'edge', annotations: { owner: 'platform' } },
  spec: {
    virtualhost: { fqdn: 'www.example.com', tls: { secretName: 'www', minimumProtocolVersion: '1.3' } },
    includes: [{ name: 'web', namespace: 'shop', conditions: [{ prefix: '/' }] }],
  },
};
const stable = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { team: 'web', 'app.kubernetes.io/instance': 'argo' },
    annotations: { 'projectcontour.io/ingress.class': 'edge', 'argocd.argoproj.io/tracking-id': 'x' },
  },
  spec: {
    ingressClassName: 'edge',
    routes: [
      {
        conditions: [{ prefix: '/api' }],
        services: [
          { name: 'web', port: 80, protocol: 'h2c' },
          { name: 'web', port: 80, mirror: true },
        ],
        timeoutPolicy: { response: '5s' },
      },
      { services: [{ name: 'static', port: 80 }] },
      { conditions: [{ prefix: '/old' }], requestRedirectPolicy: { hostname: 'new' } },
    ],
  },
};

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  kube.put(at.root, root);
  kube.put(at.stable, stable);
  kube.put(at.service, {
    metadata: { name: 'web-gray', uid: 'u1', labels: { [labels.application]: 'web', other: 'x' } },
  });
  for (const service of ['web', 'web-gray'])
    kube.put(`/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/${service}-x`, {
      metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    });
});
afterEach(() => kube.stop());

const prepare = (release = 'r1') => prepareRoute(cluster, { release, route, seq: 1 }, never, 0);
const set = (seq: number, traffic: Traffic) =>
  setTraffic(cluster, { release: 'r1', route, seq, traffic }, never, 0, 0);
const restore = (stays = false, release = 'r1') => restoreRoute(cluster, { release, route, stays }, never, 0);
const includes = () => (kube.get(at.root)['spec'] as typeof root.spec).includes;
const main = (): unknown => includes().at(-1)?.name;
const plain = (path: string): object => {
  const { resourceVersion: _, ...metadata } = kube.get(path).metadata;
  return { ...kube.get(path), metadata };
};
const isThere = (path: string): boolean => (kube.get(path) as unknown) !== undefined;
async function failing(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof CatalogueError) return error.failure;
  throw error;
}

describe("gray's own HTTPProxy", () => {
  it("is a copy of stable's with gray's Service, goes with that, and its root is as it was at the end", async () => {
    await prepare();
    expect(plain(at.gray)).toMatchObject({
      apiVersion: 'projectcontour.io/v1',
      kind: 'HTTPProxy',
      metadata: {
        namespace: 'shop',
        labels: { team: 'web', [labels.application]: 'web', [labels.release]: 'r1' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web-gray', uid: 'u1' }],
      },
    });
    const { metadata, spec } = kube.get(at.gray);
    expect(metadata.labels).not.toHaveProperty('app.kubernetes.io/instance');
    expect(Object.keys(metadata.annotations!)).toEqual(['projectcontour.io/ingress.class', labels.source]);
    const [first, ...rest] = stable.spec.routes;
    const services = [{ name: 'web-gray', port: 80, protocol: 'h2c' }, first!.services![1]];
    expect(spec).toEqual({ ingressClassName: 'edge', routes: [{ ...first, services }, ...rest] });
    expect(main()).toBe('web');

    await set(2, { gray: 0, tag });
    await set(3, { gray: 100, tag });
    expect(main()).toBe('web-gray');
    const { body } = kube.calls.findLast(({ method }) => method === 'PATCH')!;
    expect(Object.keys(body['spec'] as object)).toEqual(['includes']);
    kube.calls.length = 0;
    expect(await restore(true)).toMatchObject({ changed: true, stays: true });
    expect(kube.calls.filter(({ method }) => method !== 'GET')).toHaveLength(1);
    expect([main(), isThere(at.gray)]).toEqual(['web', true]);
    expect(await restore()).toMatchObject({ changed: true, stays: false });
    expect([plain(at.root), plain(at.stable)]).toEqual([root, stable]);
    expect(isThere(at.gray)).toBe(false);
  });

  it('is removed after the root has stopped to name it, and is not made again by a write that comes too late', async () => {
    await prepare();
    await set(2, { gray: 100, tag: null });
    kube.calls.length = 0;
    await restore();
    const writes = kube.calls.filter(({ method }) => method === 'PATCH' || method === 'DELETE');
    expect(writes.map(({ method }) => method)).toEqual(['PATCH', 'PATCH', 'DELETE']);
    expect((await failing(set(3, { gray: 100, tag: null }))).code).toBe('route_lost');
    expect(isThere(at.gray)).toBe(false);
  });

  it('of another release stays where that one holds the root, and is made anew where that one was ended by force', async () => {
    await prepare('other');
    await restore();
    expect([isThere(at.gray), includes().length]).toEqual([true, 2]);
    await prepare();
    expect(kube.get(at.gray).metadata.labels?.[labels.release]).toBe('r1');
    expect(includes()).toHaveLength(2);
    await restore();
    expect(plain(at.root)).toEqual(root);
  });

  it('goes back by the guard in one write, and no write with its number comes after', async () => {
    await prepare();
    await set(2, { gray: 100, tag });
    kube.calls.length = 0;
    await returnToStable(cluster, { release: 'r1', route, seq: 2 }, never);
    expect(kube.calls.filter(({ method }) => method !== 'GET')).toHaveLength(1);
    expect([main(), includes().length]).toEqual(['web', 2]);
    expect((await failing(set(2, { gray: 100, tag }))).code).toBe('route_lost');
  });

  it('gets nothing where it is gone, or Contour finds it wrong; what changed since it was copied is said', async () => {
    await prepare();
    kube.put(at.stable, { ...stable, spec: { ...stable.spec, ingressClassName: 'inner' } });
    expect((await set(2, { gray: 0, tag })).foreign).toEqual([
      'somebody changed HTTPProxy "web" after "web-gray" was copied from it.',
    ]);
    const gray = kube.get(at.gray);
    const errors = [{ message: 'no such header' }];
    const status = {
      currentStatus: 'invalid',
      conditions: [{ type: 'Valid', observedGeneration: 1, errors }],
    };
    kube.put(at.gray, { ...gray, metadata: { ...gray.metadata, generation: 1 }, status });
    expect(await failing(set(3, { gray: 100, tag }))).toMatchObject({
      code: 'route_unfit',
      message: expect.stringContaining('no such header') as string,
    });
    kube.remove(at.gray);
    expect((await failing(set(3, { gray: 100, tag }))).code).toBe('route_lost');
    expect(main()).toBe('web');
    await restore();
    expect(plain(at.root)).toEqual(root);
  });

  it("is not left for stable's where that is gone, and a person is told so", async () => {
    await prepare();
    await set(2, { gray: 100, tag: null });
    kube.remove(at.stable);
    expect(await failing(restore())).toMatchObject({
      code: 'route_unknown',
      message: expect.stringContaining('HTTPProxy "web"') as string,
    });
    expect(main()).toBe('web-gray');
    kube.put(at.stable, stable);
    await restore();
    expect(plain(at.root)).toEqual(root);
  });

  it('can have no share', async () => {
    await prepare();
    expect(await failing(set(2, { gray: 50, tag: null }))).toMatchObject({
      code: 'route_unfit',
      message: expect.stringContaining('use router contour for weights') as string,
    });
  });

  it('has notes of its own where applications of two namespaces share a root', () => {
    expect(footprintKey(route)).not.toBe(footprintKey({ ...route, namespace: 'other' }));
  });
});

describe('the pre-flight', () => {
  beforeEach(() =>
    kube.put('/apis/projectcontour.io/v1', { metadata: {}, resources: [{ name: 'httpproxies' }] }),
  );
  const problems = async (change: Partial<RouteTarget> = {}): Promise<string> =>
    (await routeProblems(cluster, { ...route, ...change }, tag)).map(({ message }) => message).join(' ');
  const child = (routes: readonly object[], spec: object = {}): void =>
    kube.put(at.stable, { ...stable, spec: { ...spec, routes } });

  it('finds nothing wrong with what fits', async () => {
    expect(await problems()).toBe('');
  });

  it.each<[string, () => Partial<RouteTarget> | void]>([
    ['"none" in namespace "shop" does not exist; correct traffic.include', () => ({ include: 'none' })],
    ['does not exist in namespace "edge"', () => kube.remove(at.root)],
    ['is a root itself', () => child(stable.spec.routes, { virtualhost: { fqdn: 'x' } })],
    ['no route of HTTPProxy "web" in namespace "shop" sends to Service "web"', () => child([])],
    ['sends to port 81, not to port 80', () => child([{ services: [{ name: 'web', port: 81 }] }])],
    [
      'asks for "x-lane" itself',
      () =>
        child([
          {
            conditions: [{ header: { name: 'X-Lane', exact: 'blue' } }],
            services: [{ name: 'web', port: 80 }],
          },
        ]),
    ],
    [
      'HTTPProxy "web-gray" exists and is not of Sluice',
      () => kube.put(at.gray, { metadata: { name: 'web-gray' } }),
    ],
    ['cannot put a tag on requests', () => ({ stamps: tag })],
  ])('says that it %s', async (what, arrange) => {
    const change = arrange() ?? {};
    expect(await problems(change)).toContain(what);
  });
});
