import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeProblems } from '../../activities/traffic/activities.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';
import { path } from '../../activities/kubernetes/resources.js';
import type { CatalogueError } from '../../activities/failure.js';
import { returnToStable } from '../../activities/traffic/driver.js';
import { routers } from '../../activities/traffic/index.js';
import {
  allStable,
  sharingKinds,
  type SharingKind,
  type RouteTarget,
  type Traffic,
} from '../../domain/traffic.js';
import type { KubeObject as LocalObject } from '../../infra/local/kube.js';
import { describeServed } from './served.js';
import { enter, stampings, tag, Web } from './web.js';

const web = new Web('routers-test');
const { stack, kube, cluster, namespace, prepare, set, restore } = web;
const release = namespace;
const never = new AbortController().signal;

beforeAll(async () => {
  const others = ['x', 'y', 'new'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [{ port: 80 }] },
  }));
  await web.install([
    ...others,
    {
      apiVersion: 'projectcontour.io/v1',
      kind: 'HTTPProxy',
      metadata: { name: 'child', namespace },
      spec: { routes: [{ services: [{ name: 'x', port: 80 }] }] },
    },
  ]);
});
afterAll(() => web.remove());

describe.each(sharingKinds)('the real API server and a route of kind %s', (kind) => {
  const { resource } = routers[kind];
  const at = (name: string): string => path(resource, namespace, name);

  async function create(name: string, spec: object, metadata: object = {}): Promise<RouteTarget> {
    const apiVersion = `${resource.group}/${resource.version}`;
    const object = { apiVersion, kind: resource.kind, metadata: { name, namespace, ...metadata }, spec };
    await kube.create(path(resource, namespace), object);
    return web.target(kind, name);
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
      const result = await set(route, i + 2, traffic, 0);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      // Nothing that the API server adds by itself is taken for somebody else's change.
      expect(await set(route, i + 2, traffic, 0)).toMatchObject({
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
      const result = await set(route, i + 2, traffic, 0);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      expect(await set(route, i + 2, traffic, 0)).toMatchObject({ changed: false, before: traffic });
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
      const result = await set(route, i + 2, traffic, 0);
      expect(result).toMatchObject({ changed: true, after: traffic, foreign: [] });
      const again = await set(route, i + 2, traffic, 0);
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
    const route = web.target(kind, 'owned');
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
    expect((await routeProblems(cluster, web.target(kind, 'gone'))).map((p) => p.code)).toEqual([
      'route_unknown',
    ]);
  });
});

describe.each(['gateway-api', 'contour'] as const)('the real Envoy and a route of kind %s', (kind) => {
  describeServed(kind, web, () => web.stack.ingress);
});

/** Several rules, with all kinds of fields that a release must leave as they are. */
function richSpec(kind: SharingKind, name: string): object {
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
function otherRule(kind: SharingKind): object {
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
