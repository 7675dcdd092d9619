import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allStable,
  sharingKinds,
  type SharingKind,
  type RouteTarget,
  type Traffic,
} from '../../domain/traffic.js';
import { routers } from './index.js';
import type { Backend, Json, JsonObject, Rule } from './router.js';
import { desiredRules, originsOf, restoredRules, trafficOf } from './rules.js';

const ways = ['passes headers as they come', 'stamps', 'stamps, with one Service'] as const;
type Way = (typeof ways)[number];
const cases = sharingKinds.flatMap((kind) => ways.map((way) => ({ kind, way })));
const stamps = { header: 'x-lane', value: 'gray' };

const target = (router: SharingKind, way: Way): RouteTarget => ({
  router,
  cluster: 'default',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: way === 'stamps, with one Service' ? 'web' : 'web-gray',
  port: 80,
  ...(way === 'passes headers as they come' ? {} : { stamps }),
});

/** Fields that the project has never heard of. */
const unknown = fc.dictionary(fc.constantFrom('u1', 'u2', 'timeouts'), fc.jsonValue({ maxDepth: 2 }), {
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>;
const weight = fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined });
const host = fc.constantFrom('', '.shop', '.shop.svc', '.shop.svc.cluster.local');

/** What a user's backend does to headers, to that of the tag too, and with lists that hold nothing. */
interface Policy {
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}
const names = fc.uniqueArray(fc.constantFrom('x-own', 'X-Lane'), { maxLength: 2 });
const policy: fc.Arbitrary<Policy | null> = fc.option(
  fc.record({ set: names, add: names, remove: names }, { requiredKeys: [] }),
  { nil: null },
);

interface Sketch {
  readonly sendsTo: 'stable' | 'other' | 'several' | 'nothing';
  readonly weight: number | undefined;
  readonly host: string;
  readonly header: boolean;
  readonly policy: Policy | null;
  readonly everything: boolean;
  readonly more: JsonObject;
  readonly backendMore: JsonObject;
  readonly matchMore: JsonObject;
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
  sendsTo: fc.constantFrom('stable', 'stable', 'other', 'several', 'nothing'),
  weight,
  host,
  header: fc.boolean(),
  policy,
  everything: fc.boolean(),
  more: unknown,
  backendMore: unknown,
  matchMore: unknown,
});

function namesOf({ sendsTo }: Sketch): string[] {
  switch (sendsTo) {
    case 'stable':
      return ['web'];
    case 'other':
      return ['other'];
    case 'several':
      return ['other', 'third'];
    case 'nothing':
      return [];
  }
}

/** The field of a backend for it; a filter of another kind stands before. */
function headersOf(kind: SharingKind, from: Policy | null): JsonObject {
  if (from === null) return {};
  const { remove, ...values } = from;
  const of = (list: readonly string[]): Json =>
    kind === 'istio'
      ? Object.fromEntries(list.map((name) => [name, 'own']))
      : list.map((name) => ({ name, value: 'own' }));
  const operations: JsonObject = {
    ...Object.fromEntries(Object.entries(values).map(([verb, list]) => [verb, of(list)])),
    ...(remove === undefined ? {} : { remove }),
  };
  switch (kind) {
    case 'gateway-api': {
      const modifier = { type: 'RequestHeaderModifier', requestHeaderModifier: operations };
      return { filters: [{ type: 'URLRewrite' }, modifier, { type: 'RequestMirror' }] };
    }
    case 'contour':
      return { requestHeadersPolicy: operations };
    case 'istio':
      return { headers: { response: { remove: ['x-lane'] }, request: operations } };
  }
}

/** What the header of the tag is behind the backend, if it came with that value, as Envoy does it: removing comes first. */
function arriving(kind: SharingKind, entry: JsonObject, value: string | undefined): string | undefined {
  type Values = readonly { name: string; value: string }[] | Readonly<Record<string, string>>;
  type Operations = { set?: Values; add?: Values; remove?: readonly string[] };
  const { filters, requestHeadersPolicy, headers } = entry as {
    filters?: readonly { requestHeaderModifier?: Operations }[];
    requestHeadersPolicy?: Operations;
    headers?: { request?: Operations };
  };
  const { set, add, remove }: Operations =
    kind === 'gateway-api'
      ? (filters?.find((f) => f.requestHeaderModifier !== undefined)?.requestHeaderModifier ?? {})
      : ((kind === 'contour' ? requestHeadersPolicy : headers?.request) ?? {});
  const isTag = (name: string): boolean => name.toLowerCase() === 'x-lane';
  const given = (values: Values = []): string | undefined =>
    Array.isArray(values)
      ? (values as { name: string; value: string }[]).find(({ name }) => isTag(name))?.value
      : Object.entries(values as Record<string, string>).find(([name]) => isTag(name))?.[1];
  const left = remove?.some(isTag) === true ? undefined : value;
  const parts = [given(set) ?? left, given(add)].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(',');
}

function ruleOf(kind: SharingKind, from: Sketch, index: number): Rule {
  const { more, matchMore, header } = from;
  const backendMore = { ...from.backendMore, ...headersOf(kind, from.policy) };
  const share = from.weight === undefined ? {} : { weight: from.weight };
  // Only one rule may match everything.
  const everything = from.everything && index === 0;
  const path = `/${index}`;
  switch (kind) {
    case 'gateway-api': {
      const headers = header ? { headers: [{ type: 'Exact', name: 'a', value: 'b' }] } : {};
      const match = { ...matchMore, path: { type: 'PathPrefix', value: path }, ...headers };
      const backendRefs = namesOf(from).map((name) => ({ ...backendMore, name, port: 80, ...share }));
      return {
        ...more,
        name: path,
        ...(everything ? {} : { matches: [match, { path: { value: `${path}/b` } }] }),
        backendRefs,
      };
    }
    case 'contour': {
      const conditions: Json[] = [
        { prefix: path },
        ...(header ? [{ header: { name: 'a', exact: 'b' } }] : []),
      ];
      const mirror = { name: 'web', port: 80, mirror: true };
      const services = [
        ...namesOf(from).map((name) => ({ ...backendMore, name, port: 80, ...share })),
        mirror,
      ];
      return { ...more, ...(everything ? {} : { conditions }), services };
    }
    case 'istio': {
      const headers = header ? { headers: { 'z-a': { exact: 'b' } } } : {};
      const match = [{ ...matchMore, uri: { prefix: path }, ...headers }, { uri: { exact: path } }];
      const route = namesOf(from).map((name) => ({
        ...backendMore,
        destination: { host: `${name}${from.host}`, port: { number: 80 } },
        ...share,
      }));
      return {
        ...more,
        name: path,
        ...(everything ? {} : { match }),
        ...(route.length === 0 ? { redirect: {} } : { route }),
      };
    }
  }
}

const rulesOf = (kind: SharingKind, way: Way): fc.Arbitrary<Rule[]> =>
  fc
    .array(sketch, { maxLength: 6 })
    .map((sketches) => sketches.map((one, index) => frozen(ruleOf(kind, one, index))))
    .filter((rules) => originsOf(routers[kind], rules, target(kind, way)).length > 0);

const trafficArbitrary: fc.Arbitrary<Traffic> = fc.record({
  gray: fc.integer({ min: 0, max: 100 }),
  tag: fc.option(fc.constantFrom({ header: 'x-lane', value: 'gray' }, { header: 'b-lane', value: 'blue' }), {
    nil: null,
  }),
});

/** Whoever tries to change it in place fails. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

// A hundred cases each: more than the default on a machine that does much else.
describe.each(cases)('the rules of a route: $kind that $way', { timeout: 60_000 }, ({ kind, way }) => {
  const router = routers[kind];
  const route = target(kind, way);
  const rulesArbitrary = rulesOf(kind, way);
  const set = (rules: readonly Rule[], traffic: Traffic): Rule[] =>
    frozen(desiredRules(router, rules, route, traffic));
  const restore = (rules: readonly Rule[], before: readonly Rule[]): Rule[] =>
    restoredRules(router, rules, route, originsOf(router, before, route));
  /** Where both are one Service, only gray's backend makes this value of nothing. */
  const trackOf = ({ service, entry }: Backend): string | null =>
    way === 'stamps, with one Service' && arriving(kind, entry, undefined) === 'gray' ? 'web-gray' : service;
  const servicesOf = (rule: Rule): (string | null)[] => router.backends(rule, route).map(trackOf);
  const isTagged = (rule: Rule): boolean =>
    servicesOf(rule).includes('web-gray') && !servicesOf(rule).includes('web');
  const isSplit = (rule: Rule): boolean => servicesOf(rule).includes('web');

  it('P9: are exactly what they were, after any sequence of traffic', () => {
    fc.assert(
      fc.property(rulesArbitrary, fc.array(trafficArbitrary, { maxLength: 5 }), (before, sequence) => {
        const after = [allStable, ...sequence].reduce(set, before);
        expect(restore(after, before)).toEqual(before);
        expect(restore(restore(after, before), before)).toEqual(before);
      }),
    );
  });

  it('say the traffic that was set last, and setting it again changes nothing', () => {
    fc.assert(
      fc.property(
        rulesArbitrary,
        fc.array(trafficArbitrary, { minLength: 1, maxLength: 5 }),
        (before, sequence) => {
          const after = sequence.reduce(set, before);
          expect(trafficOf(router, after, route)).toEqual(sequence.at(-1));
          expect(set(after, sequence.at(-1)!)).toEqual(after);
        },
      ),
    );
  });

  it('P1: carry whole weights that sum to 100 and are never all zero, and one tagged rule before each split one', () => {
    fc.assert(
      fc.property(rulesArbitrary, trafficArbitrary, (before, traffic) => {
        const after = set(before, traffic);
        const split = after.filter(isSplit);
        expect(split.length).toBe(before.filter(isSplit).length);
        for (const rule of split) {
          const shared = router.backends(rule, route).filter((b) => !b.copy);
          expect(shared.map((b) => [trackOf(b), b.weight])).toEqual([
            ['web', 100 - traffic.gray],
            ['web-gray', traffic.gray],
          ]);
        }
        for (const [i, rule] of after.entries()) {
          expect(isTagged(rule)).toBe(
            traffic.tag !== null && i + 1 < after.length && isSplit(after[i + 1]!) && !isSplit(rule),
          );
        }
      }),
    );
  });

  /** What may become of the tag: another backend than the two treats it as some backend did before. */
  const allowed = (track: string | null, before: readonly Rule[], value?: string): (string | undefined)[] => {
    if (way !== 'passes headers as they come' && track === 'web-gray') return ['gray'];
    if (way !== 'passes headers as they come' && track === 'web') return [undefined];
    return before.flatMap((rule) => router.backends(rule, route)).map((b) => arriving(kind, b.entry, value));
  };

  it('let no request pass with the tag of another track, whatever it came with', () => {
    const sent = fc.constantFrom(undefined, 'gray', 'blue');
    fc.assert(
      fc.property(rulesArbitrary, trafficArbitrary, sent, (before, traffic, value) => {
        const after = set(before, traffic);
        const shared = after.flatMap((rule) => router.backends(rule, route).filter((b) => !b.copy));
        for (const backend of shared) {
          expect(allowed(trackOf(backend), before, value)).toContain(arriving(kind, backend.entry, value));
        }
      }),
    );
  });

  it('P13: keep their order, the rules of others whole, and everything but the backends of the split ones', () => {
    fc.assert(
      fc.property(rulesArbitrary, trafficArbitrary, (before, traffic) => {
        const after = set(before, traffic).filter((rule) => !isTagged(rule));
        const bare = (rule: Rule): Rule => (isSplit(rule) ? router.withBackends(rule, []) : rule);
        expect(after.map(bare)).toEqual(before.map(bare));
      }),
    );
  });

  it('ask of a tagged request what the rule asks for, and the tag in every match', () => {
    fc.assert(
      fc.property(rulesArbitrary, fc.integer({ min: 0, max: 100 }), (before, gray) => {
        const tag = { header: 'x-lane', value: 'gray' };
        const after = set(before, { gray, tag });
        for (const [i, rule] of after.entries()) {
          if (!isTagged(rule)) continue;
          expect(router.tagsOf(rule)).toContainEqual(tag);
          const base = after[i + 1]!;
          expect(router.keyOf(router.tagged(base, tag)!)).toBe(router.keyOf(rule));
          expect(router.keyOf(rule).split('"x-lane"').length - 1).toBe(matchCount(kind, base));
        }
      }),
    );
  });

  it('P13: keep what others changed meanwhile', () => {
    const edits = fc.record({
      before: rulesArbitrary,
      traffic: trafficArbitrary,
      field: fc.jsonValue({ maxDepth: 1 }),
    });
    fc.assert(
      fc.property(edits, ({ before, traffic, field }) => {
        const added = ruleOf(kind, { ...plain, sendsTo: 'other' }, 90);
        const edit = (rules: readonly Rule[]): Rule[] =>
          [...rules.map((rule) => ({ ...rule, edited: field as Json })), added].filter(
            (rule) => !servicesOf(rule).includes('third'),
          );
        expect(restore(edit(set(before, traffic)), before)).toEqual(edit(before));
        expect(restore(set(edit(set(before, allStable)), traffic), before)).toEqual(edit(before));
      }),
    );
  });
});

const plain: Sketch = {
  sendsTo: 'stable',
  weight: undefined,
  host: '',
  header: false,
  policy: null,
  everything: false,
  more: {},
  backendMore: {},
  matchMore: {},
};

function matchCount(kind: SharingKind, rule: Rule): number {
  const matches = rule[kind === 'istio' ? 'match' : 'matches'];
  return kind !== 'contour' && Array.isArray(matches) ? Math.max(1, matches.length) : 1;
}
