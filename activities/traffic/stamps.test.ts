/** Putting back what the stable backend did to headers before a release stamped its route. */
import { describe, expect, it } from 'vitest';
import { sharingKinds, type SharingKind, type RouteTarget } from '../../domain/traffic.js';
import { routeOf } from '../../test/fakes/route.js';
import { routers } from './index.js';
import type { Json, JsonObject, Rule } from './router.js';
import { desiredRules, drainedRules, originsOf, restoredRules, type Rules } from './rules.js';

const tag = { header: 'x-lane', value: 'gray' };
const route = (kind: SharingKind, gray = 'web-gray'): RouteTarget => ({
  ...routeOf(kind),
  grayService: gray,
  stamps: tag,
});
const services = ['web-gray', 'web'] as const;
const cases = sharingKinds.flatMap((kind) => services.map((gray) => ({ kind, gray })));

interface Operations {
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** A rule for a path whose backend does that to headers of requests. */
function ruleOf(kind: SharingKind, path: string, ...backends: readonly (Operations | null)[]): Rule {
  const listed = ({ set, ...others }: Operations): JsonObject =>
    set === undefined
      ? { ...others }
      : { ...others, set: Object.entries(set).map(([name, value]) => ({ name, value })) };
  switch (kind) {
    case 'gateway-api': {
      const filters = (own: Operations): Json => [
        { type: 'RequestHeaderModifier', requestHeaderModifier: listed(own) },
      ];
      return {
        matches: [{ path: { type: 'Exact', value: path } }],
        backendRefs: backends.map((own) => ({
          name: 'web',
          port: 80,
          ...(own === null ? {} : { filters: filters(own) }),
        })),
      };
    }
    case 'contour':
      return {
        conditions: [{ exact: path }],
        services: backends.map((own) => ({
          name: 'web',
          port: 80,
          ...(own === null ? {} : { requestHeadersPolicy: listed(own) }),
        })),
      };
    case 'istio':
      return {
        match: [{ uri: { exact: path } }],
        route: backends.map((own) => ({
          destination: { host: 'web', port: { number: 80 } },
          ...(own === null ? {} : { headers: { request: { ...own } } }),
        })),
      };
  }
}

describe.each(cases)('a $kind route that was stamped, whose gray is $gray', ({ kind, gray }) => {
  const router = routers[kind];
  const target = route(kind, gray);
  const backendsOf = (rule: Rule): JsonObject[] => router.backends(rule, target).map((b) => b.entry);
  const set = (...rules: Rule[]): Rule[] => desiredRules(router, rules, target, { gray: 30, tag });
  const restore = (rules: Rules, before: Rules | null): Rule[] =>
    restoredRules(router, rules, target, before === null ? null : originsOf(router, before, target));
  /** The rule with its first backend changed. */
  const edit = (rule: Rule, change: (operations: JsonObject) => JsonObject): Rule => {
    const [first, ...others] = backendsOf(rule);
    const operations = change(router.headers.operations(first!));
    return router.withBackends(rule, [router.headers.withOperations(first!, operations), ...others]);
  };

  it.each<[string, Operations | null]>([
    ['nothing', null],
    ['nothing, in so many words', {}],
    ['something to another header', { set: { 'x-a': '1' } }],
    ['something else to the header', { set: { 'X-Lane': 'own', 'x-a': '1' } }],
    ['the same', { remove: ['x-lane'] }],
    ['the same in other words, among others', { set: {}, remove: ['X-Lane', 'x-b'] }],
    ['both', { set: { 'x-lane': 'own' }, remove: ['x-lane'] }],
  ])('is as it was where stable did %s', (_, own) => {
    const before = [ruleOf(kind, '/', own)];
    const after = set(...before);
    expect(after).toHaveLength(2);
    expect(restore(after, before)).toEqual(before);
    expect(restore(restore(after, before), before)).toEqual(before);
  });

  it('keeps what others did to other headers of stable meanwhile, beside what stable did to this one', () => {
    const before = [ruleOf(kind, '/', { set: { 'x-lane': 'own' } }), ruleOf(kind, '/b', null)];
    const add: Json = kind === 'istio' ? { 'x-new': '1' } : [{ name: 'x-new', value: '1' }];
    const edited = (rule: Rule): Rule => edit(rule, (own) => ({ ...own, add }));
    const isSplit = (rule: Rule): boolean => backendsOf(rule).length > 1;
    const after = set(...before).map((rule) => (isSplit(rule) ? edited(rule) : rule));
    expect(restore(after, before)).toEqual(before.map(edited));
  });

  it('leaves what others did to this header of stable meanwhile', () => {
    const before = [ruleOf(kind, '/', { set: { 'x-lane': 'own' } })];
    const [tagged, split] = set(...before);
    const edited = edit(split!, () => ({}));
    expect(restore([tagged!, edited], before)).toEqual([ruleOf(kind, '/', null)]);
  });

  it('without a note loses gray, goes on taking the tag off, and keeps the rules that gray never joined', () => {
    const others = [ruleOf(kind, '/b', { set: { 'x-a': '1' } }), ruleOf(kind, '/c', null)];
    const after = [...set(ruleOf(kind, '/', null)), ...others];
    const drained = drainedRules(router, after, target);
    expect(drained).toEqual([
      desiredRules(router, [ruleOf(kind, '/', null)], target, { gray: 0, tag: null })[0],
      ...others,
    ]);
    const left = [ruleOf(kind, '/', { remove: ['x-lane'] }), ...others];
    expect(restore(after, null)).toEqual(left);
    expect(restore(drained, null)).toEqual(left);
    expect(restore(left, null)).toEqual(left);
  });

  it('a note of a release that did not stamp leaves headers alone', () => {
    const before = [ruleOf(kind, '/', { remove: ['x-lane'] })];
    const { stamps: _, ...plain } = target;
    const origins = originsOf(router, before, plain);
    expect(origins[0]).not.toHaveProperty('headers');
    expect(restoredRules(router, set(...before), target, origins)).toEqual(before);
  });
});

describe.each(sharingKinds)('a %s route whose tracks are one Service', (kind) => {
  const router = routers[kind];
  const target = route(kind, 'web');
  const restore = (rules: Rules, before: Rules | null): Rule[] =>
    restoredRules(router, rules, target, before === null ? null : originsOf(router, before, target));
  const set = (...rules: Rule[]): Rule[] => desiredRules(router, rules, target, { gray: 30, tag });

  it('keeps rules of the user that stamp in the same way, where no note says whose they are', () => {
    const stamped = ruleOf(kind, '/x', { set: { 'x-lane': 'gray' } });
    const rules = [
      stamped,
      router.tagged(ruleOf(kind, '/y', { set: { 'x-lane': 'gray' } }), tag)!,
      ruleOf(kind, '/z', null, { set: { 'x-lane': 'gray' } }),
    ];
    expect(restore(rules, null)).toEqual(rules);
    expect(drainedRules(router, rules, target)).toEqual(rules);
    const after = [...rules, ...set(ruleOf(kind, '/', null))];
    expect(restore(after, null)).toEqual([...rules, ruleOf(kind, '/', { remove: ['x-lane'] })]);
  });

  it('keeps the Service where somebody took the backend of stable away', () => {
    const before = [ruleOf(kind, '/', { set: { 'x-a': '1' } })];
    const [tagged, split] = set(...before);
    const gray = router.backends(split!, target).at(-1)!.entry;
    const edited = [tagged!, router.withBackends(split!, [gray])];
    expect(restore(edited, before)).toEqual(before);
    expect(desiredRules(router, edited, target, { gray: 0, tag: null })).toEqual([edited[1]]);
  });
});
