import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { allStable, type Traffic } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { lookAtRoute, routeProblems } from './activities.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from './driver.js';
import { footprintKey } from './footprint.js';

const route = routeOf('contour');
const api = '/apis/projectcontour.io/v1';
const path = `${api}/namespaces/shop/httpproxies/web`;
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const release = 'r1';
const tag = { header: 'x-lane', value: 'gray' };
const never = new AbortController().signal;

const before = {
  metadata: { name: 'web', namespace: 'shop', annotations: { owner: 'team' } },
  spec: {
    virtualhost: { fqdn: 'web.local' },
    routes: [
      { conditions: [{ prefix: '/static' }], services: [{ name: 'static', port: 80 }] },
      {
        conditions: [{ prefix: '/' }],
        services: [{ name: 'web', port: 80 }],
        timeoutPolicy: { response: '5s' },
      },
    ],
  },
};

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  kube.put(path, before);
  ready('web', 2);
  ready('web-gray', 1);
});
afterEach(() => kube.stop());

function ready(service: string, count: number, conditions: object = { ready: true }): void {
  kube.put(`${slices}/${service}-x`, {
    metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
    endpoints: Array.from({ length: count }, (_, i) => ({ addresses: [`10.0.0.${i}`], conditions })),
  });
}

const prepare = (seq = 1, of = release) => prepareRoute(cluster, { release: of, route, seq }, never, 0);
const set = (seq: number, traffic: Traffic, of = release, lag = 0) =>
  setTraffic(cluster, { release: of, route, seq, traffic }, never, lag, 0);
const restore = (of = release) => restoreRoute(cluster, { release: of, route }, never, 0);
const guard = (seq: number) => returnToStable(cluster, { release, route, seq }, never);

/** Weights of the rule that is split, and whether there is a tagged one. */
function seen(): { weights: unknown; tagged: boolean } {
  const { routes } = kube.get(path)['spec'] as {
    routes: { services: { name: string; weight?: number }[] }[];
  };
  const weights = routes.at(-1)!.services.map((s) => [s.name, s.weight]);
  return { weights, tagged: routes.length === 3 };
}
const split = (gray: number): unknown => [
  ['web', 100 - gray],
  ['web-gray', gray],
];
/** As somebody else would. */
function edit(change: (object: typeof before) => void): void {
  const object = kube.get(path) as unknown as typeof before;
  change(object);
  kube.put(path, object);
}
async function code(failing: Promise<unknown>): Promise<string> {
  const error: unknown = await failing.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof CatalogueError) return error.failure.code;
  throw error;
}
const plain = (): object => {
  const { metadata, spec } = kube.get(path);
  const { resourceVersion: _, ...rest } = metadata;
  return { metadata: rest, spec };
};

describe('a release at a route', () => {
  it('takes it in hand, moves traffic, and leaves it exactly as it was', async () => {
    expect(await prepare(1)).toEqual({ changed: true, before: allStable, after: allStable, foreign: [] });
    expect(seen()).toEqual({ weights: split(0), tagged: false });
    const to = { gray: 25, tag };
    expect(await set(2, to)).toEqual({ changed: true, before: allStable, after: to, foreign: [] });
    expect(seen()).toEqual({ weights: split(25), tagged: true });
    const given = { changed: true, before: to, after: allStable, foreign: [], stays: false };
    expect(await restore()).toEqual(given);
    expect(plain()).toEqual(before);
  });

  it('gray that had traffic may stay with weight 0, still in hand, and leaves with the next call', async () => {
    await prepare(1);
    await set(2, { gray: 100, tag });
    const stay = () => restoreRoute(cluster, { release, route, stays: true }, never, 0);
    expect(await stay()).toMatchObject({ changed: true, after: allStable, stays: true });
    expect(seen()).toEqual({ weights: split(0), tagged: false });
    expect(await stay()).toMatchObject({ changed: false, stays: true });
    // A write that was under way.
    expect(await code(set(3, { gray: 50, tag: null }))).toBe('route_lost');
    expect(await restore()).toMatchObject({ changed: true, stays: false });
    expect(plain()).toEqual(before);
    expect(await stay()).toMatchObject({ changed: false, stays: false });
  });

  it('gray that never had traffic does not stay', async () => {
    await prepare(1);
    const given = await restoreRoute(cluster, { release, route, stays: true }, never, 0);
    expect(given).toMatchObject({ changed: true, stays: false });
    expect(plain()).toEqual(before);
  });

  it('writes only the version, its note and the list of rules', async () => {
    await prepare(1);
    const { body, query } = kube.calls.at(-1)!;
    expect(Object.keys(body)).toEqual(['metadata', 'spec']);
    expect(Object.keys(body['metadata'] as object)).toEqual(['resourceVersion', 'annotations']);
    expect(Object.keys((body['metadata'] as { annotations: object }).annotations)).toEqual([
      footprintKey(route),
    ]);
    expect(Object.keys(body['spec'] as object)).toEqual(['routes']);
    expect(query.get('fieldManager')).toBe('sluice');
  });

  it('moves traffic with three requests, and asks for endpoints of both tracks in one', async () => {
    await prepare(1);
    kube.calls.length = 0;
    await set(2, { gray: 10, tag: null });
    expect(kube.calls.map((call) => call.method).sort()).toEqual(['GET', 'GET', 'PATCH']);
    const list = kube.calls.find((call) => call.path === slices)!;
    expect(list.query.get('labelSelector')).toBe('kubernetes.io/service-name in (web,web-gray)');
  });

  it('does nothing twice', async () => {
    await prepare(1);
    expect((await prepare(1)).changed).toBe(false);
    await set(2, { gray: 10, tag });
    expect((await set(2, { gray: 10, tag })).changed).toBe(false);
    await restore();
    const { resourceVersion } = kube.get(path).metadata;
    expect((await restore()).changed).toBe(false);
    expect(kube.get(path).metadata.resourceVersion).toBe(resourceVersion);
    expect(kube.count('PATCH')).toBe(4);
  });

  it('gives the route back in two writes, so that gray leaves when no request can be on its way there', async () => {
    await prepare(1);
    await set(2, { gray: 100, tag });
    const times: number[] = [];
    const states: unknown[] = [];
    kube.beforePatch = () => {
      times.push(performance.now());
      states.push(seen());
    };
    await restoreRoute(cluster, { release, route }, never, 300);
    expect(states).toEqual([
      { weights: split(100), tagged: true },
      { weights: split(0), tagged: false },
    ]);
    expect(times[1]! - times[0]!).toBeGreaterThan(290);
    expect(plain()).toEqual(before);
  });

  it('waits before gray leaves after the guard returned traffic too, and once it has left: its Service goes next', async () => {
    await prepare(1);
    await set(2, { gray: 10, tag: null });
    await guard(2);
    const guarded = performance.now();
    let left = guarded;
    kube.beforePatch = () => {
      left = performance.now();
    };
    await restoreRoute(cluster, { release, route }, never, 300);
    expect(left - guarded).toBeGreaterThan(290);
    expect(performance.now() - left).toBeGreaterThan(290);
    expect(plain()).toEqual(before);
  });

  it('waits only once where gray never had any traffic', async () => {
    await prepare(1);
    const begun = performance.now();
    await restoreRoute(cluster, { release, route }, never, 1_500);
    expect(performance.now() - begun).toBeGreaterThan(1_490);
    expect(performance.now() - begun).toBeLessThan(2_990);
  });

  it('lets the data plane learn of gray before anything is sent there', async () => {
    const begun = performance.now();
    await prepareRoute(cluster, { release, route, seq: 1 }, never, 300);
    expect(performance.now() - begun).toBeGreaterThan(290);
  });

  it('brings the number up to date although the traffic is the same', async () => {
    await prepare(1);
    await set(2, { gray: 10, tag: null });
    expect((await set(3, { gray: 10, tag: null })).changed).toBe(false);
    await set(2, { gray: 50, tag: null });
    expect(seen().weights).toEqual(split(10));
  });

  it('cleans up what a release left that was ended by force, in another lane too', async () => {
    await prepare(1);
    await set(2, { gray: 50, tag });
    const other = { ...route, grayService: 'web-blue' };
    const taken = await prepareRoute(cluster, { release: 'r2', route: other, seq: 1 }, never, 0);
    expect(taken.foreign).toEqual([]);
    expect(seen()).toEqual({
      weights: [
        ['web', 100],
        ['web-blue', 0],
      ],
      tagged: false,
    });
    expect(await code(set(3, { gray: 50, tag }))).toBe('route_lost');
    expect((await restore()).changed).toBe(false);
    await restoreRoute(cluster, { release: 'r2', route: other }, never, 0);
    expect(plain()).toEqual(before);
  });

  it('shares a route with another application', async () => {
    const other = { ...route, stableService: 'static', grayService: 'static-gray' };
    ready('static', 1);
    ready('static-gray', 1);
    await prepare(1);
    await prepareRoute(cluster, { release: 'r2', route: other, seq: 1 }, never, 0);
    await set(2, { gray: 20, tag });
    await setTraffic(cluster, { release: 'r2', route: other, seq: 2, traffic: { gray: 40, tag } }, never);
    const result = await restore();
    expect(result).toMatchObject({ before: { gray: 20, tag }, foreign: [] });
    await restoreRoute(cluster, { release: 'r2', route: other }, never, 0);
    expect(plain()).toEqual(before);
  });
});

describe('P1: traffic goes only where something is ready', () => {
  beforeEach(() => prepare(1));

  it('the first requests for gray wait for endpoints that the cluster has not told of yet', async () => {
    ready('web-gray', 0);
    const setting = set(2, { gray: 10, tag }, release, 20_000);
    const looks = (): number => kube.calls.filter((c) => c.path.endsWith('/endpointslices')).length;
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(3), { timeout: 10_000 });
    expect(seen()).toEqual({ weights: split(0), tagged: false });
    ready('web-gray', 1);
    expect((await setting).after).toEqual({ gray: 10, tag });
  });

  it.each<[string, string, number, Traffic]>([
    ['a weight to gray', 'web-gray', 0, { gray: 1, tag: null }],
    ['tagged requests to gray', 'web-gray', 0, { gray: 0, tag }],
    ['everything to stable', 'web', 0, allStable],
    ['a part to stable', 'web', 0, { gray: 99, tag: null }],
  ])('%s is refused without a ready endpoint', async (_, service, count, traffic) => {
    ready(service, count);
    expect(await code(set(2, traffic))).toBe('endpoints_missing');
    ready(service, 2, { ready: false });
    expect(await code(set(2, traffic))).toBe('endpoints_missing');
    expect(seen()).toEqual({ weights: split(0), tagged: false });
    // Not known counts as ready, as Kubernetes says.
    ready(service, 1, {});
    expect((await set(2, traffic)).after).toEqual(traffic);
  });

  const sized = (weight: number) =>
    setTraffic(cluster, { release, route, seq: 2, traffic: { gray: weight, tag: null }, sized: true }, never);

  it.each([
    ['a share', 6, 2, 50],
    ['everything, where stable is larger', 3, 2, 100],
  ])(
    'where gray is to be sized, %s is refused to one that is too small for it',
    async (_, stable, gray, weight) => {
      ready('web', stable);
      ready('web-gray', gray);
      expect(await code(sized(weight))).toBe('gray_too_small');
      expect(seen()).toEqual({ weights: split(0), tagged: false });
    },
  );

  it.each([
    ['a share that it is large enough for', 6, 3, 50],
    ['nothing, whatever it has', 6, 1, 0],
  ])('where gray is to be sized, it gets %s', async (_, stable, gray, weight) => {
    ready('web', stable);
    ready('web-gray', gray);
    expect((await sized(weight)).after.gray).toBe(weight);
  });

  it('a track that gets nothing needs nothing', async () => {
    ready('web', 0);
    await set(2, { gray: 100, tag: null });
    ready('web', 1);
    ready('web-gray', 0);
    expect((await set(3, allStable)).changed).toBe(true);
  });

  it('P1: all traffic on gray is answered only when the controller has taken it, for stable may have no pod next', async () => {
    const told = (observedGeneration: number): void => {
      const object = kube.get(path);
      const conditions = [{ type: 'Valid', status: 'True', observedGeneration }];
      kube.put(path, { ...object, metadata: { ...object.metadata, generation: 4 }, status: { conditions } });
    };
    told(3);
    let over = false;
    const traffic = { gray: 100, tag: null };
    const setting = setTraffic(cluster, { release, route, seq: 2, traffic }, never, 0, 1).then(
      () => (over = true),
    );
    await expect
      .poll(() => kube.calls.filter((c) => c.method === 'GET' && c.path === path).length)
      .toBeGreaterThan(2);
    expect(over).toBe(false);
    told(4);
    await setting;
    expect(seen().weights).toEqual(split(100));
  });

  it('P1: a route that a dead release left to gray is not taken over while stable cannot answer', async () => {
    await set(2, { gray: 100, tag: null });
    ready('web', 0);
    expect(await code(prepare(1, 'r2'))).toBe('endpoints_missing');
    expect(seen().weights).toEqual(split(100));
    ready('web', 1);
    expect((await prepare(1, 'r2')).before.gray).toBe(100);
  });

  it('giving the route back is refused while only gray can answer, and goes on where neither can', async () => {
    await set(2, { gray: 50, tag: null });
    ready('web', 0);
    expect(await code(restore())).toBe('endpoints_missing');
    ready('web-gray', 0);
    await restore();
    expect(plain()).toEqual(before);
  });
});

describe('P8: late and rival writers', () => {
  it('a write with an older number than the route carries changes nothing, and is told what is there', async () => {
    await prepare(1);
    await set(5, { gray: 10, tag: null });
    const now = { gray: 10, tag: null };
    expect(await set(4, { gray: 50, tag })).toMatchObject({ changed: false, before: now, after: now });
    expect(seen()).toEqual({ weights: split(10), tagged: false });
  });

  it('what a killed worker had done is done again from its beginning, and changes nothing', async () => {
    await prepare(1);
    await set(2, { gray: 10, tag });
    const after = structuredClone(kube.get(path));
    expect((await prepare(1)).changed).toBe(false);
    expect((await set(2, { gray: 10, tag })).changed).toBe(false);
    expect(kube.get(path)).toEqual(after);
  });

  it('nothing but a newer number moves traffic to gray after the guard', async () => {
    await prepare(1);
    await set(2, { gray: 50, tag });
    expect((await guard(2)).after).toEqual(allStable);
    expect((await guard(2)).changed).toBe(false);
    expect(await code(set(2, { gray: 50, tag }))).toBe('route_lost');
    expect((await set(3, { gray: 60, tag })).after).toEqual({ gray: 60, tag });
  });

  it('a write that was under way when the guard wrote does not undo it', async () => {
    await prepare(1);
    kube.beforePatch = async () => {
      kube.beforePatch = () => undefined;
      await set(2, { gray: 50, tag: null });
      await guard(2);
    };
    expect(await code(set(2, { gray: 50, tag: null }))).toBe('route_lost');
    expect(seen().weights).toEqual(split(0));
  });

  it('nothing moves traffic any more once giving back has begun', async () => {
    await prepare(1);
    await set(2, { gray: 50, tag });
    kube.beforePatch = () => {
      kube.beforePatch = () => undefined;
      kube.fail('PATCH', { status: 500, message: 'away' });
    };
    expect(await code(restore())).toBe('cluster_unreachable');
    expect(seen()).toEqual({ weights: split(0), tagged: false });
    edit((o) => (o.spec.virtualhost.fqdn = 'new.local'));
    expect(await code(set(9, { gray: 50, tag }))).toBe('route_lost');
    expect(await code(prepare(9))).toBe('route_lost');
    await restore();
    expect(kube.get(path)['spec']).toEqual({ ...before.spec, virtualhost: { fqdn: 'new.local' } });
  });

  it('a write after the route was given back is refused', async () => {
    await prepare(1);
    await restore();
    expect(await code(set(2, { gray: 50, tag: null }))).toBe('route_lost');
    expect(plain()).toEqual(before);
  });

  it('reads again and goes on when somebody was faster', async () => {
    await prepare(1);
    let rivals = 3;
    kube.beforePatch = () => {
      if (rivals-- > 0) edit((o) => (o.spec.virtualhost.fqdn = `${rivals}.local`));
    };
    expect((await set(2, { gray: 30, tag: null })).after.gray).toBe(30);
    expect(kube.get(path)['spec']).toMatchObject({ virtualhost: { fqdn: '0.local' } });
    expect(seen().weights).toEqual(split(30));
  });

  it('gives up for now when somebody is always faster, so that it is tried later', async () => {
    kube.beforePatch = () => edit((o) => (o.spec.virtualhost.fqdn += 'x'));
    const error: unknown = await prepare(1).catch((e: unknown) => e);
    expect((error as CatalogueError).failure).toMatchObject({ code: 'internal', retryable: true });
    expect((error as CatalogueError).message).toMatch(/faster with HTTPProxy "web"/);
  });

  it('stops between two tries when it is cancelled', async () => {
    const stop = new AbortController();
    kube.beforePatch = () => {
      edit((o) => (o.spec.virtualhost.fqdn += 'x'));
      stop.abort(new Error('cancelled'));
    };
    await expect(prepareRoute(cluster, { release, route, seq: 1 }, stop.signal)).rejects.toThrow(
      /abort|cancel/,
    );
    expect(kube.count('PATCH')).toBe(1);
  });
});

describe('what somebody else does to the route', () => {
  const services = (object: typeof before): { name: string; weight?: number }[] =>
    object.spec.routes.at(-1)!.services;

  it('moved weights are reported with the writer, and set to what is asked for', async () => {
    await prepare(1);
    await set(2, { gray: 10, tag: null });
    edit((o) => {
      for (const s of services(o)) s.weight = 50;
      const by = (manager: string, time: string, fields: object) => ({ manager, time, fieldsV1: fields });
      Object.assign(o.metadata, {
        managedFields: [
          by('kubectl-edit', '2026-01-02T00:00:00Z', { 'f:spec': { 'f:routes': {} } }),
          by('kubectl-create', '2026-01-02T00:00:00Z', { 'f:spec': { 'f:virtualhost': {} } }),
          by('contour', '2026-01-03T00:00:00Z', { 'f:status': {} }),
          by('sluice', '2026-01-03T12:00:00Z', { 'f:spec': { 'f:routes': {} } }),
        ],
      });
    });
    const result = await set(2, { gray: 10, tag: null });
    expect(result).toMatchObject({ changed: true, before: { gray: 50 }, after: { gray: 10 } });
    expect(result.foreign).toEqual([
      'kubectl-edit at 2026-01-02T00:00:00Z changed its rules; gray had 50 % then.',
    ]);
    expect((await set(3, { gray: 10, tag: null })).foreign).toEqual([]);
  });

  it('other changes stay and are not worth a word', async () => {
    await prepare(1);
    edit((o) => (o.spec.virtualhost.fqdn = 'new.local'));
    edit((o) => Object.assign(o.metadata.annotations, { more: 'x' }));
    expect((await set(2, { gray: 10, tag })).foreign).toEqual([]);
    await restore();
    const expected = structuredClone(before);
    expected.spec.virtualhost.fqdn = 'new.local';
    Object.assign(expected.metadata.annotations, { more: 'x' });
    expect(plain()).toEqual(expected);
  });

  it('P13: a rule that they added and that gray joined gets its own weight back', async () => {
    await prepare(1);
    const added = { conditions: [{ prefix: '/new' }], services: [{ name: 'web', port: 80, weight: 7 }] };
    edit((o) => (o.spec.routes as object[]).unshift(added));
    await set(2, { gray: 10, tag });
    await set(3, { gray: 20, tag });
    await restore();
    expect((kube.get(path)['spec'] as typeof before.spec).routes).toEqual([added, ...before.spec.routes]);
  });

  it('a rule that they added for the tag itself is not doubled', async () => {
    await prepare(1);
    const header = { name: 'X-Lane', exact: 'gray' };
    const conditions = [{ prefix: '/' }, { header }];
    edit((o) => (o.spec.routes as object[]).push({ conditions, services: [{ name: 'beta', port: 80 }] }));
    const { resourceVersion } = kube.get(path).metadata;
    expect(await code(set(2, { gray: 0, tag }))).toBe('route_unfit');
    expect(kube.get(path).metadata.resourceVersion).toBe(resourceVersion);
    expect((await set(2, { gray: 10, tag: null })).changed).toBe(true);
  });

  it('P9: rules that were given back belong to nobody of ours, so that their server-side apply meets no conflict', async () => {
    await prepare(1);
    const by = (manager: string): object => ({ manager, fieldsV1: { 'f:spec': { 'f:routes': {} } } });
    edit((o) => Object.assign(o.metadata, { managedFields: [by('argocd-controller'), by('sluice')] }));
    await restore();
    expect(kube.get(path).metadata.managedFields).toEqual([by('argocd-controller')]);
  });

  it('a route that is deleted between looking and writing is lost, and needs no giving back', async () => {
    const gone = (): void => kube.remove(path);
    await prepare(1);
    kube.beforePatch = gone;
    expect(await code(set(2, { gray: 10, tag: null }))).toBe('route_lost');
    kube.beforePatch = () => undefined;
    kube.put(path, before);
    await prepare(1);
    kube.beforePatch = gone;
    expect(await restore()).toMatchObject({ after: allStable });
  });

  it('a route that was replaced whole is lost, and giving it back changes nothing', async () => {
    await prepare(1);
    kube.put(path, before);
    expect(await code(set(2, { gray: 10, tag: null }))).toBe('route_lost');
    expect((await restore()).changed).toBe(false);
    expect(plain()).toEqual(before);
  });

  it('a note that was removed or spoilt loses the route, and giving it back removes what names gray', async () => {
    for (const note of [undefined, 'no JSON', '{"release":"r1"}', '{"release":"r1","seq":1}']) {
      kube.put(path, before);
      await prepare(1);
      await set(2, { gray: 100, tag });
      edit((o) => Object.assign(o.metadata.annotations, { [footprintKey(route)]: note }));
      expect(await code(set(3, { gray: 10, tag: null }))).toBe('route_lost');
      await restore();
      expect(kube.get(path)['spec']).toEqual(before.spec);
    }
  });

  it('a deleted route is unknown to the one who comes, lost to the one who has it, and needs no giving back', async () => {
    await prepare(1);
    kube.remove(path);
    expect(await code(set(2, { gray: 10, tag: null }))).toBe('route_lost');
    expect(await restore()).toMatchObject({ changed: false });
    expect(await code(prepare(1))).toBe('route_unknown');
  });

  it('rules that no longer send to stable are lost', async () => {
    await prepare(1);
    edit((o) => (o.spec.routes.at(-1)!.services = [{ name: 'else', port: 80 }]));
    expect(await code(set(2, { gray: 10, tag: null }))).toBe('route_lost');
  });

  it('what the data plane finds wrong is reported', async () => {
    await prepare(1);
    edit((o) => Object.assign(o, { status: { currentStatus: 'invalid', description: 'no service' } }));
    expect((await set(2, { gray: 10, tag: null })).foreign).toEqual(['Contour calls it invalid: no service']);
  });

  it('a route that cannot be split is refused untouched', async () => {
    edit((o) => services(o).push({ name: 'b', weight: 1 }));
    expect(await code(prepare(1))).toBe('route_unfit');
    expect(kube.count('PATCH')).toBe(0);
  });
});

describe.each([
  ['two Services', 'web-gray'],
  ['one Service', 'web'],
])('a route that stamps requests to %s', (_, grayService) => {
  const stamping = { ...route, grayService, stamps: tag };
  const own = { requestHeadersPolicy: { set: [{ name: 'X-Lane', value: 'own' }], remove: ['x-a'] } };
  const take = (of = release, at = stamping) =>
    prepareRoute(cluster, { release: of, route: at, seq: 1 }, never, 0);
  const move = (seq: number, traffic: Traffic) =>
    setTraffic(cluster, { release, route: stamping, seq, traffic }, never, 0, 0);
  const give = () => restoreRoute(cluster, { release, route: stamping }, never, 0);
  const policies = (): unknown[] =>
    (kube.get(path)['spec'] as typeof before.spec).routes
      .at(-1)!
      .services.map(({ name, ...more }) => [name, more]);
  const x = { name: 'x-lane', value: 'gray' };
  const shared = (gray: number, more: object = {}): unknown[] => [
    ['web', { port: 80, weight: 100 - gray, requestHeadersPolicy: { ...more, remove: ['x-lane'] } }],
    [grayService, { port: 80, weight: gray, requestHeadersPolicy: { ...more, set: [x] } }],
  ];

  it('is taken, moved, returned by the guard and left exactly as it was', async () => {
    edit((o) => Object.assign(o.spec.routes[1]!.services[0]!, own));
    const found = plain();
    await take();
    await move(2, { gray: 25, tag });
    expect(await move(2, { gray: 25, tag })).toMatchObject({ changed: false, before: { gray: 25, tag } });
    expect(policies()).toEqual([
      ['web', { port: 80, weight: 75, requestHeadersPolicy: { remove: ['x-a', 'x-lane'] } }],
      [grayService, { port: 80, weight: 25, requestHeadersPolicy: { set: [x], remove: ['x-a'] } }],
    ]);
    await returnToStable(cluster, { release, route: stamping, seq: 2 }, never);
    await move(3, { gray: 100, tag: null });
    expect(await give()).toMatchObject({ before: { gray: 100 }, after: allStable, foreign: [] });
    expect(plain()).toEqual(found);
  });

  it('gives a rule that somebody added back with its own headers', async () => {
    await take();
    const added = { conditions: [{ prefix: '/new' }], services: [{ name: 'web', port: 80, ...own }] };
    edit((o) => (o.spec.routes as object[]).unshift(added));
    await move(2, { gray: 10, tag });
    await move(3, { gray: 20, tag });
    await give();
    expect((kube.get(path)['spec'] as typeof before.spec).routes).toEqual([added, ...before.spec.routes]);
  });

  it('is not given to a gray whose header somebody changes for the whole rule, but may always be returned', async () => {
    await take();
    await move(2, { gray: 10, tag });
    edit((o) => Object.assign(o.spec.routes.at(-1)!, { requestHeadersPolicy: { remove: ['X-Lane'] } }));
    expect(await code(move(3, { gray: 20, tag: null }))).toBe('route_unfit');
    expect((await move(3, allStable)).after).toEqual(allStable);
    await give();
    const kept = { ...before.spec.routes[1], requestHeadersPolicy: { remove: ['X-Lane'] } };
    expect((kube.get(path)['spec'] as typeof before.spec).routes[1]).toEqual(kept);
  });

  it('is put right by the next release, whatever that one does to headers', async () => {
    edit((o) => Object.assign(o.spec.routes[1]!.services[0]!, own));
    const found = plain();
    await take();
    await move(2, { gray: 50, tag });
    const next = await prepareRoute(cluster, { release: 'r2', route, seq: 1 }, never, 0);
    expect(next).toMatchObject({ foreign: [], after: allStable });
    expect(policies()).toEqual([
      ['web', { port: 80, weight: 100, ...own }],
      ['web-gray', { port: 80, weight: 0, ...own }],
    ]);
    // And by one with another tag.
    await take('r3', { ...stamping, stamps: { header: 'x-b', value: 'blue' } });
    await take('r4');
    await restoreRoute(cluster, { release: 'r4', route: stamping }, never, 0);
    expect(plain()).toEqual(found);
  });

  it('without the note loses gray and goes on taking the tag off; rules that gray never joined stay', async () => {
    await take();
    await move(2, { gray: 100, tag });
    const added = { conditions: [{ prefix: '/new' }], services: [{ name: 'web', port: 80, weight: 7 }] };
    edit((o) => {
      (o.spec.routes as object[]).unshift(added);
      Object.assign(o.metadata.annotations, { [footprintKey(route)]: undefined });
    });
    const states: unknown[] = [];
    kube.beforePatch = () => void states.push(policies());
    await give();
    expect(states).toEqual([shared(100), shared(0)]);
    const [first, last] = before.spec.routes;
    const [service] = last!.services;
    const services = [{ ...service, requestHeadersPolicy: { remove: ['x-lane'] } }];
    expect((kube.get(path)['spec'] as typeof before.spec).routes).toEqual([
      added,
      first,
      { ...last, services },
    ]);
  });

  it('P1: needs endpoints of both tracks', async () => {
    await take();
    ready('web', 0);
    expect(await code(move(2, { gray: 60, tag: null }))).toBe('endpoints_missing');
    ready('web', 1);
    ready(grayService, 0);
    expect(await code(move(2, { gray: 100, tag: null }))).toBe('endpoints_missing');
    expect(await code(move(2, { gray: 0, tag }))).toBe('endpoints_missing');
    ready('web', 1);
    ready(grayService, 1);
    expect((await move(2, { gray: 100, tag })).after).toEqual({ gray: 100, tag });
  });
});

describe('a route that stamps requests to one Service', () => {
  const one = { ...route, grayService: 'web', stamps: tag };
  const move = (seq: number, traffic: Traffic) =>
    setTraffic(cluster, { release, route: one, seq, traffic, sized: true }, never, 0, 0);
  beforeEach(async () => {
    kube.remove(`${slices}/web-gray-x`);
    await prepareRoute(cluster, { release, route: one, seq: 1 }, never, 0);
  });

  it('P1: needs only the endpoints of that, which are enough for any share', async () => {
    kube.calls.length = 0;
    await move(2, { gray: 50, tag });
    const list = kube.calls.find((call) => call.path === slices)!;
    expect(list.query.get('labelSelector')).toBe('kubernetes.io/service-name in (web)');
    expect((await move(3, { gray: 100, tag: null })).after.gray).toBe(100);
    expect((await move(4, allStable)).after).toEqual(allStable);
  });

  it('is given back where the Service cannot answer anyhow', async () => {
    await move(2, { gray: 50, tag });
    ready('web', 0);
    await restoreRoute(cluster, { release, route: one }, never, 0);
    expect(plain()).toEqual(before);
  });
});

describe('a route whose user stamps requests to its Service', () => {
  it('is refused, and giving it back takes nothing of that away', async () => {
    const policy = { requestHeadersPolicy: { set: [{ name: 'x-lane', value: 'gray' }] } };
    const conditions = [{ prefix: '/' }, { header: { name: 'x-lane', exact: 'gray' } }];
    const stamped = { conditions, services: [{ name: 'web', port: 80, ...policy }] };
    edit((o) => (o.spec.routes as object[]).push(stamped));
    const found = plain();
    const one = { ...route, grayService: 'web', stamps: tag };
    expect(await code(prepareRoute(cluster, { release, route: one, seq: 1 }, never, 0))).toBe('route_unfit');
    expect(await restoreRoute(cluster, { release, route: one }, never, 0)).toMatchObject({ changed: false });
    expect(plain()).toEqual(found);
  });
});

describe('what Kubernetes answers', () => {
  it.each([
    [429, 'too many requests', 'cluster_unreachable', true],
    [503, 'etcd is away', 'cluster_unreachable', true],
    [403, 'User "u" cannot get resource "httpproxies" in API group', 'cluster_denied', false],
    [422, 'spec.routes: Invalid value', 'cluster_refused', false],
  ])('%i "%s" is %s', async (status, message, expected, retryable) => {
    kube.fail('PATCH', { status, message, headers: { 'retry-after': '7' } });
    const error = (await prepare(1).catch((e: unknown) => e)) as CatalogueError;
    expect(error.failure).toMatchObject({ code: expected, retryable });
    expect(error.failure.message).toMatch(status === 403 ? /may not get httpproxies/ : new RegExp(message));
    expect(error.retryAfterMs).toBe(7_000);
  });

  it('an answer about endpoints counts too', async () => {
    await prepare(1);
    kube.fail('GET', { status: 500, message: 'boom' }, { status: 500, message: 'boom' });
    expect(await code(set(2, allStable))).toBe('cluster_unreachable');
  });
});

describe('the pre-flight', () => {
  const problems = async (of = route): Promise<string[]> =>
    (await routeProblems(cluster, of)).map((p) => p.code);

  it('finds nothing against a plain route', async () => expect(await problems()).toEqual([]));

  it('tells a missing route from a missing kind', async () => {
    kube.put(api, { resources: [{ name: 'httpproxies' }] });
    expect(await problems({ ...route, route: 'gone' })).toEqual(['route_unknown']);
    expect(await problems({ ...route, router: 'istio' })).toEqual(['crd_missing']);
  });

  it('says all that is unfit in one failure', async () => {
    edit((o) => Object.assign(o, { status: { currentStatus: 'invalid', description: 'no service' } }));
    const [problem] = await routeProblems(cluster, { ...route, port: 81 });
    expect(problem?.code).toBe('route_unfit');
    expect(problem?.message).toMatch(
      /sends to port 80, not to port 81\. Contour calls it invalid: no service/,
    );
  });

  it('looks through what a release left that was ended by force, but not at a gray of somebody else', async () => {
    await prepare(1);
    await set(2, { gray: 10, tag });
    expect(await problems()).toEqual([]);
    edit((o) => Object.assign(o.metadata.annotations, { [footprintKey(route)]: undefined }));
    expect(await problems()).toEqual(['route_unfit']);
  });

  it('tells which release holds it, as that one sees it, and of nobody where nobody does', async () => {
    expect(await lookAtRoute(cluster, route)).toEqual({ problems: [], held: null });
    await prepare(1);
    const blue = { ...route, grayService: 'shop-blue', stamps: { header: 'x-lane', value: 'blue' } };
    expect(await lookAtRoute(cluster, blue)).toEqual({ problems: [], held: { release: 'r1', route } });
  });

  it('leaves missing rights to the one who asks for them', async () => {
    kube.fail('GET', { status: 403, message: 'no' });
    await expect(routeProblems(cluster, route)).rejects.toMatchObject({ name: 'KubeError', status: 403 });
  });
});
