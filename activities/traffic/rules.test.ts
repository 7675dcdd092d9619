import { describe, expect, it } from 'vitest';
import { allStable, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { routers } from './index.js';
import type { Rule } from './router.js';
import {
  desiredRules,
  originsOf,
  problemsOf,
  restoredRules,
  roughTrafficOf,
  trafficOf,
  type Rules,
} from './rules.js';

const target = (router: RouteTarget['router']): RouteTarget => ({
  router,
  cluster: 'default',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
});
const tag = { header: 'x-lane', value: 'gray' };
const stamping = (router: RouteTarget['router'], more: Partial<RouteTarget> = {}): RouteTarget => ({
  ...target(router),
  stamps: tag,
  ...more,
});
const both = { grayService: 'web' };

const desired = (kind: RouteTarget['router'], rules: Rules, traffic: Traffic): Rule[] =>
  desiredRules(routers[kind], rules, target(kind), traffic);
const problems = (kind: RouteTarget['router'], rules: Rules, spec: object = {}): string[] => {
  const object = { metadata: { name: 'web' }, spec } as KubeObject;
  return problemsOf(routers[kind], object, rules, target(kind));
};
const stampProblems = (rule: Rule, route: RouteTarget): string => {
  const object = { metadata: { name: 'web' }, spec: {} } as KubeObject;
  return problemsOf(routers[route.router], object, [rule], route).join(' ');
};
const traffic = (kind: RouteTarget['router'], rules: Rules): Traffic | null =>
  trafficOf(routers[kind], rules, target(kind));

const http = (more: object = {}): Rule => ({
  matches: [{ path: { type: 'PathPrefix', value: '/' } }],
  backendRefs: [{ name: 'web', port: 80 }],
  ...more,
});
const proxy = (more: object = {}): Rule => ({
  conditions: [{ prefix: '/' }],
  services: [{ name: 'web', port: 80 }],
  ...more,
});
const virtual = (host: string, more: object = {}): Rule => ({
  route: [{ destination: { host, port: { number: 80 } } }],
  ...more,
});

describe('the rules of an HTTPRoute', () => {
  it('gain gray with weight 0 when the route is taken in hand, with the filters of stable', () => {
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-a'] } }];
    const rules = [http({ backendRefs: [{ name: 'web', port: 80, weight: 1, filters }] })];
    expect(desired('gateway-api', rules, allStable)).toEqual([
      http({
        backendRefs: [
          { name: 'web', port: 80, weight: 100, filters },
          { name: 'web-gray', port: 80, weight: 0, filters },
        ],
      }),
    ]);
  });

  it('gain one rule for tagged requests before each that sends to stable, without its name, with all else', () => {
    const rules = [
      http({ name: 'all', timeouts: { request: '5s' } }),
      http({
        matches: [{ path: { type: 'Exact', value: '/x' } }],
        backendRefs: [{ name: 'other', port: 80 }],
      }),
      http({
        matches: [{ path: { type: 'PathPrefix', value: '/api' } }, { headers: [{ name: 'a', value: 'b' }] }],
      }),
    ];
    const header = { type: 'Exact', name: 'x-lane', value: 'gray' };
    const result = desired('gateway-api', rules, { gray: 0, tag });
    expect(result).toHaveLength(5);
    expect(result[0]).toEqual({
      matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [header] }],
      timeouts: { request: '5s' },
      backendRefs: [{ name: 'web-gray', port: 80, weight: 100 }],
    });
    expect(result[2]).toEqual(rules[1]);
    expect(result[3]!['matches']).toEqual([
      { path: { type: 'PathPrefix', value: '/api' }, headers: [header] },
      { headers: [{ name: 'a', value: 'b' }, header] },
    ]);
  });

  it.each([[undefined], [[]]])(
    'send no untagged request to gray where a rule matches everything: %j',
    (matches) => {
      const rule = {
        ...(matches === undefined ? {} : { matches }),
        backendRefs: [{ name: 'web', port: 80 }],
      };
      expect(desired('gateway-api', [rule], { gray: 0, tag })[0]!['matches']).toEqual([
        {
          path: { type: 'PathPrefix', value: '/' },
          headers: [{ type: 'Exact', name: 'x-lane', value: 'gray' }],
        },
      ]);
    },
  );

  it('never ask twice for one header: the same value stays, another value gets no rule, a pattern gives way', () => {
    const match = (header: object): Rule => http({ matches: [{ headers: [{ name: 'X-Lane', ...header }] }] });
    const first = (header: object): Rule => desired('gateway-api', [match(header)], { gray: 0, tag })[0]!;
    expect(first({ value: 'gray' })['matches']).toEqual([{ headers: [{ name: 'X-Lane', value: 'gray' }] }]);
    expect(desired('gateway-api', [match({ value: 'blue' })], { gray: 0, tag })).toHaveLength(1);
    expect(first({ type: 'RegularExpression', value: '.*' })['matches']).toEqual([
      { headers: [{ type: 'Exact', name: 'x-lane', value: 'gray' }] },
    ]);
  });

  it('leave a backend of another namespace or kind alone', () => {
    const rules = [
      http({ backendRefs: [{ name: 'web', namespace: 'other', port: 80 }] }),
      http({ backendRefs: [{ name: 'web', kind: 'ServiceImport', group: 'multicluster.x-k8s.io' }] }),
    ];
    expect(desired('gateway-api', rules, { gray: 50, tag })).toEqual(rules);
  });
});

describe('the routes of an HTTPProxy', () => {
  it('share between stable and gray, and keep a mirror', () => {
    const mirror = { name: 'web', port: 80, mirror: true };
    const rules = [proxy({ services: [{ name: 'web', port: 80, protocol: 'h2c' }, mirror] })];
    expect(desired('contour', rules, { gray: 25, tag })).toEqual([
      {
        conditions: [{ prefix: '/' }, { header: { name: 'x-lane', exact: 'gray' } }],
        services: [{ name: 'web-gray', port: 80, protocol: 'h2c', weight: 100 }, mirror],
      },
      proxy({
        services: [
          { name: 'web', port: 80, protocol: 'h2c', weight: 75 },
          { name: 'web-gray', port: 80, protocol: 'h2c', weight: 25 },
          mirror,
        ],
      }),
    ]);
  });

  it('get a header condition where they have none', () => {
    const [tagged] = desired('contour', [{ services: [{ name: 'web', port: 80 }] }], { gray: 0, tag });
    expect(tagged!['conditions']).toEqual([{ header: { name: 'x-lane', exact: 'gray' } }]);
  });

  it('get no second route where one already asks for an exact value of that header, which Contour refuses', () => {
    const rules = [proxy({ conditions: [{ header: { name: 'X-Lane', exact: 'gray' } }] })];
    expect(desired('contour', rules, { gray: 0, tag })).toHaveLength(1);
  });
});

describe('the http routes of a VirtualService', () => {
  it.each([
    ['web', 'web-gray'],
    ['web.shop', 'web-gray.shop'],
    ['web.shop.svc', 'web-gray.shop.svc'],
    ['web.shop.svc.cluster.local', 'web-gray.shop.svc.cluster.local'],
  ])('keep the form of the host: %s', (host, gray) => {
    const [rule] = desired('istio', [virtual(host)], { gray: 10, tag: null });
    expect(rule!['route']).toEqual([
      { destination: { host, port: { number: 80 } }, weight: 90 },
      { destination: { host: gray, port: { number: 80 } }, weight: 10 },
    ]);
  });

  it.each([['web.other'], ['web.other.svc.cluster.local'], ['web.shop.example.com'], ['website']])(
    'leave another host alone: %s',
    (host) => expect(desired('istio', [virtual(host)], { gray: 10, tag })).toEqual([virtual(host)]),
  );

  it('get the header in every match, in lower case, and keep what else it matches', () => {
    const match = [{ uri: { prefix: '/a' }, headers: { zone: { exact: 'z' } } }, { port: 8080 }];
    const upper = { header: 'X-Lane', value: 'gray' };
    const [tagged] = desired('istio', [virtual('web', { match, name: 'a' })], { gray: 0, tag: upper });
    expect(tagged).toEqual({
      match: [
        { uri: { prefix: '/a' }, headers: { zone: { exact: 'z' }, 'x-lane': { exact: 'gray' } } },
        { port: 8080, headers: { 'x-lane': { exact: 'gray' } } },
      ],
      route: [{ destination: { host: 'web-gray', port: { number: 80 } }, weight: 100 }],
    });
  });

  it.each([[undefined], [[]]])(
    'send no untagged request to gray where a rule matches everything: %j',
    (match) => {
      const rule = virtual('web', match === undefined ? {} : { match });
      expect(desired('istio', [rule], { gray: 0, tag })[0]!['match']).toEqual([
        { headers: { 'x-lane': { exact: 'gray' } } },
      ]);
    },
  );

  it('are left alone where they redirect, answer or delegate', () => {
    const rules = [
      { redirect: { uri: '/' } },
      { directResponse: { status: 418 } },
      { delegate: { name: 'b' } },
    ];
    expect(desired('istio', [...rules, virtual('web')], { gray: 0, tag }).slice(0, 3)).toEqual(rules);
  });

  it('are left alone where they send to a subset, of which gray has none', () => {
    const subset: Rule = { route: [{ destination: { host: 'web', subset: 'v1' } }] };
    expect(desired('istio', [subset, virtual('web')], { gray: 10, tag: null })[0]).toEqual(subset);
  });

  it('tell their tag among other headers, whatever the order of the keys', () => {
    const match = [{ headers: { 'a-header': { exact: '1' }, 'z-header': { exact: '2' } } }];
    const rules = desired('istio', [virtual('web', { match })], { gray: 7, tag });
    const sorted = JSON.parse(
      JSON.stringify(rules, (_, value: unknown) =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b)))
          : value,
      ),
    ) as Rules;
    expect(traffic('istio', sorted)).toEqual({ gray: 7, tag });
  });
});

describe('what keeps a route from carrying a gray release', () => {
  it('is nothing for a plain rule', () => {
    expect(problems('gateway-api', [http()])).toEqual([]);
    expect(problems('contour', [proxy()])).toEqual([]);
    expect(problems('istio', [virtual('web')])).toEqual([]);
  });

  it.each<[string, RouteTarget['router'], Rule[], RegExp]>([
    ['no rule', 'gateway-api', [], /^no rule sends to Service "web"\.$/],
    ['only others', 'contour', [proxy({ services: [{ name: 'b' }] })], /^no rule sends to Service "web"\.$/],
    [
      'a split with others',
      'contour',
      [
        proxy({
          services: [
            { name: 'web', port: 80, weight: 90 },
            { name: 'b', port: 80, weight: 10 },
          ],
        }),
      ],
      /already splits its traffic among 2 backends/,
    ],
    [
      'gray in a split',
      'istio',
      [
        {
          route: [...(virtual('web')['route'] as object[]), { destination: { host: 'web-gray.shop' } }],
        } as Rule,
      ],
      /already sends to "web-gray"/,
    ],
    [
      'gray in a rule of its own',
      'gateway-api',
      [http(), http({ matches: [{ path: { value: '/g' } }], backendRefs: [{ name: 'web-gray', port: 80 }] })],
      /already sends to "web-gray"/,
    ],
    [
      'another port',
      'gateway-api',
      [http({ backendRefs: [{ name: 'web', port: 8080 }] })],
      /port 8080, not to port 80/,
    ],
    [
      'weight 0',
      'gateway-api',
      [http({ backendRefs: [{ name: 'web', port: 80, weight: 0 }] })],
      /has weight 0/,
    ],
    ['the same match twice', 'contour', [proxy(), proxy()], /two rules match the same requests/],
    [
      'a subset',
      'istio',
      [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }],
      /sends to subset "v1", and gray is another host/,
    ],
    [
      'too many rules',
      'gateway-api',
      Array.from({ length: 9 }, (_, i) => http({ matches: [{ path: { type: 'Exact', value: `/${i}` } }] })),
      /would have 18 rules; 16 are allowed/,
    ],
    [
      'too many matches',
      'gateway-api',
      [
        http({
          matches: Array.from({ length: 64 }, (_, i) => ({ path: { type: 'Exact', value: `/${i}` } })),
        }),
        http(),
      ],
      /would have 130 matches; 128 are allowed/,
    ],
  ])('%s', (_, kind, rules, why) => expect(problems(kind, rules).join(' ')).toMatch(why));

  it('says where to look instead when the object only hands on', () => {
    expect(problems('contour', [], { includes: [{ name: 'a' }, { name: 'b' }] })).toEqual([
      'no rule sends to Service "web". Where requests go is up to the HTTPProxies that it includes (a, b); name one of them.',
    ]);
    const http = [{ delegate: { name: 'leaf' } }];
    expect(problems('istio', http, { http })[0]).toMatch(/the VirtualServices that it delegates to \(leaf\)/);
  });

  it('is not a rule of somebody else that is odd', () => {
    const odd = proxy({
      conditions: [{ prefix: '/b' }],
      services: [{ name: 'b', weight: 0 }, { name: 'c' }],
    });
    expect(problems('contour', [odd, proxy()])).toEqual([]);
  });
});

describe('the tag that a route puts on requests', () => {
  const split = (rule: Rule, route: RouteTarget): Rule[] =>
    desiredRules(routers[route.router], [rule], route, { gray: 10, tag });
  const modifier = (requestHeaderModifier: object): object => ({
    type: 'RequestHeaderModifier',
    requestHeaderModifier,
  });
  const list = { set: [{ name: 'x-lane', value: 'gray' }] };
  const remove = ['x-lane'];

  it.each([
    ['two Services', 'web-gray'],
    ['one Service', 'web'],
  ])('of an HTTPRoute is in a filter of each backend: %s', (_, grayService) => {
    const [tagged, shared] = split(http(), stamping('gateway-api', { grayService }));
    const gray = { name: grayService, port: 80, filters: [modifier(list)] };
    expect(tagged!['backendRefs']).toEqual([{ ...gray, weight: 100 }]);
    expect(shared!['backendRefs']).toEqual([
      { name: 'web', port: 80, weight: 90, filters: [modifier({ remove })] },
      { ...gray, weight: 10 },
    ]);
  });

  it.each([
    ['two Services', 'web-gray'],
    ['one Service', 'web'],
  ])('of an HTTPProxy is in the policy of each service: %s', (_, grayService) => {
    const [tagged, shared] = split(proxy(), stamping('contour', { grayService }));
    const gray = { name: grayService, port: 80, requestHeadersPolicy: list };
    expect(tagged!['services']).toEqual([{ ...gray, weight: 100 }]);
    expect(shared!['services']).toEqual([
      { name: 'web', port: 80, weight: 90, requestHeadersPolicy: { remove } },
      { ...gray, weight: 10 },
    ]);
  });

  it.each([
    ['two Services', 'web-gray'],
    ['one Service', 'web'],
  ])('of a VirtualService is in the headers of each destination: %s', (_, grayService) => {
    const [tagged, shared] = split(virtual('web.shop'), stamping('istio', { grayService }));
    const gray = {
      destination: { host: `${grayService}.shop`, port: { number: 80 } },
      headers: { request: { set: { 'x-lane': 'gray' } } },
    };
    expect(tagged!['route']).toEqual([{ ...gray, weight: 100 }]);
    expect(shared!['route']).toEqual([
      {
        destination: { host: 'web.shop', port: { number: 80 } },
        weight: 90,
        headers: { request: { remove } },
      },
      { ...gray, weight: 10 },
    ]);
  });

  it('joins what the user does to other headers, in the one filter that may be there, and takes the place of what is done to its own', () => {
    const own = {
      set: [
        { name: 'x-a', value: '1' },
        { name: 'X-Lane', value: 'own' },
      ],
      add: [{ name: 'x-lane', value: 'more' }],
      remove: ['x-b'],
    };
    const others = [{ type: 'ResponseHeaderModifier' }, { type: 'RequestMirror' }] as const;
    const filters = [others[0], modifier(own), others[1]];
    const rule = http({ backendRefs: [{ name: 'web', port: 80, filters }] });
    const [, shared] = split(rule, stamping('gateway-api', both));
    const a = { name: 'x-a', value: '1' };
    expect((shared!['backendRefs'] as Rule[]).map((b) => b['filters'])).toEqual([
      [others[0], modifier({ set: [a], remove: ['x-b', 'x-lane'] }), others[1]],
      [others[0], modifier({ set: [a, ...list.set], remove: ['x-b'] }), others[1]],
    ]);
  });

  it('joins in a VirtualService what is done to answers and to other headers of requests', () => {
    const response = { set: { 'x-lane': 'shown' } };
    const request = { set: { 'x-a': '1', 'X-LANE': 'own' }, add: { 'x-c': '2' }, remove: ['x-lane', 'x-b'] };
    const destination = { host: 'web', port: { number: 80 } };
    const rule: Rule = { route: [{ destination, headers: { response, request } }] };
    const [, shared] = split(rule, stamping('istio'));
    const add = { 'x-c': '2' };
    expect((shared!['route'] as Rule[]).map((b) => b['headers'])).toEqual([
      { response, request: { set: { 'x-a': '1' }, add, remove: ['x-b', 'x-lane'] } },
      { response, request: { set: { 'x-a': '1', 'x-lane': 'gray' }, add, remove: ['x-b'] } },
    ]);
  });

  it('may be another than the one that tagged requests come with', () => {
    const route = stamping('contour', { ...both, stamps: { header: 'x-shop-lane', value: 'blue' } });
    const rules = split(proxy(), route);
    expect(rules[0]).toEqual({
      conditions: [{ prefix: '/' }, { header: { name: 'x-lane', exact: 'gray' } }],
      services: [
        {
          name: 'web',
          port: 80,
          weight: 100,
          requestHeadersPolicy: { set: [{ name: 'x-shop-lane', value: 'blue' }] },
        },
      ],
    });
    expect(trafficOf(routers.contour, rules, route)).toEqual({ gray: 10, tag });
  });

  it.each<[string, RouteTarget['router'], Rule]>([
    ['filters', 'gateway-api', http({ filters: [modifier({ remove: ['X-Lane'] })] })],
    ['filters', 'gateway-api', http({ filters: [{ type: 'RequestMirror' }, modifier(list)] })],
    ['a policy', 'contour', proxy({ requestHeadersPolicy: { set: [{ name: 'X-LANE', value: 'a' }] } })],
    ['a policy', 'contour', proxy({ requestHeadersPolicy: { remove } })],
    ['headers', 'istio', virtual('web', { headers: { request: { add: { 'x-lane': 'a' } } } })],
    ['headers', 'istio', virtual('web', { headers: { request: { remove } } })],
  ])('is refused where %s of the whole rule change the same header: %s', (_, kind, rule) => {
    const why =
      /the rule for .* changes the header "x-lane" of all its requests, but only those that go to gray may carry "gray"; take that out/;
    expect(stampProblems(rule, stamping(kind))).toMatch(why);
    expect(stampProblems(rule, stamping(kind, both))).toMatch(why);
    expect(stampProblems(rule, target(kind))).toBe('');
  });

  it.each<[string, RouteTarget['router'], Rule]>([
    ['another header', 'gateway-api', http({ filters: [modifier({ remove: ['x-a'] })] })],
    ['the header of answers', 'contour', proxy({ responseHeadersPolicy: { remove } })],
    ['the header of answers', 'istio', virtual('web', { headers: { response: { remove } } })],
    [
      'the header at its backend',
      'contour',
      proxy({ services: [{ name: 'web', port: 80, requestHeadersPolicy: { remove } }] }),
    ],
  ])('has room where the rule changes %s: %s', (_, kind, rule) => {
    expect(stampProblems(rule, stamping(kind))).toBe('');
    expect(stampProblems(rule, stamping(kind, both))).toBe('');
  });

  it('is refused where one Service gets it already from somebody else', () => {
    const rule = proxy({ services: [{ name: 'web', port: 80, requestHeadersPolicy: list }] });
    expect(stampProblems(rule, stamping('contour', both))).toMatch(
      /already sets "x-lane: gray" on requests to "web"/,
    );
    expect(stampProblems(rule, stamping('contour'))).toBe('');
  });

  it('one Service without it is refused as it always was', () => {
    expect(stampProblems(proxy(), { ...target('contour'), ...both })).toMatch(/already sends to "web"/);
  });

  it.each([
    [
      'headers',
      [modifier({ set: Array.from({ length: 16 }, (_, i) => ({ name: `x-${i}`, value: 'a' })) })],
      /would have 17 headers in one filter; 16 are allowed/,
    ],
    [
      'filters',
      Array.from({ length: 16 }, () => ({ type: 'ExtensionRef' })),
      /would have 17 filters at one backend; 16 are allowed/,
    ],
  ])('is refused where a backend of an HTTPRoute would have too many %s', (_, filters, why) => {
    const rule = http({ backendRefs: [{ name: 'web', port: 80, filters }] });
    expect(stampProblems(rule, stamping('gateway-api'))).toMatch(why);
    expect(stampProblems(rule, target('gateway-api'))).toBe('');
  });

  it('says nothing of the traffic where somebody took it from a backend', () => {
    const route = stamping('contour');
    const rules = split(proxy(), route);
    const spoilt = rules.map((rule, i) =>
      i === 0 ? rule : { ...rule, services: (rule['services'] as Rule[]).map((b) => without(b)) },
    );
    expect(trafficOf(routers.contour, spoilt, route)).toBeNull();
    expect(roughTrafficOf(routers.contour, spoilt, route)).toEqual({ gray: 10, tag });
    expect(desiredRules(routers.contour, spoilt, route, { gray: 10, tag })).toEqual(rules);
    // With one Service these are requests to stable.
    const one = stamping('contour', both);
    const untold = split(proxy(), one).map((rule) => ({
      ...rule,
      services: (rule['services'] as Rule[]).map((b) => without(b)),
    }));
    expect(roughTrafficOf(routers.contour, untold, one)).toEqual({ gray: 0, tag: null });
  });
});

const without = ({ requestHeadersPolicy: _, ...backend }: Rule): Rule => backend;

describe('reading the traffic', () => {
  const split = desired('contour', [proxy(), proxy({ conditions: [{ prefix: '/b' }] })], { gray: 30, tag });

  it('finds what was set', () => expect(traffic('contour', split)).toEqual({ gray: 30, tag }));

  it.each<[string, Rules]>([
    ['a rule that gray never joined', [proxy()]],
    ['no rule at all', []],
    ['a tagged rule that is gone', split.slice(1)],
    [
      'weights that differ between rules',
      [...split.slice(0, 3), desired('contour', [proxy()], allStable)[0]!],
    ],
    [
      'weights that do not sum to 100',
      [
        {
          ...split[1]!,
          services: [
            { name: 'web', weight: 5 },
            { name: 'web-gray', weight: 5 },
          ],
        },
      ],
    ],
  ])('finds nothing of ours in %s', (_, rules) => expect(traffic('contour', rules)).toBeNull());

  it('says at least the largest share, whoever wrote it', () => {
    const services = [
      { name: 'web', weight: 1 },
      { name: 'web-gray', weight: 3 },
    ];
    const rules = [proxy({ services }), proxy({ conditions: [] })];
    expect(roughTrafficOf(routers.contour, rules, target('contour'))).toEqual({ gray: 75, tag: null });
  });
});

describe('putting the rules back', () => {
  const route = target('contour');
  const restored = (rules: Rules, from: Rules | null): Rule[] =>
    restoredRules(
      routers.contour,
      rules,
      route,
      from === null ? null : originsOf(routers.contour, from, route),
    );
  const share = (...services: object[]): Rule => proxy({ services });

  it('gives the weight back that stable had, or none', () => {
    const before = [proxy(), share({ name: 'web', port: 80, weight: 7 })].map((rule, i) => ({
      ...rule,
      conditions: [{ prefix: `/${i}` }],
    }));
    expect(restored(desired('contour', before, { gray: 40, tag }), before)).toEqual(before);
  });

  it('leaves no weight 0 behind where somebody took only gray away', () => {
    expect(restored([share({ name: 'web', port: 80, weight: 0 })], [proxy()])).toEqual([proxy()]);
  });

  it('gives stable the share of gray where somebody else joined', () => {
    const rules = [
      share({ name: 'web', weight: 60 }, { name: 'web-gray', weight: 40 }, { name: 'b', weight: 20 }),
    ];
    expect(restored(rules, [proxy()])).toEqual([
      share({ name: 'web', weight: 100 }, { name: 'b', weight: 20 }),
    ]);
  });

  it('without the note removes what names gray, and touches nothing else', () => {
    const user = share({ name: 'web', port: 80, weight: 0 });
    const rules = [...desired('contour', [proxy({ conditions: [] })], { gray: 100, tag }), user];
    expect(restored(rules, null)).toEqual([proxy({ conditions: [] }), user]);
  });
});

describe('what the data plane says of the object', () => {
  const object = (status: object, generation = 2): KubeObject => ({
    metadata: { name: 'web', generation },
    status,
  });

  it('counts for an HTTPProxy that is invalid', () => {
    const status = { currentStatus: 'invalid', description: 'service not found' };
    expect(routers.contour.complaints(object(status))).toEqual([
      'Contour calls it invalid: service not found',
    ]);
    const conditions = [{ type: 'Valid', errors: [{ message: 'no "x"' }, { message: 'no "y"' }] }];
    expect(routers.contour.complaints(object({ ...status, conditions }))).toEqual([
      'Contour calls it invalid: no "x"; no "y"',
    ]);
    expect(routers.contour.complaints(object({ currentStatus: 'valid' }))).toEqual([]);
    expect(routers.contour.complaints({ metadata: { name: 'web' } })).toEqual([]);
  });

  it('counts for an HTTPRoute only at its current generation', () => {
    const condition = { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', message: 'x' };
    const at = (observedGeneration: number): object => ({
      parents: [{ conditions: [{ ...condition, observedGeneration }] }],
    });
    expect(routers['gateway-api'].complaints(object(at(2)))).toEqual([
      'ResolvedRefs is False: BackendNotFound x',
    ]);
    expect(routers['gateway-api'].complaints(object(at(1)))).toEqual([]);
  });
});
