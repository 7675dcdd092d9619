/** Room for the tag: what the rules of a route may already ask of its header. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharingKinds, type SharingKind, type RouteTarget, type Tag } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeProblems } from './activities.js';
import { routers } from './index.js';
import type { Json, JsonObject, Rule } from './router.js';
import { desiredRules, tagProblemsOf } from './rules.js';

const target = (router: SharingKind): RouteTarget => ({
  router,
  cluster: 'default',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
});
const tag: Tag = { header: 'x-lane', value: 'gray' };
const problems = (kind: SharingKind, ...rules: Rule[]): string[] =>
  tagProblemsOf(routers[kind], rules, target(kind), tag);

type Asked = 'nothing' | 'tag' | 'other' | 'pattern';
const names: Readonly<Record<Asked, string>> = {
  nothing: 'x-zone',
  tag: 'X-Lane',
  other: 'x-lane',
  pattern: 'x-lane',
};
const values: Readonly<Record<Asked, string>> = { nothing: 'gray', tag: 'gray', other: 'blue', pattern: 'g' };

/** A rule for one path that sends to a Service and asks something of a header. */
function ruleOf(kind: SharingKind, path: string, service: string, asked: Asked): Rule {
  const [name, value] = [names[asked], values[asked]];
  const pattern = asked === 'pattern';
  switch (kind) {
    case 'gateway-api': {
      const header = { name, value, ...(pattern ? { type: 'RegularExpression' } : {}) };
      return {
        matches: [{ path: { type: 'Exact', value: path }, headers: [header] }],
        backendRefs: [{ name: service, port: 80 }],
      };
    }
    case 'contour': {
      const header: JsonObject = pattern ? { name, contains: value } : { name, exact: value };
      return { conditions: [{ prefix: path }, { header }], services: [{ name: service, port: 80 }] };
    }
    case 'istio': {
      const headers: JsonObject = { [name]: pattern ? { prefix: value } : { exact: value } };
      return {
        match: [{ uri: { exact: path }, headers }],
        route: [{ destination: { host: service, port: { number: 80 } } }],
      };
    }
  }
}

describe.each(sharingKinds)('room for the tag in a route of kind %s', { timeout: 60_000 }, (kind) => {
  it.each<[string, string, Asked, RegExp | null]>([
    ['asks for another header', 'web', 'nothing', null],
    ['keeps the tag out by another exact value', 'web', 'other', null],
    ['asks for the tag itself', 'web', 'tag', /already asks for "x-lane: gray"; choose another release\.tag/],
    ['asks for the tag itself and sends elsewhere', 'beta', 'tag', null],
    ['asks for a pattern', 'web', 'pattern', /"x-lane" in another way than by an exact value/],
    ['asks for a pattern and sends elsewhere', 'beta', 'pattern', null],
  ])('a rule that %s (to %s)', (_, service, asked, why) => {
    const found = problems(kind, ruleOf(kind, '/', service, asked));
    expect(found.join(' ')).toMatch(why ?? /^$/);
  });

  it('is taken by a rule that sends tagged requests for the same path elsewhere, and not by one for another path', () => {
    const plain = (path: string): Rule => {
      const [tagged] = desiredRules(
        routers[kind],
        [ruleOf(kind, path, 'beta', 'nothing')],
        { ...target(kind), stableService: 'beta', grayService: 'theta' },
        { gray: 0, tag },
      );
      return tagged!;
    };
    const web = ruleOf(kind, '/', 'web', 'nothing');
    expect(problems(kind, web, plain('/')).join(' ')).toMatch(/already asks for "x-lane: gray"/);
    expect(problems(kind, plain('/'), web)).toHaveLength(1);
    expect(problems(kind, web, plain('/b'))).toEqual([]);
  });

  it('is not taken by a rule of our own', () => {
    const rules = [ruleOf(kind, '/', 'web', 'nothing')];
    const desired = desiredRules(routers[kind], rules, target(kind), { gray: 30, tag });
    expect(desired).toHaveLength(2);
    expect(problems(kind, ...desired)).toEqual([]);
  });

  it('where there is room, no two rules match the same requests, and each match asks for the header once', () => {
    const one = fc.record({
      path: fc.constantFrom('/a', '/b'),
      service: fc.constantFrom('web', 'web', 'beta'),
      asked: fc.constantFrom<Asked>('nothing', 'nothing', 'tag', 'other', 'pattern'),
    });
    const rules = fc
      .uniqueArray(one, { maxLength: 5, selector: ({ path, asked }) => `${path} ${asked}` })
      .map((sketches) => sketches.map((s) => ruleOf(kind, s.path, s.service, s.asked)));
    let roomy = 0;
    fc.assert(
      fc.property(rules, (before) => {
        if (problems(kind, ...before).length > 0) return;
        roomy++;
        const after = desiredRules(routers[kind], before, target(kind), { gray: 10, tag });
        const keys = after.map((rule) => routers[kind].keyOf(rule).toLowerCase());
        expect(new Set(keys).size).toBe(keys.length);
        for (const rule of after)
          expect(routers[kind].asksOf(rule, tag.header).length).toBeLessThanOrEqual(1);
      }),
    );
    expect(roomy).toBeGreaterThan(10);
  });
});

describe('other ways of asking for the header', () => {
  const web = { services: [{ name: 'web', port: 80 }] };
  // Contour calls the whole object invalid when one route asks for a value and against it.
  it.each([{ notexact: 'gray' }, { present: true }, { notpresent: true }, { regex: 'g.*' }])(
    'of an HTTPProxy: %j',
    (how) => {
      const header: Json = { name: 'x-lane', ...how };
      expect(problems('contour', { ...web, conditions: [{ header }] })).toHaveLength(1);
    },
  );

  it.each([
    { headers: { 'x-lane': {} } },
    { headers: { 'x-lane': { regex: 'g.*' } } },
    { withoutHeaders: { 'x-lane': { exact: 'gray' } } },
  ])('of a VirtualService: %j', (match) => {
    const rule: Rule = { match: [match], route: [{ destination: { host: 'web' } }] };
    expect(problems('istio', rule)).toHaveLength(1);
  });

  it('in any of several matches', () => {
    const headers = [{ type: 'Exact', name: 'X-LANE', value: 'gray' }];
    const rule: Rule = { matches: [{ path: { value: '/' } }, { headers }], backendRefs: [{ name: 'web' }] };
    expect(problems('gateway-api', rule)).toHaveLength(1);
  });
});

describe('the pre-flight', () => {
  it('says that there is no room for the tag, in the same failure as all else, and only where there is one', async () => {
    const kube = new FakeObjects();
    const cluster = await kube.start();
    try {
      kube.put('/apis/projectcontour.io/v1/namespaces/shop/httpproxies/web', {
        metadata: { name: 'web' },
        spec: { routes: [ruleOf('contour', '/', 'web', 'tag')] },
      });
      const [problem, ...more] = await routeProblems(cluster, target('contour'), tag);
      expect(problem).toMatchObject({ code: 'route_unfit' });
      expect(problem?.message).toMatch(/already asks for "x-lane: gray"; choose another release\.tag/);
      expect(more).toEqual([]);
      expect(await routeProblems(cluster, target('contour'), { ...tag, value: 'blue' })).toEqual([]);
      expect(await routeProblems(cluster, target('contour'), null)).toEqual([]);
    } finally {
      await kube.stop();
    }
  });
});
