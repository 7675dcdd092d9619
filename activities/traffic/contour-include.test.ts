import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../domain/ids.js';
import { allStable, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import { contourInclude, standbyHeader } from './contour-include.js';
import { objectOf, objectsOf } from './json.js';
import type { JsonObject, Origin, Rule } from './router.js';
import { desiredRules, originsOf, problemsOf, restoredRules, tagProblemsOf, trafficOf } from './rules.js';

const router = contourInclude;
const list = contourInclude.list!;
const read: typeof list.read = (...args) => list.read(...args);
const write: typeof list.write = (rules) => list.write(rules);
const tag = { header: 'x-lane', value: 'gray' };
const route: RouteTarget = {
  router: 'contour-include',
  cluster: 'fake',
  namespace: 'shop',
  route: 'example-com',
  routeNamespace: 'edge',
  include: 'web',
  stableService: 'web-service',
  grayService: 'web-gray',
  port: 80,
};
const ours = { name: 'web', namespace: 'shop', conditions: [{ prefix: '/' }] };

/** What the includes are once gray has the traffic, from any state of them. */
const withTraffic = (includes: readonly JsonObject[], traffic: Traffic, origins: readonly Origin[] | null) =>
  write(desiredRules(router, read(includes, route, origins), route, traffic));

/** The HTTPProxy that answers, as Contour chooses: of those that match the one that asks for most. */
function answers(
  includes: readonly JsonObject[],
  path: string,
  headers: Readonly<Record<string, string>>,
): unknown {
  const matching = includes.filter((include) =>
    objectsOf(include['conditions']).every((condition) => {
      const header = objectOf(condition['header']);
      if (header === null) return path.startsWith(condition['prefix'] as string);
      const value = headers[header['name'] as string];
      if (header['exact'] !== undefined) return value === header['exact'];
      return value !== undefined && new RegExp(`^(?:${header['regex'] as string})$`).test(value);
    }),
  );
  const worth = (include: JsonObject): number =>
    objectsOf(include['conditions']).reduce(
      (sum, one) => sum + ('header' in one ? 1 : 1_000 * (one['prefix'] as string).length),
      0,
    );
  return matching.toSorted((a, b) => worth(b) - worth(a))[0]?.['name'];
}

const include = fc.record(
  {
    name: fc.constantFrom('web', 'other', 'third'),
    namespace: fc.constantFrom('shop', 'edge'),
    conditions: fc
      .uniqueArray(fc.constantFrom('/', '/a', '/a/b', '/c'), { minLength: 1, maxLength: 1 })
      .map((all) => all.map((prefix) => ({ prefix }))),
  },
  { requiredKeys: ['name', 'conditions'] },
);
const includes: fc.Arbitrary<JsonObject[]> = fc
  .uniqueArray(include, { selector: ({ conditions }) => canonicalJson(conditions), maxLength: 4 })
  .map((all) => [...all, { ...ours, conditions: [{ prefix: '/ours' }] }]);
const traffic: fc.Arbitrary<Traffic> = fc.record({
  gray: fc.constantFrom(0, 100),
  tag: fc.constantFrom(tag, { header: 'x-lane', value: 'blue' }, null),
});
const isOurs = (one: JsonObject): boolean => one['name'] === 'web' && (one['namespace'] ?? 'edge') === 'shop';

describe('the includes of a root', () => {
  it('are rules that are written as they were read', () => {
    fc.assert(
      fc.property(includes, (all) => {
        expect(write(read(all, route, null))).toEqual(all);
      }),
    );
  });

  it('send untagged and tagged requests where they should, whatever was before, and are put back exactly', () => {
    fc.assert(
      fc.property(includes, fc.array(traffic, { minLength: 1, maxLength: 4 }), (before, sequence) => {
        const origins = originsOf(router, read(before, route, null), route);
        const known = [null, origins];
        let now: readonly JsonObject[] = before;
        for (const wanted of [allStable, ...sequence]) {
          now = withTraffic(now, wanted, origins);
          expect(trafficOf(router, read(now, route, origins), route)).toEqual(wanted);
          // Again: nothing changes.
          for (const noted of known) expect(withTraffic(now, wanted, noted)).toEqual(now);
          for (const one of before) {
            const path = (one['conditions'] as { prefix: string }[])[0]!.prefix;
            const [gray, stable] = isOurs(one) ? ['web-gray', 'web'] : [one['name'], one['name']];
            expect(answers(now, path, {})).toBe(wanted.gray === 100 ? gray : stable);
            const tagged = answers(now, path, { 'x-lane': wanted.tag?.value ?? 'gray' });
            expect(tagged).toBe(wanted.gray === 100 || wanted.tag !== null ? gray : stable);
            expect(answers(now, path, { [standbyHeader]: 'gray' })).toBe(answers(now, path, {}));
          }
          // Contour calls an object invalid whose includes ask for the same twice.
          const keys = now.map((one) => canonicalJson(one['conditions'] ?? []));
          expect(new Set(keys).size).toBe(keys.length);
          // Both are known to Envoy all the time.
          expect(now.map((one) => one['name'])).toEqual(expect.arrayContaining(['web', 'web-gray']));
        }
        for (const noted of known) {
          const rules = read(now, route, noted);
          expect(write(restoredRules(router, rules, route, noted))).toEqual(before);
        }
      }),
    );
  });

  it('lead to gray by the member of baggage as by the header, and nothing of it is left', () => {
    const origins = originsOf(router, read([ours], route, null), route);
    const told = { ...tag, baggage: 'lane' };
    for (const [gray, untagged] of [
      [0, 'web'],
      [100, 'web-gray'],
    ] as const) {
      const now = withTraffic([ours], { gray, tag: told }, origins);
      expect(answers(now, '/', { baggage: 'user=7,lane=gray' })).toBe('web-gray');
      expect(answers(now, '/', { 'x-lane': 'gray' })).toBe('web-gray');
      expect(answers(now, '/', { baggage: 'lane=blue' })).toBe(untagged);
      for (const noted of [origins, null]) {
        expect(withTraffic(now, { gray, tag: told }, noted)).toEqual(now);
        expect(write(restoredRules(router, read(now, route, noted), route, noted))).toEqual([ours]);
      }
    }
  });

  it("keep the user's own include where somebody took the standby away while gray had everything", () => {
    const origins = originsOf(router, read([ours], route, null), route);
    const switched = withTraffic([ours], { gray: 100, tag }, origins);
    const without = switched.filter((one) => !JSON.stringify(one).includes(standbyHeader));
    expect(without).toHaveLength(2);
    for (const noted of [origins, null])
      expect(write(restoredRules(router, read(without, route, noted), route, noted))).toEqual([ours]);
  });

  it('cannot share', () => {
    expect(() => withTraffic([ours], { gray: 50, tag: null }, null)).toThrow(RangeError);
  });

  it('fit only where one names the HTTPProxy, and none asks for the tag', () => {
    const problems = (...all: JsonObject[]): string => {
      const rules: readonly Rule[] = read(all, route, null);
      const object = { metadata: { name: 'example-com' }, spec: { includes: all } };
      return [...problemsOf(router, object, rules, route), ...tagProblemsOf(router, rules, route, tag)].join(
        ' ',
      );
    };
    expect(problems(ours)).toBe('');
    expect(problems({ ...ours, namespace: 'edge' })).toContain(
      'up to the HTTPProxies that it includes (web)',
    );
    expect(problems()).toContain('no rule sends to Service "web-service"');
    const asking = [{ prefix: '/' }, { header: { name: 'x-lane', exact: 'gray' } }];
    expect(problems(ours, { name: 'other', conditions: asking })).toContain(
      'already asks for "x-lane: gray"',
    );
  });
});
