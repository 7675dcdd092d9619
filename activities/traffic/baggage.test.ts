import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../domain/enter.js';
import { sharingKinds, type RouteTarget, type Tag } from '../../domain/traffic.js';
import { routeOf } from '../../test/fakes/route.js';
import { headersSaying, waysBeside } from './baggage.js';
import { routers } from './index.js';
import type { JsonObject, Rule } from './router.js';
import { desiredRules, originsOf, restoredRules } from './rules.js';
import { valueOf } from './headers.js';

const tag: Tag = { header: 'x-lane', value: 'gray', baggage: 'lane' };

describe('the member of baggage that says the tag', () => {
  const [{ regex = '' } = {}] = conditionsOf(waysBeside(tag)[0] ?? []);
  it.each([
    ['lane=gray', true],
    ['user=7,lane=gray', true],
    ['lane=gray;ttl=3,user=7', true],
    ['user=7, lane = gray , x=1', true],
    ['lane=grayish', false],
    ['plane=gray', false],
    ['user=lane=gray', false],
    ['', false],
  ])('"%s" is in the lane: %s', (value, is) => expect(new RegExp(`^(?:${regex})$`).test(value)).toBe(is));

  it('is nothing where nobody asked for it', () => {
    expect(waysBeside({ header: 'x-lane', value: 'gray' })).toEqual([]);
    expect(headersSaying({ header: 'x-lane', value: 'gray' })).toHaveLength(1);
  });
});

describe.each(sharingKinds)('a route that tells by header and baggage: %s', (kind) => {
  const router = routers[kind];
  const backend: JsonObject =
    kind === 'istio' ? { destination: { host: 'web', port: { number: 80 } } } : { name: 'web', port: 80 };
  const before: Rule[] = [router.withBackends({}, [backend])];
  const asked = (rules: readonly Rule[]): string[] =>
    rules.flatMap((rule) => router.alternatives(rule)).flatMap(({ asks }) => asks.map((one) => one.name));

  it.each([
    { what: 'behind the entry', route: routeOf(kind) },
    { what: 'at the entry', route: { ...routeOf(kind), stamps: tag } },
    { what: 'with one Service', route: { ...routeOf(kind), grayService: 'web', stamps: tag } },
  ])('$what: either leads to gray, and nothing of it is left', ({ route }: { route: RouteTarget }) => {
    const after = desiredRules(router, before, route, { gray: 30, tag });
    expect(new Set(asked(after.slice(0, -1)))).toEqual(new Set(['x-lane', 'baggage']));
    expect(asked(after.slice(-1))).toEqual([]);
    const said = router.backends(after.at(-1)!, route).map(({ entry, weight }) => {
      const operations = router.headers.operations(entry);
      return [weight, valueOf(operations, 'x-lane'), valueOf(operations, 'baggage')];
    });
    const marks = route.stamps === undefined ? [null, null] : ['gray', 'lane=gray'];
    expect(said).toEqual([
      [70, null, null],
      [30, ...marks],
    ]);
    expect(desiredRules(router, after, route, { gray: 30, tag })).toEqual(after);
    const back = desiredRules(router, after, route, { gray: 0, tag: null });
    for (const rules of [after, back])
      expect(restoredRules(router, rules, route, originsOf(router, before, route))).toEqual(before);
  });
});
