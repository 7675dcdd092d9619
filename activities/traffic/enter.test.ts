/** Those that enter a lane without its tag: the rules for them, and room for these. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Enter } from '../../domain/enter.js';
import { allStable, sharingKinds, type SharingKind, type RouteTarget } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf, ruleOf } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { prepareRoute, restoreRoute, setTraffic } from './driver.js';
import { enterProblemsOf } from './enter.js';
import { footprintKey, footprintOf, footprintText, laneOf, notedRoute } from './footprint.js';
import { routers } from './index.js';
import type { JsonObject, Rule } from './router.js';
import {
  desiredRules,
  drainedRules,
  originsOf,
  problemsOf,
  restoredRules,
  roughTrafficOf,
  trafficOf,
} from './rules.js';

const tag = { header: 'x-lane', value: 'gray' };
const enter: Enter = [
  [{ query: 'group', exact: 'gray' }],
  [{ header: 'X-User', prefix: 'qa-' }],
  [{ cookie: 'beta', exact: '1' }],
  [
    { header: 'x-country', in: ['de', 'at'] },
    { query: 'debug', regex: '[0-9]+' },
  ],
];
const target = (kind: SharingKind, grayService = 'web-gray', ways: Enter = enter): RouteTarget => ({
  ...routeOf(kind),
  grayService,
  stamps: tag,
  enter: ways,
});

const tagged = (route: RouteTarget, ...rules: Rule[]): Rule[] =>
  desiredRules(routers[route.router], rules, route, { gray: 0, tag });
const matchesIn = (rule: Rule | undefined, field: string): JsonObject[] => rule?.[field] as JsonObject[];

describe('the rules for those that enter', () => {
  it('are further matches of the tagged rule of an HTTPRoute, and few values stay exact', () => {
    const rule: Rule = { name: 'all', ...ruleOf('gateway-api', '/', 'web'), timeouts: { request: '5s' } };
    const [copy, split, ...more] = tagged(target('gateway-api'), rule);
    expect(more).toEqual([]);
    expect(matchesIn(split, 'matches')).toEqual(rule['matches']);
    const path = { type: 'PathPrefix', value: '/' };
    const debug = { type: 'RegularExpression', name: 'debug', value: '^(?:[0-9]+)$' };
    const country = (value: string): JsonObject => ({
      path,
      headers: [{ type: 'Exact', name: 'x-country', value }],
      queryParams: [debug],
    });
    const set = [{ name: 'x-lane', value: 'gray' }];
    expect(copy).toEqual({
      matches: [
        { path, headers: [{ type: 'Exact', name: 'x-lane', value: 'gray' }] },
        { path, queryParams: [{ type: 'Exact', name: 'group', value: 'gray' }] },
        { path, headers: [{ type: 'RegularExpression', name: 'X-User', value: '^(?:qa-.*)$' }] },
        {
          path,
          headers: [{ type: 'RegularExpression', name: 'cookie', value: '^(?:(.*;\\s*)?beta=1(;.*)?)$' }],
        },
        country('de'),
        country('at'),
      ],
      timeouts: { request: '5s' },
      backendRefs: [
        {
          name: 'web-gray',
          port: 80,
          weight: 100,
          filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set } }],
        },
      ],
    });
  });

  it('are routes of their own in an HTTPProxy, each with what its rule asks for', () => {
    const header = { name: 'x-own', contains: 'a' };
    const rules = tagged(target('contour'), ruleOf('contour', '/a', 'web', { header }));
    const common = [{ prefix: '/a' }, { header }];
    expect(rules.map((rule) => rule['conditions'])).toEqual([
      [...common, { header: { name: 'x-lane', exact: 'gray' } }],
      [...common, { queryParameter: { name: 'group', exact: 'gray' } }],
      [...common, { header: { name: 'X-User', regex: 'qa-.*' } }],
      [...common, { header: { name: 'cookie', regex: '(.*;\\s*)?beta=1(;.*)?' } }],
      [
        ...common,
        { header: { name: 'x-country', regex: 'de|at' } },
        { queryParameter: { name: 'debug', regex: '[0-9]+' } },
      ],
      common,
    ]);
    const set = [{ name: 'x-lane', value: 'gray' }];
    const gray = { name: 'web-gray', port: 80, weight: 100, requestHeadersPolicy: { set } };
    for (const rule of rules.slice(0, -1)) expect(rule['services']).toEqual([gray]);
  });

  it('are further matches in a VirtualService, for each match of the rule, with headers in lower case', () => {
    const rule: Rule = {
      name: 'a',
      match: [{ uri: { prefix: '/a' }, headers: { 'x-own': { exact: '1' } } }, { port: 8080 }],
      route: [{ destination: { host: 'web' } }],
    };
    const ways: Enter = [[{ header: 'X-User', prefix: 'qa-' }], [{ query: 'Group', in: ['a', 'b'] }]];
    const [copy, ...others] = tagged(target('istio', 'web-gray', ways), rule);
    const own = { 'x-own': { exact: '1' } };
    expect(copy).toMatchObject({
      match: [
        { uri: { prefix: '/a' }, headers: { ...own, 'x-lane': { exact: 'gray' } } },
        { port: 8080, headers: { 'x-lane': { exact: 'gray' } } },
        { uri: { prefix: '/a' }, headers: { ...own, 'x-user': { prefix: 'qa-' } } },
        { port: 8080, headers: { 'x-user': { prefix: 'qa-' } } },
        { uri: { prefix: '/a' }, headers: own, queryParams: { Group: { regex: 'a|b' } } },
        { port: 8080, queryParams: { Group: { regex: 'a|b' } } },
      ],
    });
    expect(copy).not.toHaveProperty('name');
    expect(others).toHaveLength(1);
  });

  it.each(sharingKinds)('are only there while the tag is, in a route of kind %s', (kind) => {
    const rules = desiredRules(routers[kind], [ruleOf(kind, '/', 'web')], target(kind), {
      gray: 30,
      tag: null,
    });
    expect(rules).toHaveLength(1);
    expect(JSON.stringify(rules)).not.toContain('group');
  });

  it('ask for all values in one pattern where a rule of an HTTPRoute would have more than its part of the matches', () => {
    const matches = Array.from({ length: 3 }, (_, i) => ({ path: { type: 'Exact', value: `/${i}` } }));
    const rule: Rule = { matches, backendRefs: [{ name: 'web', port: 80 }] };
    const [copy] = tagged(target('gateway-api'), rule);
    expect(matchesIn(copy, 'matches')).toHaveLength(3 + 3 * enter.length);
    expect(JSON.stringify(copy)).toContain('"^(?:de|at)$"');
  });

  it.each(sharingKinds)('leave requests of another lane alone, in a route of kind %s', (kind) => {
    const blue: Readonly<Record<SharingKind, JsonObject>> = {
      'gateway-api': { headers: [{ type: 'Exact', name: 'x-lane', value: 'blue' }] },
      contour: { header: { name: 'x-lane', exact: 'blue' } },
      istio: { headers: { 'x-lane': { exact: 'blue' } } },
    };
    expect(tagged(target(kind), ruleOf(kind, '/', 'web', blue[kind]))).toHaveLength(1);
  });
});

describe('what lets nobody enter', () => {
  const problems = (kind: SharingKind, ...rules: Rule[]): string =>
    enterProblemsOf(routers[kind], rules, target(kind)).join(' ');
  const exact = (kind: SharingKind, from: 'header' | 'query', name: string, value: string): JsonObject => {
    switch (kind) {
      case 'gateway-api':
        return { [from === 'header' ? 'headers' : 'queryParams']: [{ type: 'Exact', name, value }] };
      case 'contour':
        return { [from === 'header' ? 'header' : 'queryParameter']: { name, exact: value } };
      case 'istio':
        return { [from === 'header' ? 'headers' : 'queryParams']: { [name]: { exact: value } } };
    }
  };

  it.each(sharingKinds)('is no rule that asks for something else, in a route of kind %s', (kind) => {
    const own = ruleOf(kind, '/own', 'web', exact(kind, 'header', 'x-own', '1'));
    expect(problems(kind, ruleOf(kind, '/', 'web'), own)).toBe('');
    const other = ruleOf(kind, '/', 'beta', exact(kind, 'query', 'group', 'other'));
    expect(problems(kind, ruleOf(kind, '/', 'web'), other)).toBe('');
  });

  it.each(sharingKinds.flatMap((kind) => [[kind, 'X-USER'] as const, [kind, 'Cookie'] as const]))(
    'is a rule of its own that asks for the header itself, in a route of kind %s: %s',
    (kind, name) => {
      const rule = ruleOf(kind, '/', 'web', exact(kind, 'header', name, 'qa-1'));
      const why = `asks for "${name}" itself, which release.tag.enter names; name something else there.`;
      expect(problems(kind, rule)).toContain(why);
    },
  );

  it.each(sharingKinds)('is a rule of its own that asks for the parameter, in a route of kind %s', (kind) => {
    const rule = ruleOf(kind, '/', 'web', exact(kind, 'query', 'group', 'blue'));
    expect(problems(kind, rule)).toContain('asks for "group" itself');
  });

  it('is a rule that asks for a request without the header', () => {
    const rule = ruleOf('istio', '/', 'web', { withoutHeaders: { 'x-user': {} } });
    expect(problems('istio', rule)).toContain('asks for "x-user" itself');
  });

  it.each(sharingKinds)('is a rule that sends the same requests elsewhere, in a route of kind %s', (kind) => {
    const other = ruleOf(kind, '/', 'beta', exact(kind, 'query', 'group', 'gray'));
    const why = 'already asks for what release.tag.enter lets in; take one of the two away.';
    expect(problems(kind, ruleOf(kind, '/', 'web'), other)).toContain(why);
    expect(problems(kind, ruleOf(kind, '/b', 'web'), other)).toBe('');
    const object = { metadata: { name: 'web' }, spec: {} } as KubeObject;
    const rules = [ruleOf(kind, '/', 'web'), other];
    expect(problemsOf(routers[kind], object, rules, target(kind)).join(' ')).toContain(why);
    const { enter: _, ...without } = target(kind);
    expect(problemsOf(routers[kind], object, rules, without)).toEqual([]);
  });

  it('is no rule of its own making', () => {
    for (const kind of sharingKinds)
      expect(problems(kind, ...tagged(target(kind), ruleOf(kind, '/', 'web')))).toBe('');
  });

  it.each<[string, Enter, number, RegExp]>([
    [
      'too many matches in a rule',
      Array.from({ length: 8 }, (_, i) => [{ query: `q${i}`, exact: '1' }]),
      8,
      /would have 72 matches in one rule; 64 are allowed/,
    ],
    [
      'too long a value',
      [[{ query: 'q', in: Array.from({ length: 20 }, (_, i) => `${i}${'x'.repeat(90)}`) }]],
      1,
      /would have 1\d{3} characters in the value of a query; 1024 are allowed/,
    ],
  ])('is, in an HTTPRoute, %s', (_, ways, count, why) => {
    const matches = Array.from({ length: count }, (_unused, i) => ({
      path: { type: 'Exact', value: `/${i}` },
    }));
    const rule: Rule = { matches, backendRefs: [{ name: 'web', port: 80 }] };
    const object = { metadata: { name: 'web' }, spec: {} } as KubeObject;
    const route = target('gateway-api', 'web-gray', ways);
    expect(problemsOf(routers['gateway-api'], object, [rule], route).join(' ')).toMatch(why);
  });
});

const cases = sharingKinds.flatMap((kind) => ['web-gray', 'web'].map((gray) => ({ kind, gray })));

describe.each(cases)('a $kind route that lets others enter, whose gray is $gray', ({ kind, gray }) => {
  const router = routers[kind];
  const route = target(kind, gray);
  const before = [ruleOf(kind, '/', 'web'), ruleOf(kind, '/b', 'beta'), ruleOf(kind, '/c', 'web')];
  const after = desiredRules(router, before, route, { gray: 30, tag });

  it('is read as it was set, and is as it was afterwards', () => {
    expect(trafficOf(router, after, route)).toEqual({ gray: 30, tag });
    expect(desiredRules(router, after, route, { gray: 30, tag })).toEqual(after);
    const origins = originsOf(router, before, route);
    expect(restoredRules(router, after, route, origins)).toEqual(before);
    const noted = { release: 'r', seq: 1, gray, origins, left: '', ...laneOf(route) };
    const object = {
      metadata: { name: 'web', annotations: { [footprintKey(route)]: footprintText(noted) } },
    };
    expect(footprintOf(object, route)).toEqual(noted);
    // What the next release declares is something else.
    const { enter: _, ...next } = { ...route, grayService: 'web-blue' };
    expect(notedRoute(next, noted)).toEqual(route);
  });

  it('loses all rules for those that enter where the note was lost', () => {
    const keys = new Set(before.map((rule) => router.keyOf(rule)));
    const count = (rules: readonly Rule[]): number =>
      rules.filter((rule) => !keys.has(router.keyOf(rule))).length;
    expect(count(after)).toBe(kind === 'contour' ? 10 : 2);
    expect(count(restoredRules(router, after, route, null))).toBe(0);
    expect(count(drainedRules(router, after, route))).toBe(0);
  });

  it('makes all of them anew where somebody took the rule of the tag away', () => {
    const first = after.findIndex((rule) => router.tagsOf(rule).length > 0);
    const rules = after.filter((_, i) => i !== first);
    expect(trafficOf(router, rules, route)).toBeNull();
    expect(desiredRules(router, rules, route, { gray: 30, tag })).toEqual(after);
  });
});

it('what lets requests enter is not taken for the tag where somebody took a rule of the tag away', () => {
  const route = target('contour', 'web-gray', [[{ header: 'x-user', exact: 'a' }]]);
  const rules = tagged(route, ruleOf('contour', '/', 'web'), ruleOf('contour', '/b', 'web'));
  const rough = (from: number) => roughTrafficOf(routers.contour, rules.slice(from), route);
  expect(rough(1)).toEqual({ gray: 0, tag });
  expect(rough(4)).toEqual({ gray: 0, tag: null });
});

describe('a release at an HTTPProxy that lets others enter', () => {
  const path = '/apis/projectcontour.io/v1/namespaces/shop/httpproxies/web';
  const never = new AbortController().signal;
  const routes = [ruleOf('contour', '/b', 'beta'), ruleOf('contour', '/', 'web')];
  let kube: FakeObjects;
  let cluster: Cluster;
  beforeEach(async () => {
    kube = new FakeObjects();
    cluster = await kube.start();
    put(routes);
    for (const service of ['web', 'web-gray'])
      kube.put(`/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/${service}-x`, {
        metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
        endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
      });
  });
  afterEach(() => kube.stop());
  const put = (rules: readonly Rule[]): void =>
    kube.put(path, { metadata: { name: 'web', namespace: 'shop' }, spec: { routes: rules } });
  const seen = (): readonly Rule[] => (kube.get(path)['spec'] as { routes: Rule[] }).routes;
  const prepare = (route: RouteTarget, release = 'r1') =>
    prepareRoute(cluster, { release, route, seq: 1 }, never, 0);
  const traffic = { gray: 10, tag };

  it('lets them enter with the tag, and gives everything back', async () => {
    const route = target('contour');
    await prepare(route);
    expect(seen()).toHaveLength(2);
    const input = { release: 'r1', route, seq: 2, traffic };
    expect(await setTraffic(cluster, input, never, 0, 0)).toMatchObject({ after: traffic, foreign: [] });
    expect(seen()).toHaveLength(2 + 1 + enter.length);
    expect((await setTraffic(cluster, input, never, 0, 0)).changed).toBe(false);
    const given = await restoreRoute(cluster, { release: 'r1', route }, never, 0);
    expect(given).toMatchObject({ before: traffic, after: allStable, foreign: [] });
    expect(JSON.stringify(seen())).toBe(JSON.stringify(routes));
  });

  it('is refused before anything is written where a rule sends the same requests elsewhere', async () => {
    const { conditions, ...other } = ruleOf('contour', '/', 'beta');
    const group = { queryParameter: { name: 'group', exact: 'gray' } };
    put([...routes, { ...other, conditions: [...(conditions as JsonObject[]), group] }]);
    await expect(prepare(target('contour'))).rejects.toThrow(
      /already asks for what release\.tag\.enter lets in/,
    );
    expect(kube.count('PATCH')).toBe(0);
  });

  it('is refused where such a rule came meanwhile', async () => {
    const route = target('contour');
    await prepare(route);
    const object = kube.get(path);
    const user = { header: { name: 'x-user', exact: 'a' } };
    const added = { ...seen()[1], conditions: [{ prefix: '/c' }, user] };
    kube.put(path, { ...object, spec: { routes: [...seen(), added] } });
    const set = (tagged: typeof tag | null) =>
      setTraffic(cluster, { release: 'r1', route, seq: 2, traffic: { gray: 10, tag: tagged } }, never, 0, 0);
    await expect(set(tag)).rejects.toThrow(/asks for "x-user" itself/);
    expect((await set(null)).changed).toBe(true);
  });

  it.each(['web-gray', 'web'])('that was ended by force leaves nothing for the next: %s', async (gray) => {
    const route = target('contour', gray);
    await prepare(route);
    await setTraffic(cluster, { release: 'r1', route, seq: 2, traffic }, never, 0, 0);
    const { enter: _, stamps: _1, ...next } = { ...route, grayService: 'web-blue' };
    await prepare(next, 'r2');
    expect(seen()).toHaveLength(2);
    await restoreRoute(cluster, { release: 'r2', route: next }, never, 0);
    expect(JSON.stringify(seen())).toBe(JSON.stringify(routes));
  });
});
