import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allStable } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from './driver.js';

const route = routeOf('istio');
const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web';
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const release = 'r1';
const never = new AbortController().signal;
const found = { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }], timeout: '5s' }] };

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  kube.put(path, { metadata: { name: 'web', namespace: 'shop' }, spec: found });
  for (const service of ['web', 'web-gray'])
    kube.put(`${slices}/${service}-x`, {
      metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    });
  await prepareRoute(cluster, { release, route, seq: 1 }, never);
  kube.calls.length = 0;
});
afterEach(() => kube.stop());

const set = (seq: number, gray: number) =>
  setTraffic(cluster, { release, route, seq, traffic: { gray, tag: null } }, never);
/** What was asked about the route itself. */
const asked = (): string[] => kube.calls.filter((c) => c.path === path).map((c) => c.method);
const http = (): unknown => (kube.get(path)['spec'] as typeof found).http;
function edit(timeout: string): void {
  const object = kube.get(path) as unknown as { spec: typeof found };
  object.spec.http[0]!.timeout = timeout;
  kube.put(path, object);
}

describe('a route that the worker remembers', () => {
  it('is written without being read, also by the guard', async () => {
    await set(2, 10);
    await set(3, 50);
    await returnToStable(cluster, { release, route, seq: 3 }, never);
    expect(asked()).toEqual(['PATCH', 'PATCH', 'PATCH']);
  });

  it('is given back as it was found, in one write where the data plane needs no time', async () => {
    await set(2, 10);
    kube.calls.length = 0;
    const given = await restoreRoute(cluster, { release, route }, never);
    expect(given.before.gray).toBe(10);
    expect(given.after).toEqual(allStable);
    expect(asked().filter((method) => method === 'PATCH')).toHaveLength(1);
    expect(kube.get(path)['spec']).toEqual(found);
  });

  it('P13: is read again when somebody else has changed it, whose change stays and is told', async () => {
    edit('9s');
    const { foreign, after } = await set(2, 10);
    expect(asked()).toEqual(['PATCH', 'GET', 'PATCH']);
    expect(foreign.join()).toMatch(/changed its rules/);
    expect(after.gray).toBe(10);
    expect(http()).toMatchObject([{ timeout: '9s' }]);
  });

  it('P8: passes nothing over by what it only remembers: what was true before may not be true now', async () => {
    await set(5, 10);
    kube.calls.length = 0;
    expect(await set(4, 20)).toMatchObject({ changed: false, after: { gray: 10 } });
    expect(asked()).toEqual(['GET']);
  });

  it('says that nothing has to be written only after a look', async () => {
    await set(2, 10);
    edit('9s');
    kube.calls.length = 0;
    await set(2, 10);
    expect(asked()[0]).toBe('GET');
  });

  it('is not there any more: the release has lost it', async () => {
    kube.remove(path);
    await expect(set(2, 10)).rejects.toThrow(/was deleted/);
  });
});
