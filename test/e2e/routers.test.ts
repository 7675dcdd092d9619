import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { routeProblems } from '../../activities/traffic/activities.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';
import { path } from '../../activities/kubernetes/resources.js';
import { CatalogueError } from '../../activities/failure.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from '../../activities/traffic/driver.js';
import { routers } from '../../activities/traffic/index.js';
import {
  allStable,
  routerKinds,
  type Enter,
  type RouterKind,
  type RouteTarget,
  type Traffic,
} from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import { Kube, type KubeObject as LocalObject } from '../../infra/local/kube.js';
import { startLoad, type Load, type LoadRecord } from '../../infra/local/load.js';
import { until } from '../../infra/local/parts.js';
import { sampleObjects, sampleRoute } from '../../infra/local/sample.js';

const stack = inject('stack');
const kube = new Kube(stack.kubeUrl, stack.kubeToken);
const cluster = Cluster.fromFile('default', stack.kubeconfig);
const namespace = 'routers-test';
const release = 'routers-test';
const never = new AbortController().signal;
const tag = { header: 'x-lane', value: 'gray' };

const target = (router: RouterKind, route = 'web'): RouteTarget => ({
  router,
  cluster: 'default',
  namespace,
  route,
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
});
/** The two that put the tag on requests: with a gray track of their own, and with stable's Service for both. */
const stampings = [
  { how: 'gray of its own', grayService: 'web-gray', stamps: tag },
  { how: 'one Service', grayService: 'web', stamps: tag },
];
const enter: Enter = [
  [{ query: 'group', exact: 'gray' }],
  [{ header: 'x-user', prefix: 'qa-' }],
  [{ cookie: 'beta', exact: '1' }],
  [{ query: 'team', in: ['a.b', 'c', 'd', 'e', 'f'] }],
  [
    { header: 'x-country', in: ['de', 'at'] },
    { query: 'debug', regex: '[0-9]+' },
  ],
];
const prepare = (route: RouteTarget, seq: number, settleMs?: number) =>
  prepareRoute(cluster, { release, route, seq }, never, settleMs);
const set = (route: RouteTarget, seq: number, traffic: Traffic) =>
  setTraffic(cluster, { release, route, seq, traffic }, never);
const restore = (route: RouteTarget, settleMs?: number) =>
  restoreRoute(cluster, { release, route }, never, settleMs);

async function deploy(name: string, version: string): Promise<void> {
  const image = `${stack.registry}/${name}:${version}`;
  await pushImage({ registry: stack.registry, repository: name, tag: version, env: { VERSION: version } });
  await applyObjects(kube, sampleObjects({ namespace, name, image, replicas: 1 }));
  await until(`${name} is available`, async () => {
    const at = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const { status } = await kube.get<LocalObject & { status: { availableReplicas?: number } }>(at);
    expect(status.availableReplicas).toBe(1);
  });
}

const loads: Load[] = [];
beforeAll(async () => {
  const others = ['x', 'y', 'new'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [{ port: 80 }] },
  }));
  await applyObjects(kube, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...others,
    {
      apiVersion: 'projectcontour.io/v1',
      kind: 'HTTPProxy',
      metadata: { name: 'child', namespace },
      spec: { routes: [{ services: [{ name: 'x', port: 80 }] }] },
    },
  ]);
  await Promise.all([deploy('web', 'v1'), deploy('web-gray', 'v2')]);
});
afterEach(() => Promise.all(loads.splice(0).map((load) => load.stop())));
afterAll(async () => {
  await kube.delete(`/api/v1/namespaces/${namespace}`);
  kube.close();
});

describe.each(routerKinds)('the real API server and a route of kind %s', (kind) => {
  const { resource } = routers[kind];
  const at = (name: string): string => path(resource, namespace, name);

  async function create(name: string, spec: object, metadata: object = {}): Promise<RouteTarget> {
    const apiVersion = `${resource.group}/${resource.version}`;
    const object = { apiVersion, kind: resource.kind, metadata: { name, namespace, ...metadata }, spec };
    await kube.create(path(resource, namespace), object);
    return target(kind, name);
  }

  /** The object without what Kubernetes counts and notes of its own, as text: the order of its fields tells too. */
  async function text(name: string): Promise<string> {
    const { metadata, status: _, ...rest } = await kube.get<KubeObject>(at(name));
    const { resourceVersion: _1, generation: _2, managedFields: _3, ...kept } = metadata;
    return JSON.stringify({ ...rest, metadata: kept });
  }

  it('everything that is written is accepted, is read as it was meant, and nothing of it is left', async () => {
    const route = await create('rich', richSpec(kind, 'rich'), {
      annotations: { owner: 'team' },
      labels: { a: 'b' },
    });
    expect(await routeProblems(cluster, route)).toEqual([]);
    const before = await text('rich');
    const sequence: Traffic[] = [
      { gray: 0, tag },
      { gray: 1, tag },
      { gray: 50, tag },
      { gray: 100, tag: null },
      { gray: 33, tag: { header: 'x-other', value: 'two words' } },
    ];
    expect((await prepare(route, 1, 0)).foreign).toEqual([]);
    for (const [i, traffic] of sequence.entries()) {
      const result = await set(route, i + 2, traffic);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      // Nothing that the API server adds by itself is taken for somebody else's change.
      expect(await set(route, i + 2, traffic)).toMatchObject({
        changed: false,
        before: traffic,
        foreign: [],
      });
    }
    expect((await returnToStable(cluster, { release, route, seq: 6 }, never)).after).toEqual(allStable);
    await restore(route, 0);
    expect(await text('rich')).toBe(before);
  });

  it.each(stampings)('the tag on requests is accepted, and nothing of it is left: $how', async (stamping) => {
    const { how: _, ...stamps } = stamping;
    const name = `stamped-${stamps.grayService}`;
    const route = { ...(await create(name, richSpec(kind, name))), ...stamps };
    expect(await routeProblems(cluster, route, tag)).toEqual([]);
    const before = await text(name);
    const sequence: Traffic[] = [
      { gray: 0, tag },
      { gray: 50, tag },
      { gray: 100, tag: null },
      { gray: 33, tag: { header: 'x-other', value: 'two words' } },
    ];
    await prepare(route, 1, 0);
    expect(await text(name)).toContain('"gray"');
    for (const [i, traffic] of sequence.entries()) {
      const result = await set(route, i + 2, traffic);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      expect(await set(route, i + 2, traffic)).toMatchObject({ changed: false, before: traffic });
    }
    const field = routers[kind].field;
    const { spec } = await kube.get<LocalObject & { spec: Record<string, unknown[]> }>(at(name));
    await kube.patch(`${at(name)}?fieldManager=somebody`, 'merge', {
      spec: { [field]: [...spec[field]!, otherRule(kind)] },
    });
    await set(route, 6, { gray: 20, tag });
    await restore(route, 0);
    const rules = (json: string): unknown[] =>
      (JSON.parse(json) as { spec: Record<string, unknown[]> }).spec[field]!;
    const after = await text(name);
    expect(rules(after).slice(0, -1)).toEqual(rules(before));
    expect(after).not.toContain('footprint');
  });

  it.each(stampings)('those that enter are accepted, and nothing of them is left: $how', async (stamping) => {
    const { how: _, ...stamps } = stamping;
    const name = `entered-${stamps.grayService}`;
    const route = { ...(await create(name, richSpec(kind, name))), ...stamps, enter };
    expect(await routeProblems(cluster, route, tag)).toEqual([]);
    const before = await text(name);
    await prepare(route, 1, 0);
    const sequence: Traffic[] = [
      { gray: 0, tag },
      { gray: 50, tag },
      { gray: 100, tag: null },
      { gray: 33, tag },
    ];
    for (const [i, traffic] of sequence.entries()) {
      const result = await set(route, i + 2, traffic);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      const again = await set(route, i + 2, traffic);
      expect(again).toMatchObject({ changed: false, before: traffic, foreign: [] });
      const { spec } = await kube.get<LocalObject & { spec: object }>(at(name));
      expect(JSON.stringify(spec).includes('x-user')).toBe(traffic.tag !== null);
    }
    await restore(route, 0);
    expect(await text(name)).toBe(before);
  });

  it('an object without annotations has none afterwards, and what others change meanwhile stays', async () => {
    const route = await create('bare', richSpec(kind, 'bare'));
    const before = JSON.parse(await text('bare')) as KubeObject;
    await prepare(route, 1, 0);
    await set(route, 2, { gray: 20, tag });
    const field = routers[kind].field;
    const { spec } = await kube.get<LocalObject & { spec: Record<string, unknown[]> }>(at('bare'));
    const added = otherRule(kind);
    await kube.patch(`${at('bare')}?fieldManager=somebody`, 'merge', {
      metadata: { labels: { mine: 'yes' } },
      spec: { [field]: [...spec[field]!, added] },
    });
    expect(await set(route, 3, { gray: 40, tag })).toMatchObject({ after: { gray: 40, tag }, foreign: [] });
    await restore(route, 0);
    const after = JSON.parse(await text('bare')) as KubeObject;
    expect(after.metadata).toEqual({ ...before.metadata, labels: { mine: 'yes' } });
    const rules = (object: KubeObject): unknown[] => (object['spec'] as Record<string, unknown[]>)[field]!;
    expect(rules(after).slice(0, -1)).toEqual(rules(before));
    expect(rules(after).at(-1)).toMatchObject(added);
  });

  it('P9: its owner may apply other rules afterwards, server-side, without a conflict', async () => {
    const { apiVersion, metadata } = {
      apiVersion: `${resource.group}/${resource.version}`,
      metadata: { name: 'owned' },
    };
    const spec = richSpec(kind, 'owned') as Record<string, unknown[]>;
    const apply = (by: object) =>
      kube.patch(`${at('owned')}?fieldManager=owner`, 'apply', {
        apiVersion,
        kind: resource.kind,
        metadata,
        spec: by,
      });
    await apply(spec);
    const before = await text('owned');
    const route = target(kind, 'owned');
    await prepare(route, 1);
    await set(route, 2, { gray: 20, tag });
    await restore(route);
    expect(await text('owned')).toBe(before);
    await apply({ ...spec, [routers[kind].field]: spec[routers[kind].field]!.slice(1) });
  });

  it('weights that somebody else moved are reported with the name of the writer, and set again', async () => {
    const route = await create('moved', richSpec(kind, 'moved'));
    await prepare(route, 1, 0);
    await set(route, 2, { gray: 10, tag: null });
    const field = routers[kind].field;
    const { spec } = await kube.get<LocalObject & { spec: Record<string, unknown[]> }>(at('moved'));
    const moved = JSON.parse(
      JSON.stringify(spec[field])
        .replaceAll('"weight":90', '"weight":20')
        .replaceAll('"weight":10', '"weight":80'),
    ) as unknown[];
    await kube.patch(`${at('moved')}?fieldManager=somebody`, 'merge', { spec: { [field]: moved } });
    const result = await set(route, 2, { gray: 10, tag: null });
    expect(result).toMatchObject({ changed: true, before: { gray: 80 }, after: { gray: 10 } });
    expect(result.foreign[0]).toMatch(/^somebody at .* changed its rules; gray had 80 % then\.$/);
    await restore(route, 0);
  });

  it('of many writers at once the newest wins, and a late one never undoes it', async () => {
    const route = await create('race', richSpec(kind, 'race'));
    await prepare(route, 1, 0);
    const writes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => set(route, i + 2, { gray: (i + 2) * 10, tag: null })),
    );
    for (const write of writes) {
      if (write.status === 'fulfilled') continue;
      expect((write.reason as CatalogueError).failure.code).toMatch(/^(route_lost|internal)$/);
    }
    expect((await set(route, 7, { gray: 70, tag: null })).before.gray).toBe(70);
    await restore(route, 0);
  });

  it('a route that is not there is unknown', async () => {
    expect((await routeProblems(cluster, target(kind, 'gone'))).map((p) => p.code)).toEqual([
      'route_unknown',
    ]);
  });
});

describe.each(['gateway-api', 'contour'] as const)('the real Envoy and a route of kind %s', (kind) => {
  const host = `${kind}.${namespace}.local`;
  const route = target(kind);
  let seq = 1;
  const load = (requestsPerSecond: number, headers: Record<string, string> = {}): Load => {
    const one = startLoad({ url: stack.ingress, host, requestsPerSecond, headers });
    loads.push(one);
    return one;
  };
  /** The last so many answers, when there are so many and all are of that version. */
  async function settled(one: Load, version: string, count = 30): Promise<void> {
    await until(`${count} answers of ${version}`, async () => {
      const last = one.summary().records.slice(-count);
      expect(last.map((r) => r.version)).toEqual(Array.from({ length: count }, () => version));
    });
  }
  async function next(one: Load, count: number): Promise<LoadRecord[]> {
    const from = one.summary().records.length;
    await until(`${count} more answers`, async () => {
      expect(one.summary().records.length).toBeGreaterThanOrEqual(from + count);
    });
    return one.summary().records.slice(from, from + count);
  }
  const share = (records: readonly LoadRecord[]): number =>
    records.filter((r) => r.version === 'v2').length / records.length;

  beforeAll(async () => {
    const options = { namespace, name: 'web', image: '', host, gateway: stack.gateway };
    await applyObjects(kube, [sampleRoute(kind, options)]);
    const first = load(50);
    await settled(first, 'v1');
    await first.stop();
  });

  it('shares requests as the weights say: 0, 25 and 100 percent', async () => {
    await prepare(route, seq);
    const one = load(200);
    await set(route, ++seq, { gray: 0, tag: null });
    expect(share(await next(one, 400))).toBe(0);
    await set(route, ++seq, { gray: 25, tag: null });
    await until('gray answers', async () => expect(one.summary().byVersion['v2']).toBeGreaterThan(0));
    // Four standard deviations of 800 draws.
    const quarter = share(await next(one, 800));
    expect(quarter).toBeGreaterThan(0.25 - 0.0613);
    expect(quarter).toBeLessThan(0.25 + 0.0613);
    await set(route, ++seq, { gray: 100, tag: null });
    await settled(one, 'v2');
    expect(share(await next(one, 400))).toBe(1);
    await restore(route);
    await settled(one, 'v1');
    expect(await one.stop()).toMatchObject({ failed: 0, byFailure: {} });
    seq = 1;
  });

  it('sends tagged requests to gray whatever the weight, and untagged ones to stable', async () => {
    await prepare(route, seq);
    await set(route, ++seq, { gray: 0, tag });
    const [tagged, untagged] = [load(100, { 'x-lane': 'gray' }), load(100)];
    await settled(tagged, 'v2');
    expect(share(await next(tagged, 200))).toBe(1);
    expect(share(await next(untagged, 200))).toBe(0);
    const other = load(100, { 'x-lane': 'grayish' });
    expect(share(await next(other, 50))).toBe(0);
    await set(route, ++seq, { gray: 100, tag });
    await settled(untagged, 'v2');
    await restore(route);
    await settled(tagged, 'v1');
    for (const one of [tagged, untagged, other])
      expect(await one.stop()).toMatchObject({ failed: 0, byFailure: {} });
    seq = 1;
  });

  interface Answer {
    readonly version: string;
    /** The header of the tag as it came to the application. */
    readonly tag: string | null;
  }
  async function answers(
    count: number,
    headers: Record<string, string | string[]>,
    path = '/',
  ): Promise<Answer[]> {
    const got: Answer[] = [];
    while (got.length < count) {
      const url = new URL(path, stack.ingress);
      const { statusCode, body } = await request(url, { headers: { ...headers, host } });
      expect(statusCode).toBe(200);
      got.push((await body.json()) as Answer);
    }
    return got;
  }
  const tagsOf = (got: readonly Answer[]): (string | null)[] => got.map((answer) => answer.tag);

  it.each(stampings)(
    'puts the tag on each request to gray and takes it off each to stable, whoever set it: $how',
    async ({ how: _, ...stamps }) => {
      const stamping = { ...route, ...stamps };
      const isOne = stamps.grayService === 'web';
      /** Five standard deviations of 100 draws, and no answer of one track with the tag of the other. */
      const shared = async (headers: Record<string, string | string[]>): Promise<void> => {
        const got = await answers(100, headers);
        const tagged = got.filter((answer) => answer.tag === 'gray');
        expect(tagged.length).toBeGreaterThan(25);
        expect(tagged.length).toBeLessThan(75);
        for (const one of got) expect(one.tag).toBe(tagged.includes(one) ? 'gray' : null);
        if (isOne) return;
        for (const one of got) expect(one.version).toBe(one.tag === 'gray' ? 'v2' : 'v1');
      };
      await prepare(stamping, seq);
      await until('no tag of another lane passes', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'blue' }))).toEqual(
          Array.from({ length: 20 }, () => null),
        ),
      );
      await set(stamping, ++seq, { gray: 50, tag: null });
      await until('gray answers', async () => expect(tagsOf(await answers(20, {}))).toContain('gray'));
      await shared({});
      await shared({ 'x-lane': 'blue' });
      await shared({ 'X-Lane': ['blue', 'green'] });
      // There is no rule for the tag, so it is a share of these too that gray gets.
      await shared({ 'x-lane': 'gray' });

      await set(stamping, ++seq, { gray: 50, tag });
      await until('tagged requests go to gray', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'gray' }))).not.toContain(null),
      );
      const tagged = await answers(100, { 'x-lane': 'gray' });
      expect(tagsOf(tagged).every((one) => one === 'gray')).toBe(true);
      expect([...new Set(tagged.map((answer) => answer.version))]).toEqual([isOne ? 'v1' : 'v2']);
      await shared({});
      await shared({ 'x-lane': 'grayish' });

      await restore(stamping);
      await until('headers pass as they come', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'blue' }))).toEqual(
          Array.from({ length: 20 }, () => 'blue'),
        ),
      );
      expect(tagsOf(await answers(20, {}))).not.toContain('gray');
      seq = 1;
    },
  );

  it('sends those that enter to gray with the tag while tagged requests go there, and others where they went', async () => {
    const entered = { ...route, stamps: tag, enter };
    type Sent = readonly [headers: Record<string, string>, path: string];
    const going: readonly Sent[] = [
      [{ 'x-lane': 'gray' }, '/'],
      [{}, '/?group=gray'],
      [{ 'x-lane': 'blue' }, '/?a=1&group=gray'],
      [{ 'X-User': 'qa-7' }, '/'],
      [{ cookie: 'a=2; beta=1; c=3' }, '/'],
      [{ cookie: 'beta=1' }, '/?group=other'],
      [{}, '/?team=a.b'],
      [{}, '/?team=f'],
      [{ 'x-country': 'at' }, '/?debug=12'],
    ];
    const staying: readonly Sent[] = [
      [{}, '/'],
      [{ 'x-lane': 'blue' }, '/?group=grayish'],
      [{ group: 'gray' }, '/'],
      [{ 'x-user': 'my-qa-7' }, '/'],
      [{ cookie: 'a=2; xbeta=1; c=beta' }, '/'],
      [{ cookie: 'beta=10' }, '/'],
      [{}, '/?team=axb'],
      [{ 'x-country': 'at' }, '/?debug=12x'],
      [{ 'x-country': 'det' }, '/?debug=12'],
      [{ 'x-country': 'de' }, '/'],
    ];
    const seen = async ([headers, path]: Sent): Promise<unknown[]> => [
      headers,
      path,
      ...(await answers(5, headers, path)).map((one) => [one.version, one.tag]),
    ];
    const all = (sent: readonly Sent[], version: string, stamp: string | null): unknown[] =>
      sent.map(([headers, path]) => [headers, path, ...Array.from({ length: 5 }, () => [version, stamp])]);
    await prepare(entered, seq);
    await set(entered, ++seq, { gray: 0, tag });
    await until('those that enter are known', async () =>
      expect(await Promise.all(going.map(seen))).toEqual(all(going, 'v2', 'gray')),
    );
    expect(await Promise.all(staying.map(seen))).toEqual(all(staying, 'v1', null));
    await set(entered, ++seq, { gray: 0, tag: null });
    await until('nobody enters any more', async () =>
      expect(await Promise.all(going.map(seen))).toEqual(all(going, 'v1', null)),
    );
    await restore(entered);
    await until('headers pass as they come', async () =>
      expect(tagsOf(await answers(20, { 'x-lane': 'blue' }, '/?group=gray'))).toEqual(
        Array.from({ length: 20 }, () => 'blue'),
      ),
    );
    seq = 1;
  });

  it('fails no request while the weights move and the route is taken and given back, again and again', async () => {
    const [untagged, tagged] = [load(200), load(100, { 'x-lane': 'gray' })];
    for (let round = 0; round < 5; round++) {
      await prepare(route, 1);
      await set(route, 2, { gray: 0, tag });
      await settled(tagged, 'v2', 5);
      for (const [i, gray] of [10, 50, 100].entries()) await set(route, i + 3, { gray, tag });
      await settled(untagged, 'v2', 10);
      await restore(route);
      await settled(untagged, 'v1', 10);
      await settled(tagged, 'v1', 5);
    }
    for (const one of [untagged, tagged]) {
      const summary = await one.stop();
      expect(summary).toMatchObject({ failed: 0, byFailure: {} });
      expect(Object.keys(summary.byVersion).sort()).toEqual(['v1', 'v2']);
    }
  });
});

/** Several rules, with all kinds of fields that a release must leave as they are. */
function richSpec(kind: RouterKind, name: string): object {
  switch (kind) {
    case 'gateway-api': {
      const remove = { type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-b', 'X-Lane'] } };
      return {
        parentRefs: [stack.gateway],
        hostnames: [`${name}.local`],
        rules: [
          {
            matches: [
              { path: { type: 'Exact', value: '/a' }, method: 'GET' },
              {
                headers: [{ name: 'x-a', type: 'RegularExpression', value: 'b.*' }],
                queryParams: [{ name: 'q', value: '1' }],
              },
            ],
            filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'inner.local' } }],
            timeouts: { request: '10s', backendRequest: '2s' },
            backendRefs: [{ name: 'web', port: 80, weight: 7, filters: [remove] }],
          },
          {
            matches: [{ path: { type: 'PathPrefix', value: '/old' } }],
            filters: [
              { type: 'RequestRedirect', requestRedirect: { statusCode: 301, hostname: 'new.local' } },
            ],
          },
          {
            matches: [{ path: { type: 'PathPrefix', value: '/two' } }],
            backendRefs: [
              { name: 'x', port: 80, weight: 30 },
              { name: 'y', port: 80, weight: 70 },
            ],
          },
          { backendRefs: [{ name: 'web', port: 80 }] },
        ],
      };
    }
    case 'contour': {
      const policy = {
        set: [
          { name: 'x-b', value: 'c' },
          { name: 'X-Lane', value: 'own' },
        ],
      };
      return {
        virtualhost: { fqdn: `${name}.local`, corsPolicy: { allowOrigin: ['*'], allowMethods: ['GET'] } },
        includes: [{ name: 'child', conditions: [{ prefix: '/child' }] }],
        routes: [
          {
            conditions: [{ prefix: '/a' }, { header: { name: 'x-a', contains: 'b' } }],
            services: [{ name: 'web', port: 80, weight: 7, requestHeadersPolicy: policy }],
            retryPolicy: { count: 3, perTryTimeout: '150ms' },
            timeoutPolicy: { response: '10s', idle: '1m' },
            pathRewritePolicy: { replacePrefix: [{ replacement: '/b' }] },
          },
          {
            conditions: [{ prefix: '/old' }],
            requestRedirectPolicy: { hostname: 'new.local', statusCode: 301 },
          },
          {
            conditions: [{ prefix: '/two' }],
            services: [
              { name: 'x', port: 80, weight: 30 },
              { name: 'y', port: 80, weight: 70 },
            ],
          },
          {
            services: [
              { name: 'web', port: 80 },
              { name: 'x', port: 80, mirror: true },
            ],
          },
        ],
      };
    }
    case 'istio': {
      const destination = { host: `web.${namespace}.svc.cluster.local`, port: { number: 80 } };
      return {
        hosts: [`${name}.local`],
        gateways: ['istio-system/edge', 'mesh'],
        exportTo: ['.'],
        http: [
          {
            name: 'a',
            match: [
              {
                uri: { prefix: '/a' },
                headers: { 'x-a': { regex: 'b.*' }, 'z-z': { exact: '1' } },
                port: 80,
              },
              { queryParams: { q: { exact: '1' } }, withoutHeaders: { 'x-c': {} } },
            ],
            rewrite: { uri: '/b' },
            retries: { attempts: 3, perTryTimeout: '2s' },
            fault: { delay: { fixedDelay: '1s', percentage: { value: 0.1 } } },
            mirror: { host: 'x' },
            mirrorPercentage: { value: 12.5 },
            route: [{ destination, headers: { request: { set: { 'x-b': 'c', 'x-lane': 'own' } } } }],
          },
          { match: [{ uri: { prefix: '/old' } }], redirect: { authority: 'new.local' } },
          {
            match: [{ uri: { prefix: '/two' } }],
            route: [
              { destination: { host: 'x' }, weight: 30 },
              { destination: { host: 'y', subset: 'v1' }, weight: 70 },
            ],
          },
          { name: 'rest', route: [{ destination: { host: 'web' }, weight: 100 }], timeout: '10s' },
        ],
      };
    }
  }
}

/** A rule that somebody adds while a release holds the route. */
function otherRule(kind: RouterKind): object {
  switch (kind) {
    case 'gateway-api':
      return {
        matches: [{ path: { type: 'Exact', value: '/new' } }],
        backendRefs: [{ name: 'new', port: 80 }],
      };
    case 'contour':
      return { conditions: [{ exact: '/new' }], services: [{ name: 'new', port: 80 }] };
    case 'istio':
      return { match: [{ uri: { exact: '/new' } }], route: [{ destination: { host: 'new' } }] };
  }
}
