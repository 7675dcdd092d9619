/** The entry of a lane on its way back: it takes the tag off requests until what they come to further on has no rule for it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { putVirtualService, routeOf, virtualService, virtualServiceSpec } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import { prepareRoute, restoreRoute, setTraffic } from './driver.js';

const never = new AbortController().signal;
const tag = { header: 'x-lane', value: 'gray' };
const route = { ...routeOf('istio'), stamps: tag };
const release = 'r1';

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  putVirtualService(kube);
  await prepareRoute(cluster, { release, route, seq: 1 }, never);
});
afterEach(() => kube.stop());

const set = (seq: number, gray: number) =>
  setTraffic(cluster, { release, route, seq, traffic: { gray, tag } }, never, 0);
const strip = () => restoreRoute(cluster, { release, route, stays: true, strips: true }, never);
const rules = () => (kube.get(virtualService)['spec'] as { readonly http: readonly object[] }).http;
/** No rule for tagged requests; stable takes the tag off, gray has no share. */
const stripping = [
  {
    route: [
      { destination: { host: 'web' }, weight: 100, headers: { request: { remove: ['x-lane'] } } },
      { destination: { host: 'web-gray' }, weight: 0 },
    ],
  },
];

describe('a route of Istio, which is given back in one write otherwise', () => {
  it.each([
    ['had a share', true],
    ['was taken only', false],
  ])('that %s is held until the second call, and no late write lets anybody in', async (_, carried) => {
    if (carried) await set(2, 30);
    expect(await strip()).toMatchObject({ changed: carried, stays: true });
    expect(rules()).toMatchObject(stripping);
    expect(await strip()).toMatchObject({ changed: false, stays: true });
    await expect(set(3, 50)).rejects.toMatchObject({ failure: { code: 'route_lost' } });
    expect(rules()).toMatchObject(stripping);
    expect(await restoreRoute(cluster, { release, route }, never)).toMatchObject({ stays: false });
    expect(kube.get(virtualService)['spec']).toEqual(virtualServiceSpec);
    expect(await strip()).toMatchObject({ changed: false, stays: false });
  });

  it('and needs no second call where nothing behind it is released', async () => {
    await set(2, 30);
    const given = await restoreRoute(cluster, { release, route, stays: true }, never);
    expect(given).toMatchObject({ changed: true, stays: false });
    expect(kube.get(virtualService)['spec']).toEqual(virtualServiceSpec);
  });
});
