import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import { kinds } from '../kubernetes/kinds.js';
import { Mirror } from '../kubernetes/mirror.js';
import { closeMirrors, follow, heard } from '../kubernetes/mirrors.js';
import { unreadyOf } from './endpoints.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from './driver.js';

const route = routeOf('istio');
const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web';
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const release = 'r1';
const never = new AbortController().signal;

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  kube.mayWatch = true;
  cluster = await kube.start();
  const http = [{ route: [{ destination: { host: 'web' } }] }];
  kube.put(path, { metadata: { name: 'web', namespace: 'shop' }, spec: { hosts: ['web'], http } });
  ready('web', 2);
  ready('web-gray', 1);
  const at = { topic: 'kubernetes.io/service-name=web', part: {} };
  const nobody = { changed: () => undefined, fatal: () => undefined };
  follow(cluster, kinds.endpointslices, 'shop', at, nobody);
  await watched();
  await prepareRoute(cluster, { release, route, seq: 1 }, never);
  kube.calls.length = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  closeMirrors(cluster);
  await kube.stop();
});

const soon = (assertion: () => void) => vi.waitFor(assertion, { interval: 5, timeout: 10_000 });
const watched = () => soon(() => expect(kube.watching()).toBe(1));
function ready(service: string, count: number): void {
  kube.put(`${slices}/${service}-x`, {
    metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
    endpoints: Array.from({ length: count }, () => ({ conditions: { ready: true } })),
  });
}
const set = (seq: number, gray: number, lag = 0) =>
  setTraffic(cluster, { release, route, seq, traffic: { gray, tag: null } }, never, lag);
const looks = (): number => kube.calls.filter((c) => c.path === slices).length;
const missing = { failure: { code: 'endpoints_missing' } };

describe('P1: what the shared watch has heard of endpoints', () => {
  it('is enough for another share of a track that carries some, and for the guard', async () => {
    await set(2, 10);
    kube.calls.length = 0;
    await set(3, 20);
    await returnToStable(cluster, { release, route, seq: 3 }, never);
    expect(kube.calls.map((c) => c.method)).toEqual(['PATCH', 'PATCH']);
  });

  it('refuses that share when it says that nothing is ready', async () => {
    await set(2, 10);
    ready('web-gray', 0);
    await soon(() => expect(gray()).toEqual([]));
    await expect(set(3, 20)).rejects.toMatchObject(missing);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the first share of gray', () => set(2, 10)],
    ['tagged requests to gray', () => setTraffic(cluster, tagged, never, 0)],
    [
      'everything to gray',
      () =>
        set(2, 10)
          .then(() => gone('web-gray'))
          .then(() => set(3, 100)),
    ],
    [
      'the guard where stable carries nothing',
      () =>
        set(2, 100)
          .then(() => gone('web'))
          .then(() => returnToStable(cluster, { release, route, seq: 2 }, never)),
    ],
    [
      'everything to stable',
      () =>
        set(2, 10)
          .then(() => gone('web'))
          .then(() => set(3, 0)),
    ],
    [
      'a route that is given back',
      () =>
        set(2, 10)
          .then(() => gone('web'))
          .then(() => restoreRoute(cluster, { release, route }, never)),
    ],
  ])('is not enough for %s: the API server is asked', async (what, move) => {
    kube.fallSilent();
    if (/first|tagged/.test(what)) gone('web-gray');
    await expect(move()).rejects.toMatchObject(missing);
  });

  it('is not enough when it was heard long ago', async () => {
    await set(2, 10);
    kube.fallSilent();
    gone('web-gray');
    const later = performance.now() + 11_000;
    vi.useFakeTimers({ toFake: ['performance'] });
    // Its clock begins at 0.
    vi.advanceTimersByTime(later);
    await expect(set(3, 20)).rejects.toMatchObject(missing);
  });

  it('ends the wait for endpoints that the cluster has not told of yet, and costs one request', async () => {
    ready('web-gray', 0);
    await soon(() => expect(gray()).toEqual([]));
    kube.calls.length = 0;
    const following = vi.spyOn(Mirror.prototype, 'follow');
    const setting = set(2, 10, 20_000);
    await soon(() => expect(following).toHaveBeenCalled());
    ready('web-gray', 1);
    expect((await setting).after).toEqual({ gray: 10, tag: null });
    expect(looks()).toBe(1);
  });

  it('is waited for where gray was just made larger, until it tells of all pods', async () => {
    await set(2, 10);
    const following = vi.spyOn(Mirror.prototype, 'follow');
    const larger = { release, route, seq: 3, traffic: { gray: 60, tag: null }, grown: 3 };
    const setting = setTraffic(cluster, larger, never, 20_000);
    await soon(() => expect(following).toHaveBeenCalled());
    ready('web-gray', 3);
    expect(await setting).toMatchObject({ before: { gray: 10 }, after: { gray: 60 } });
  });

  it('and not for ever: a pod of it may have failed meanwhile', async () => {
    await set(2, 10);
    const larger = { release, route, seq: 3, traffic: { gray: 60, tag: null }, grown: 3 };
    expect((await setTraffic(cluster, larger, never, 0)).after).toEqual({ gray: 60, tag: null });
  });
});

describe('P1: what a share comes to behind its entry', () => {
  const behind = (name: string) => ({
    application: name,
    route: { ...route, route: name, stableService: name, grayService: `${name}-gray` },
  });
  const web = behind('web');
  const other = behind('other');

  it('is there when the shared watch says so, without a request', async () => {
    kube.calls.length = 0;
    expect(await unreadyOf(cluster, [web], never)).toBeUndefined();
    expect(kube.calls).toEqual([]);
  });

  it('is named when gray of it has no ready endpoint', async () => {
    ready('other-gray', 0);
    expect(await unreadyOf(cluster, [web, other], never)).toBe(other);
  });

  it('is asked for of the API server before it is called missing', async () => {
    kube.fallSilent();
    ready('other-gray', 1);
    expect(await unreadyOf(cluster, [web, other], never)).toBeUndefined();
  });
});

const tag = { header: 'x-lane', value: 'gray' };
const tagged = { release, route, seq: 2, traffic: { gray: 0, tag } };
const gone = (service: string): void => ready(service, 0);
const gray = (): unknown =>
  heard(cluster, kinds.endpointslices, 'shop', 60_000)?.get('web-gray-x')?.['endpoints'];
