import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routerKinds } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { routers } from './index.js';
import { hasTaken, settled } from './settle.js';

const proxy = (generation: number, observed: number | null): KubeObject => ({
  metadata: { name: 'web', namespace: 'shop', generation },
  spec: { routes: [] },
  ...(observed === null
    ? {}
    : { status: { conditions: [{ type: 'Valid', status: 'True', observedGeneration: observed }] } }),
});
const parent = (name: string, observedGeneration: number) => ({
  parentRef: { name },
  conditions: [{ type: 'Accepted', status: 'True', observedGeneration }],
});
const httpRoute = (parents: readonly object[]): KubeObject => ({
  metadata: { name: 'web', namespace: 'shop', generation: 3 },
  spec: { parentRefs: [{ name: 'edge' }, { name: 'inside' }] },
  status: { parents },
});

describe('hasTaken', () => {
  it.each([
    ['Contour speaks of the newest generation', 'contour', proxy(3, 3), true],
    ['Contour speaks of an older one', 'contour', proxy(3, 2), false],
    ['nobody has said anything', 'contour', proxy(3, null), null],
    ['each Gateway has it', 'gateway-api', httpRoute([parent('edge', 3), parent('inside', 3)]), true],
    ['one Gateway is behind', 'gateway-api', httpRoute([parent('edge', 3), parent('inside', 2)]), false],
    [
      'one that it names no more is behind',
      'gateway-api',
      httpRoute([parent('edge', 3), parent('gone', 1)]),
      true,
    ],
    ['no Gateway has spoken', 'gateway-api', httpRoute([]), null],
    ['Istio writes no such status', 'istio', proxy(3, 1), null],
  ] as const)('%s', (_, kind, object, expected) => expect(hasTaken(routers[kind], object)).toBe(expected));

  it('is known of every router', () => {
    for (const kind of routerKinds) expect(routers[kind].conditions(proxy(1, null))).toEqual([]);
  });
});

describe('P1: settled', () => {
  const path = '/apis/projectcontour.io/v1/namespaces/shop/httpproxies/web';
  const never = new AbortController().signal;
  let kube: FakeObjects;
  let cluster: Cluster;
  beforeEach(async () => {
    kube = new FakeObjects();
    cluster = await kube.start();
  });
  afterEach(() => kube.stop());

  it('ends only after the controller has taken the newest rules', async () => {
    kube.put(path, { ...proxy(4, 3) });
    let over = false;
    const waiting = settled(cluster, routeOf('contour'), never, 1, 60_000).then(() => (over = true));
    await expect.poll(() => kube.calls.length).toBeGreaterThan(2);
    expect(over).toBe(false);
    kube.put(path, { ...proxy(4, 4) });
    await waiting;
  });

  it('says so, and is tried again, when the controller is behind', async () => {
    kube.put(path, { ...proxy(4, 3) });
    const error: unknown = await settled(cluster, routeOf('contour'), never, 1, 100).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CatalogueError);
    expect((error as CatalogueError).failure).toMatchObject({ code: 'route_not_taken', retryable: true });
  });

  it('takes the time of the router where no controller says anything, and none where there is none to take', async () => {
    kube.put(path, { ...proxy(4, null) });
    await settled(cluster, routeOf('contour'), never, 1);
    expect(kube.calls).toHaveLength(1);
    await settled(cluster, routeOf('istio'), never);
    expect(kube.calls).toHaveLength(1);
  });
});
