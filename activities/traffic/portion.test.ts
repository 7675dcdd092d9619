/** Those of whom a portion enters a lane: the rules for them, and a route that two releases share. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Enter } from '../../domain/enter.js';
import {
  allStable,
  sharingKinds,
  type RouteTarget,
  type SharingKind,
  type Traffic,
} from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf, ruleOf } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { prepareRoute, restoreRoute, setTraffic } from './driver.js';
import { enterProblemsOf } from './enter.js';
import { footprintKey, footprintOf, footprintText, laneOf } from './footprint.js';
import { routers } from './index.js';
import type { JsonObject, Rule } from './router.js';
import {
  desiredRules,
  drainedRules,
  originsOf,
  problemsOf,
  restoredRules,
  rulesOf,
  trafficOf,
} from './rules.js';
import { isCleared, isStamped } from './stamps.js';

const tag = { header: 'x-lane', value: 'gray' };
const beta: Enter = [[{ header: 'x-user', exact: 'beta' }, { percent: 30 }]];
const target = (kind: SharingKind, enter: Enter, grayService = 'web-gray'): RouteTarget => ({
  ...routeOf(kind),
  grayService,
  stamps: tag,
  enter,
});

type Part = readonly [service: string | null, tagged: boolean | null, weight: number];

/** Where a rule sends: with the tag, without it, or with headers as they came (null). */
const partsOf = (kind: SharingKind, rule: Rule): readonly Part[] =>
  routers[kind]
    .backends(rule, routeOf(kind))
    .filter(({ weight }) => weight !== 0)
    .map(({ service, weight, entry }): Part => {
      const tagged =
        isStamped(routers[kind], entry, tag) || (isCleared(routers[kind], entry, tag) ? false : null);
      return [service, tagged, weight ?? 100];
    });
const made = (route: RouteTarget, traffic: Traffic, ...rules: Rule[]): Rule[] =>
  desiredRules(routers[route.router], rules, route, traffic);
const headersIn = (match: unknown): unknown => (match as JsonObject)['headers'];

describe('the rule for those of whom a portion enters', () => {
  const set = [{ name: 'x-lane', value: 'gray' }];

  it('is a second copy in an HTTPRoute, and a match keeps the tagged among them whole', () => {
    const rule: Rule = { name: 'all', ...ruleOf('gateway-api', '/', 'web'), timeouts: { request: '5s' } };
    const [whole, part, split, ...more] = made(target('gateway-api', beta), { gray: 10, tag }, rule);
    expect(more).toEqual([]);
    const lane = { type: 'Exact', name: 'x-lane', value: 'gray' };
    const user = { type: 'Exact', name: 'x-user', value: 'beta' };
    expect((whole!['matches'] as JsonObject[]).map(headersIn)).toEqual([[lane], [lane, user]]);
    const modifier = (requestHeaderModifier: JsonObject): JsonObject => ({
      filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier }],
    });
    expect(part).toEqual({
      matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [user] }],
      timeouts: { request: '5s' },
      backendRefs: [
        { name: 'web', port: 80, weight: 70, ...modifier({ remove: ['x-lane'] }) },
        { name: 'web-gray', port: 80, weight: 30, ...modifier({ set }) },
      ],
    });
    expect(partsOf('gateway-api', split!)).toEqual([
      ['web', false, 90],
      ['web-gray', true, 10],
    ]);
  });

  it('is a route of an HTTPProxy with what its rule asks for, which keeps its mirror', () => {
    const mirror = { name: 'shadow', port: 80, mirror: true };
    const rule: Rule = { conditions: [{ prefix: '/a' }], services: [{ name: 'web', port: 80 }, mirror] };
    const rules = made(target('contour', beta), { gray: 0, tag }, rule);
    const user = { header: { name: 'x-user', exact: 'beta' } };
    const lane = { header: { name: 'x-lane', exact: 'gray' } };
    expect(rules.map((one) => one['conditions'])).toEqual([
      [{ prefix: '/a' }, lane],
      [{ prefix: '/a' }, lane, user],
      [{ prefix: '/a' }, user],
      [{ prefix: '/a' }],
    ]);
    expect(rules[2]?.['services']).toEqual([
      { name: 'web', port: 80, weight: 70, requestHeadersPolicy: { remove: ['x-lane'] } },
      { name: 'web-gray', port: 80, weight: 30, requestHeadersPolicy: { set } },
      mirror,
    ]);
  });

  it('stands behind that of the tag in a VirtualService, and needs nothing more there', () => {
    const rule: Rule = { name: 'a', ...ruleOf('istio', '/a', 'web') };
    const [whole, part, split, ...more] = made(target('istio', beta), { gray: 0, tag }, rule);
    expect(more).toEqual([]);
    expect(whole?.['match']).toEqual([{ uri: { prefix: '/a' }, headers: { 'x-lane': { exact: 'gray' } } }]);
    const destination = (host: string): JsonObject => ({ destination: { host, port: { number: 80 } } });
    expect(part).toEqual({
      match: [{ uri: { prefix: '/a' }, headers: { 'x-user': { exact: 'beta' } } }],
      route: [
        { ...destination('web'), weight: 70, headers: { request: { remove: ['x-lane'] } } },
        { ...destination('web-gray'), weight: 30, headers: { request: { set: { 'x-lane': 'gray' } } } },
      ],
    });
    expect(split?.['name']).toBe('a');
  });
});

const cases = sharingKinds.flatMap((kind) => ['web-gray', 'web'].map((gray) => ({ kind, gray })));

describe.each(cases)('a $kind route of whom a portion enters, whose gray is $gray', ({ kind, gray }) => {
  const router = routers[kind];
  const before = [ruleOf(kind, '/', 'web'), ruleOf(kind, '/b', 'beta'), ruleOf(kind, '/c', 'web')];
  const split = new Set(before.map((rule) => router.keyOf(rule)));
  /** Parts of the rules that the route did not have, each once. */
  const partsMade = (enter: Enter, traffic: Traffic): unknown[] => {
    const rules = made(target(kind, enter, gray), traffic, ...before);
    const parts = rules.filter((rule) => !split.has(router.keyOf(rule))).map((rule) => partsOf(kind, rule));
    return [...new Set(parts.map((one) => JSON.stringify(one)))].map((one) => JSON.parse(one) as unknown);
  };
  const whole: Part[] = [[gray, true, 100]];

  it('sends all of them to gray as long as everybody goes there, and nobody while no tag does', () => {
    expect(partsMade(beta, { gray: 99, tag })).toEqual([
      whole,
      [
        ['web', false, 70],
        [gray, true, 30],
      ],
    ]);
    expect(partsMade(beta, { gray: 100, tag })).toEqual([whole]);
    expect(partsMade(beta, { gray: 50, tag: null })).toEqual([]);
  });

  it('counts the largest portion of one way, however it is written', () => {
    const [way] = beta;
    const user = [{ header: 'X-User', in: ['beta'] }] as const;
    expect(partsMade([...beta, user], { gray: 0, tag })).toEqual([whole]);
    expect(partsMade([way!, [...user, { percent: 60 }]], { gray: 0, tag })).toEqual([
      whole,
      [
        ['web', false, 40],
        [gray, true, 60],
      ],
    ]);
    // Two conditions that are a way of their own already.
    const debug = { query: 'debug', exact: '1' } as const;
    const both: Enter = [[...user], [debug, { percent: 5 }], [...user, debug, { percent: 7 }]];
    const keys = made(target(kind, both, gray), { gray: 0, tag }, ...before).map((rule) =>
      router.keyOf(rule),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is read as it was set, and is as it was afterwards, with its note or without', () => {
    const route = target(kind, beta, gray);
    const origins = originsOf(router, before, route);
    for (const share of [0, 30, 100]) {
      const after = made(route, { gray: share, tag }, ...before);
      expect(trafficOf(router, after, route)).toEqual({ gray: share, tag });
      expect(made(route, { gray: share, tag }, ...after)).toEqual(after);
      expect(originsOf(router, after, route)).toHaveLength(origins.length);
      expect(enterProblemsOf(router, after, route)).toEqual([]);
      expect(restoredRules(router, after, route, origins)).toEqual(before);
      expect(restoredRules(router, after, route, null)).toHaveLength(before.length);
      expect(drainedRules(router, after, route)).toHaveLength(before.length);
    }
    const noted = { release: 'r', seq: 1, gray, origins, left: '', ...laneOf(route) };
    const annotations = { [footprintKey(route)]: footprintText(noted) };
    expect(footprintOf({ metadata: { name: 'web', annotations } }, route)).toEqual(noted);
  });

  it('is made anew where somebody changed its weights', () => {
    const route = target(kind, beta, gray);
    const after = made(route, { gray: 30, tag }, ...before);
    const other = made(
      target(kind, [[{ header: 'x-user', exact: 'beta' }, { percent: 90 }]], gray),
      { gray: 30, tag },
      ...before,
    );
    expect(trafficOf(router, other, route)).toBeNull();
    expect(made(route, { gray: 30, tag }, ...other)).toEqual(after);
  });
});

it.each(sharingKinds)(
  'headers of those who do not enter pass as they came where nobody is told of the share, in a route of kind %s',
  (kind) => {
    const route: RouteTarget = { ...target(kind, beta), untold: true };
    const parts = (gray: number): unknown =>
      made(route, { gray, tag }, ruleOf(kind, '/', 'web')).map((rule) => partsOf(kind, rule));
    const entering: Part = ['web-gray', true, 30];
    expect(parts(0)).toContainEqual([['web', null, 70], entering]);
    expect(parts(100)).toContainEqual([['web-gray', null, 70], entering]);
    const found = made(route, { gray: 100, tag }, ruleOf(kind, '/', 'web'));
    expect(trafficOf(routers[kind], found, route)).toEqual({ gray: 100, tag });
    expect(made(route, allStable, ...found)).toEqual(made(route, allStable, ruleOf(kind, '/', 'web')));
  },
);

it('each percentage is a rule more of an HTTPRoute, which has room for 16', () => {
  const enter = Array.from({ length: 7 }, (_, i) => [{ query: `q${i}`, exact: '1' }, { percent: i + 1 }]);
  const object = { metadata: { name: 'web' }, spec: {} } as KubeObject;
  const rules = [ruleOf('gateway-api', '/', 'web'), ruleOf('gateway-api', '/b', 'web')];
  const problems = (ways: Enter): string[] =>
    problemsOf(routers['gateway-api'], object, rules, target('gateway-api', ways));
  expect(problems(enter)).toEqual(['it would have 18 rules; 16 are allowed.']);
  expect(problems(enter.map(([asked]) => [asked!, { percent: 5 }]))).toEqual([]);
});

describe.each(sharingKinds)(
  'a route that two releases share, into whose lanes portions enter: %s',
  (kind) => {
    const never = new AbortController().signal;
    const router = routers[kind];
    const { group, version, plural } = router.resource;
    const path = `/apis/${group}/${version}/namespaces/shop/${plural}/web`;
    const rules = [ruleOf(kind, '/static', 'static'), ruleOf(kind, '/', 'web')];
    const blue = { header: 'x-team', value: 'blue' };
    type Who = 'host' | 'guest';
    let kube: FakeObjects;
    let cluster: Cluster;
    let seq = 0;
    beforeEach(async () => {
      kube = new FakeObjects();
      cluster = await kube.start();
      for (const service of ['web', 'web-gray'])
        kube.put(`/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/${service}-x`, {
          metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
          endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
        });
      kube.put(path, { metadata: { name: 'web', namespace: 'shop' }, spec: { [router.field]: rules } });
    });
    afterEach(() => kube.stop());

    const hostRoute: RouteTarget = routeOf(kind);
    const guestRoute: RouteTarget = { ...target(kind, beta, 'web'), guest: true };
    const send = async (release: Who, route: RouteTarget, traffic: Traffic): Promise<void> => {
      await prepareRoute(cluster, { release, route, seq: ++seq }, never, 0);
      await setTraffic(cluster, { release, route, seq: ++seq, traffic }, never, 0, 0);
    };
    const restore = (release: Who, route: RouteTarget) => restoreRoute(cluster, { release, route }, never, 0);
    const now = (): readonly Rule[] => rulesOf(kube.get(path), router, hostRoute);
    /** Where the rule for those users sends, of whom a portion enters. */
    const parts = (user = 'beta'): readonly Part[] => {
      const [found, ...more] = now().filter(
        (rule) =>
          JSON.stringify(rule).includes(`"${user}"`) &&
          !router.tagsOf(rule).some((one) => one.header === 'x-lane' || one.header === 'x-team'),
      );
      expect(more).toEqual([]);
      return partsOf(kind, found!);
    };

    it.each<{ hosts: number; guests: number; rest: Part }>([
      { hosts: 0, guests: 0, rest: ['web', false, 70] },
      { hosts: 50, guests: 99, rest: ['web', false, 70] },
      { hosts: 100, guests: 50, rest: ['web-gray', false, 70] },
      { hosts: 50, guests: 100, rest: ['web', true, 70] },
      { hosts: 100, guests: 100, rest: ['web-gray', true, 70] },
    ])('one lane: the others go where all do ($hosts %, $guests %)', async ({ hosts, guests, rest }) => {
      await send('host', hostRoute, { gray: hosts, tag });
      await send('guest', guestRoute, { gray: guests, tag });
      const entered: Part = ['web-gray', true, 30];
      expect(parts()).toEqual([rest, entered]);
      // The first of the two writes that give a route back.
      await send('host', hostRoute, allStable);
      const entering: Part = ['web', true, 30];
      expect(parts()).toEqual([['web', guests === 100, 70], entering]);
      await restore('host', hostRoute);
      expect(parts()).toEqual(guests === 100 ? [['web', true, 100]] : [['web', false, 70], entering]);
      await restore('guest', guestRoute);
      expect(now()).toEqual(rules);
      await send('guest', guestRoute, { gray: guests, tag });
      await send('host', hostRoute, { gray: hosts, tag });
      expect(parts()).toEqual([rest, entered]);
      await restore('guest', guestRoute);
      expect(now()).toHaveLength(3);
      await restore('host', hostRoute);
      expect(now()).toEqual(rules);
    });

    const askingBeta: Record<SharingKind, JsonObject> = {
      'gateway-api': { headers: [{ type: 'Exact', name: 'x-user', value: 'beta' }] },
      contour: { header: { name: 'x-user', exact: 'beta' } },
      istio: { headers: { 'x-user': { exact: 'beta' } } },
    };

    it('P9: a rule that somebody adds for the same requests is theirs on the way back', async () => {
      const route = target(kind, beta);
      await send('host', route, { gray: 50, tag });
      const added = ruleOf(kind, '/beta', 'web', askingBeta[kind]);
      const object = kube.get(path);
      kube.put(path, { ...object, spec: { [router.field]: [added, ...now()] } });
      await setTraffic(cluster, { release: 'host', route, seq: ++seq, traffic: allStable }, never, 0, 0);
      await restore('host', route);
      expect(now()).toEqual([added, ...rules]);
    });

    it('P9: so it is where another release has the route as well, and writes next', async () => {
      const host = target(kind, beta);
      const guest: RouteTarget = { ...guestRoute, enter: [] };
      await send('guest', guest, { gray: 0, tag });
      await send('host', host, { gray: 0, tag });
      const added = ruleOf(kind, '/beta', 'web', askingBeta[kind]);
      const object = kube.get(path);
      kube.put(path, { ...object, spec: { [router.field]: [added, ...now()] } });
      const write = { release: 'guest', route: guest, seq: ++seq, traffic: { gray: 20, tag } };
      await setTraffic(cluster, write, never, 0, 0);
      expect(now()).toContainEqual(added);
      await restore('guest', guest);
      await restore('host', host);
      expect(now()).toEqual([added, ...rules]);
    });

    it('P9: what a release let in goes with it, also where today others would be let in', async () => {
      await send('host', target(kind, beta), { gray: 50, tag });
      await restore('host', target(kind, [[{ header: 'x-user', exact: 'beta' }]]));
      expect(now()).toEqual(rules);
    });

    it('one lane: of one way the larger portion of the two counts', async () => {
      const more: Enter = [[{ header: 'x-user', exact: 'beta' }, { percent: 80 }]];
      const host = target(kind, more);
      await send('guest', guestRoute, { gray: 0, tag });
      await send('host', host, { gray: 0, tag });
      expect(parts()).toEqual([
        ['web', false, 20],
        ['web-gray', true, 80],
      ]);
      await restore('host', host);
      await restore('guest', guestRoute);
      expect(now()).toEqual(rules);
    });

    it('two lanes: each has its own, and loses nothing with the other', async () => {
      const host = target(kind, [[{ header: 'x-user', exact: 'mine' }, { percent: 40 }]]);
      const guest: RouteTarget = { ...guestRoute, stamps: blue };
      await send('host', host, { gray: 0, tag });
      await send('guest', guest, { gray: 20, tag: blue });
      expect(parts('mine')).toEqual([
        ['web', false, 60],
        ['web-gray', true, 40],
      ]);
      expect(parts().map(([service, , weight]) => [service, weight])).toEqual([
        ['web', 70],
        ['web', 30],
      ]);
      await setTraffic(
        cluster,
        { release: 'host', route: host, seq: ++seq, traffic: { gray: 100, tag } },
        never,
        0,
        0,
      );
      expect(parts('mine').map(([service, , weight]) => [service, weight])).toEqual([
        ['web-gray', 60],
        ['web-gray', 40],
      ]);
      expect(parts()[0]?.[0]).toBe('web-gray');
      await restore('guest', guest);
      expect(parts('mine')).toEqual([['web-gray', true, 100]]);
      await restore('host', host);
      expect(now()).toEqual(rules);
    });
  },
);
