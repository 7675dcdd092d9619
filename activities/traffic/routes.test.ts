/** Writes of several routes at once: a share of a lane, and the guard's where it has entries in several clusters. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../domain/failures.js';
import type { RouteTarget } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { putVirtualService, routeOf, virtualService } from '../../test/fakes/route.js';
import type { TrafficInput } from '../contract.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { trafficActivities } from './activities.js';
import { prepareRoute, setTraffic } from './driver.js';
import { allToStable, restoreRoute } from './routes.js';

const never = new AbortController().signal;
const here = routeOf('istio');
const away: RouteTarget = { ...here, cluster: 'eu' };

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  putVirtualService(kube);
});
afterEach(() => kube.stop());

const clusters = (name: string): Cluster => {
  if (name === 'fake') return cluster;
  throw new CatalogueError(failure('cluster_unknown', { cluster: name, known: ['fake'] }));
};

describe('the share of a lane with several routes', () => {
  it('is written where it can be, and says of which it could not', async () => {
    await prepareRoute(cluster, { release: 'r1', route: here, seq: 1 }, never, 0);
    const share = { release: 'r1', seq: 2, traffic: { gray: 50, tag: null } };
    const routes = [away, here, { ...here, route: 'deleted' }];
    const { setTrafficTogether } = trafficActivities(clusters);
    const inputs: TrafficInput[] = routes.map((route) => ({ ...share, route }));
    const results: unknown = await new MockActivityEnvironment().run(setTrafficTogether, inputs);
    expect(results).toMatchObject([null, { changed: true, after: { gray: 50 } }, null]);
    expect(kube.get(virtualService)['spec']).toMatchObject({
      http: [{ route: [{ weight: 50 }, { weight: 50 }] }],
    });
  });
});

describe('the guard of a lane in several clusters', () => {
  it.each([
    ['before', [away, here]],
    ['behind', [here, away]],
  ])(
    'returns the routes that it can reach, %s one of a cluster of other workers, and says which',
    async (_, routes) => {
      await prepareRoute(cluster, { release: 'r1', route: here, seq: 1 }, never, 0);
      const traffic = { gray: 50, tag: null };
      await setTraffic(cluster, { release: 'r1', route: here, seq: 2, traffic }, never, 0, 0);
      await expect(allToStable(clusters, { release: 'r1', seq: 2, routes }, never)).rejects.toThrow(
        'No worker serves a cluster "eu"',
      );
      const { http } = kube.get(virtualService)['spec'] as { readonly http: object[] };
      expect(http).toMatchObject([{ route: [{ weight: 100 }, { weight: 0 }] }]);
    },
  );
});

describe('P1: going back to stable in the middle of its promotion', () => {
  it.each([
    ['Recreate', 'endpoints_missing'],
    ['RollingUpdate', null],
  ])('where it rolls by %s', async (type, code) => {
    const namespace = `/apis/apps/v1/namespaces/${here.namespace}`;
    kube.put(`${namespace}/deployments/web`, {
      metadata: { name: 'web' },
      spec: { strategy: { type }, replicas: 2 },
    });
    await prepareRoute(cluster, { release: 'r1', route: here, seq: 1 }, never, 0);
    const traffic = { gray: 100, tag: null };
    await setTraffic(cluster, { release: 'r1', route: here, seq: 2, traffic }, never, 0, 0);
    const back = (change: object): Promise<string | null> =>
      restoreRoute(cluster, { release: 'r1', route: here, ...change }, never).then(
        () => null,
        (error: unknown) => (error as CatalogueError).failure.code,
      );
    expect(await back({ promoted: 'web' })).toBe(code);
    expect(await back({})).toBe(null);
  });
});
