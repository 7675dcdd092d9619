/** Where requests go, by a small model of how each router chooses among rules: with those that enter, without, and afterwards. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionsOf, percentOf, type Condition, type Enter, type Way } from '../../domain/enter.js';
import { sharingKinds, type SharingKind, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import { routeOf } from '../../test/fakes/route.js';
import { enterProblemsOf } from './enter.js';
import { about, valueOf } from './headers.js';
import { routers } from './index.js';
import type { JsonObject, Rule } from './router.js';
import { desiredRules, originsOf, restoredRules, trafficOf } from './rules.js';
import { isGray } from './tracks.js';

const tag = { header: 'x-lane', value: 'gray' };
const target = (kind: SharingKind, grayService: string, enter: Enter): RouteTarget => ({
  ...routeOf(kind),
  grayService,
  stamps: tag,
  enter,
});

interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

const values = ['1', 'qa-', 'qa-7', 'a.b', 'axb'] as const;
const value = fc.constantFrom<string>(...values);
const operator = fc.oneof(
  value.map((exact): Condition => ({ exact })),
  value.map((prefix): Condition => ({ prefix })),
  fc.constantFrom('[0-9]', 'qa-[0-9]+', '1|a.b', '.*7').map((regex): Condition => ({ regex })),
  fc.uniqueArray(value, { minLength: 1, maxLength: 3 }).map((list): Condition => ({ in: list })),
);
const place = fc.constantFrom<Condition>(
  { header: 'X-User' },
  { header: 'x-country' },
  { query: 'group' },
  { query: 'debug' },
  { cookie: 'beta' },
);
const condition = fc.tuple(place, operator).map(([where, how]): Condition => ({ ...where, ...how }));
const enterArbitrary: fc.Arbitrary<Enter> = fc.array(
  fc.uniqueArray(condition, {
    minLength: 1,
    maxLength: 3,
    selector: ({ header, query, cookie }) => header ?? query ?? cookie,
  }),
  { minLength: 1, maxLength: 4 },
);
/** Of some of the ways only a portion. */
const portionedArbitrary: fc.Arbitrary<Enter> = fc
  .tuple(enterArbitrary, fc.infiniteStream(fc.constantFrom(100, 100, 1, 50, 50, 99)))
  .map(([enter, percents]) =>
    enter.map((way): Way => {
      const percent = percents.next().value as number;
      return percent === 100 ? way : [...way, { percent }];
    }),
  );

/** A rule of the user's: it may ask for a header and a parameter of its own. */
interface Sketch {
  readonly path: string;
  readonly isExact: boolean;
  readonly header: boolean;
  readonly query: boolean;
  readonly service: 'web' | 'beta';
}
const sketches = fc.uniqueArray(
  fc.record<Sketch>({
    path: fc.constantFrom('/', '/a'),
    isExact: fc.boolean(),
    header: fc.boolean(),
    query: fc.boolean(),
    service: fc.constantFrom('web', 'web', 'beta'),
  }),
  { minLength: 1, maxLength: 5, selector: ({ service: _, ...asks }) => JSON.stringify(asks) },
);

function ruleOf(kind: SharingKind, { path, isExact, header, query, service }: Sketch): Rule {
  const services = [{ name: service, port: 80 }];
  switch (kind) {
    case 'gateway-api': {
      const match = {
        path: { type: isExact ? 'Exact' : 'PathPrefix', value: path },
        ...(header ? { headers: [{ type: 'Exact', name: 'x-own', value: '1' }] } : {}),
        ...(query ? { queryParams: [{ type: 'Exact', name: 'own', value: '1' }] } : {}),
      };
      return { matches: [match], backendRefs: services };
    }
    case 'contour': {
      const conditions = [
        isExact ? { exact: path } : { prefix: path },
        ...(header ? [{ header: { name: 'x-own', exact: '1' } }] : []),
        ...(query ? [{ queryParameter: { name: 'own', exact: '1' } }] : []),
      ];
      return { conditions, services };
    }
    case 'istio': {
      const match = {
        uri: isExact ? { exact: path } : { prefix: path },
        ...(header ? { headers: { 'x-own': { exact: '1' } } } : {}),
        ...(query ? { queryParams: { own: { exact: '1' } } } : {}),
      };
      return { match: [match], route: [{ destination: { host: service, port: { number: 80 } } }] };
    }
  }
}

const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const given = (fields: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
const cookies = fc
  .array(fc.tuple(fc.constantFrom('beta', 'other', 'xbeta'), value), { minLength: 1, maxLength: 2 })
  .map((list) => list.map(([name, held]) => `${name}=${held}`).join('; '));
const request: fc.Arbitrary<Request> = fc.record({
  path: fc.constantFrom('/', '/a'),
  headers: fc
    .record({
      'x-user': maybe(value),
      'x-country': maybe(value),
      'x-own': maybe(fc.constant('1')),
      'x-lane': maybe(fc.constantFrom('gray', 'blue')),
      cookie: maybe(cookies),
    })
    .map(given),
  query: fc.record({ group: maybe(value), debug: maybe(value), own: maybe(fc.constant('1')) }).map(given),
});

/** As the words of the declaration have it. */
const enters = (enter: Enter, asking: Request): boolean => fulfilled(enter, asking).length > 0;

function fulfilled(enter: Enter, { headers, query }: Request): Enter {
  const held = (name: string): (string | undefined)[] =>
    (headers['cookie'] ?? '')
      .split('; ')
      .filter((one) => one.startsWith(`${name}=`))
      .map((one) => one.slice(name.length + 1));
  const fulfils = (one: Condition): boolean => {
    const { header, cookie, exact, prefix, regex, in: list = [] } = one;
    const found =
      cookie !== undefined
        ? held(cookie)
        : [header === undefined ? query[one.query!] : headers[header.toLowerCase()]];
    return found.some((text) => {
      if (text === undefined) return false;
      if (exact !== undefined) return text === exact;
      if (prefix !== undefined) return text.startsWith(prefix);
      return regex === undefined ? list.includes(text) : new RegExp(`^(?:${regex})$`).test(text);
    });
  };
  return enter.filter((way) => conditionsOf(way).every(fulfils));
}

/** One alternative of a rule: whether it takes the request, and what it is worth to a router that weighs. */
interface Candidate {
  readonly rule: Rule;
  readonly takes: boolean;
  readonly worth: readonly number[];
}

type Texts = Readonly<Record<string, string>>;
const whole = (pattern: string, text: string): boolean => new RegExp(`^(?:${pattern})$`).test(text);
const isPath = (pattern: string, isExact: boolean, path: string): boolean =>
  isExact ? path === pattern : path === pattern || path.startsWith(pattern.replace(/\/?$/, '/'));
const worthOf = (isExact: boolean, path: string, headers: number, query: number): readonly number[] => [
  isExact ? 1 : 0,
  path.length,
  headers,
  query,
];

function candidatesOf(
  kind: SharingKind,
  rule: Rule,
  { path, headers, query }: Request,
): readonly Candidate[] {
  switch (kind) {
    case 'gateway-api': {
      interface Asks {
        readonly type: string;
        readonly name: string;
        readonly value: string;
      }
      interface Match {
        readonly path: { readonly type: string; readonly value: string };
        readonly headers?: readonly Asks[];
        readonly queryParams?: readonly Asks[];
      }
      const has = (texts: Texts, { type, name, value: asked }: Asks): boolean => {
        const text = texts[name];
        if (text === undefined) return false;
        return type === 'Exact' ? text === asked : new RegExp(asked).test(text);
      };
      const lower = (one: Asks): Asks => ({ ...one, name: one.name.toLowerCase() });
      return (rule['matches'] as unknown as readonly Match[]).map((match): Candidate => {
        const { headers: asked = [], queryParams = [] } = match;
        const isExact = match.path.type === 'Exact';
        return {
          rule,
          takes:
            isPath(match.path.value, isExact, path) &&
            asked.every((one) => has(headers, lower(one))) &&
            queryParams.every((one) => has(query, one)),
          worth: worthOf(isExact, match.path.value, asked.length, queryParams.length),
        };
      });
    }
    case 'contour': {
      interface Asks {
        readonly name: string;
        readonly exact?: string;
        readonly prefix?: string;
        readonly regex?: string;
      }
      interface One {
        readonly prefix?: string;
        readonly exact?: string;
        readonly header?: Asks;
        readonly queryParameter?: Asks;
      }
      const has = (texts: Texts, { name, exact, prefix, regex }: Asks): boolean => {
        const text = texts[name.toLowerCase()];
        if (text === undefined) return false;
        if (exact !== undefined) return text === exact;
        return prefix === undefined ? whole(regex!, text) : text.startsWith(prefix);
      };
      const conditions = rule['conditions'] as unknown as readonly One[];
      const takes = conditions.every(({ prefix, exact, header, queryParameter }) => {
        if (header !== undefined) return has(headers, header);
        if (queryParameter !== undefined) return has(query, queryParameter);
        return isPath(exact ?? prefix!, exact !== undefined, path);
      });
      const first = conditions.find(({ prefix, exact }) => (exact ?? prefix) !== undefined)!;
      const count = (field: keyof One): number => conditions.filter((one) => field in one).length;
      const pathOf = first.exact ?? first.prefix!;
      const worth = worthOf(first.exact !== undefined, pathOf, count('header'), count('queryParameter'));
      return [{ rule, takes, worth }];
    }
    case 'istio': {
      interface Asks {
        readonly exact?: string;
        readonly prefix?: string;
        readonly regex?: string;
      }
      interface Match {
        readonly uri: Asks;
        readonly headers?: Readonly<Record<string, Asks>>;
        readonly queryParams?: Readonly<Record<string, Asks>>;
      }
      const has = (texts: Texts, name: string, { exact, prefix, regex }: Asks): boolean => {
        const text = texts[name];
        if (text === undefined) return false;
        if (exact !== undefined) return text === exact;
        return prefix === undefined ? whole(regex!, text) : text.startsWith(prefix);
      };
      return (rule['match'] as unknown as readonly Match[]).map((match): Candidate => ({
        rule,
        takes:
          has({ path }, 'path', match.uri) &&
          Object.entries(match.headers ?? {}).every(([name, asked]) => has(headers, name, asked)) &&
          Object.entries(match.queryParams ?? {}).every(([name, asked]) => has(query, name, asked)),
        // The first that matches is taken.
        worth: [],
      }));
    }
  }
}

interface Answer {
  readonly from: 'stable' | 'gray' | 'beta' | 'nobody';
  /** The header of the tag behind the route. */
  readonly tag: string | undefined;
}

interface Chance {
  readonly answer: Answer;
  readonly percent: number;
}

/** Where a request goes for which there is one answer. */
function answered(rules: readonly Rule[], route: RouteTarget, asking: Request): Answer {
  const [chance] = chancesOf(rules, route, asking);
  return chance!.answer;
}

function chancesOf(rules: readonly Rule[], route: RouteTarget, asking: Request): readonly Chance[] {
  const router = routers[route.router];
  const taking = rules
    .flatMap((rule) => candidatesOf(route.router as SharingKind, rule, asking))
    .filter(({ takes }) => takes)
    .toSorted((a, b) => {
      const differs = a.worth.findIndex((part, i) => part !== b.worth[i]);
      return differs === -1 ? 0 : b.worth[differs]! - a.worth[differs]!;
    });
  const came = asking.headers['x-lane'];
  const [first] = taking;
  if (first === undefined) return [{ answer: { from: 'nobody', tag: came }, percent: 100 }];
  return router
    .backends(first.rule, route)
    .filter(({ weight }) => weight !== 0)
    .map((backend): Chance => {
      const operations: JsonObject = router.headers.operations(backend.entry);
      const removed = about(operations, 'x-lane')['remove'] !== undefined;
      const from = isGray(router, backend, route) ? 'gray' : backend.service === 'web' ? 'stable' : 'beta';
      const answer = { from, tag: valueOf(operations, 'x-lane') ?? (removed ? undefined : came) } as const;
      return { answer, percent: backend.weight ?? 100 };
    });
}

/** Percentages of which one enters; empty: nobody does. A way asks of the same as another: which of the two decides is up to the router. */
function portionsOf(enter: Enter, asking: Request): readonly number[] {
  if (asking.headers['x-lane'] === 'gray') return [100];
  const ways = fulfilled(enter, asking);
  const placesOf = (way: Way): readonly string[] =>
    conditionsOf(way).map(({ header, query, cookie }) => header ?? query ?? `${cookie} of cookie`);
  const sure = ways.filter((way) => percentOf(way) === 100);
  const isBeaten = (way: Way): boolean =>
    percentOf(way) < 100 &&
    sure.some((other) => placesOf(way).every((place) => !placesOf(other).includes(place)));
  return [...new Set(ways.filter((way) => !isBeaten(way)).map(percentOf))];
}

/** What may become of a request. */
function expected(before: Answer, isIn: boolean): readonly Answer[] {
  const gray: Answer = { from: 'gray', tag: 'gray' };
  if (before.from === 'stable') return isIn ? [gray] : [{ from: 'stable', tag: undefined }];
  // A rule of somebody else's that asks for as much may stand behind: the tag's rule wins there too.
  return isIn && before.from === 'beta' ? [before, gray] : [before];
}

/** What may become of a request of whom so many percent enter. */
function expectedOf(before: Answer, percent: number, share: number): readonly (readonly Chance[])[] {
  const part = share === 100 ? 100 : percent === 0 ? share : percent;
  const all: readonly Chance[] = [
    { answer: { from: 'stable', tag: undefined }, percent: 100 - part },
    { answer: { from: 'gray', tag: 'gray' }, percent: part },
  ];
  const divided = all.filter((chance) => chance.percent > 0);
  if (before.from === 'stable') return [divided];
  const kept = [{ answer: before, percent: 100 }];
  // See expected.
  return percent > 0 && before.from === 'beta' ? [kept, divided] : [kept];
}

const cases = sharingKinds.flatMap((kind) => ['web-gray', 'web'].map((gray) => ({ kind, gray })));

describe.each(cases)(
  'requests at a $kind route whose gray is $gray',
  { timeout: 60_000 },
  ({ kind, gray }) => {
    const router = routers[kind];
    const situation = fc.record({ enter: enterArbitrary, sketches, asking: request });
    const portioned = fc.record({ enter: portionedArbitrary, sketches });
    const only: Traffic = { gray: 0, tag };

    it('that fulfil one way to enter go to gray with the tag, others go where they went', () => {
      let entered = 0;
      fc.assert(
        fc.property(situation, ({ enter, sketches: drawn, asking }) => {
          const route = target(kind, gray, enter);
          const rules = drawn.map((one) => ruleOf(kind, one));
          const before = answered(rules, route, asking);
          const isIn = asking.headers['x-lane'] === 'gray' || enters(enter, asking);
          if (isIn && before.from === 'stable') entered++;
          const after = answered(desiredRules(router, rules, route, only), route, asking);
          expect(expected(before, isIn)).toContainEqual(after);
        }),
        { numRuns: 500 },
      );
      expect(entered).toBeGreaterThan(30);
    });

    it('of whom a portion enters are divided so, whatever the share, and all go to gray with everybody else', () => {
      let divided = 0;
      const shares = fc.constantFrom(0, 30, 100);
      fc.assert(
        fc.property(situation, portionedArbitrary, shares, ({ sketches: drawn, asking }, enter, share) => {
          const route = target(kind, gray, enter);
          const rules = drawn.map((one) => ruleOf(kind, one));
          const before = answered(rules, route, asking);
          const portions = portionsOf(enter, asking);
          if (before.from === 'stable' && portions.some((one) => one < 100)) divided++;
          const after = chancesOf(desiredRules(router, rules, route, { gray: share, tag }), route, asking);
          const may = (portions.length === 0 ? [0] : portions).flatMap((one) =>
            expectedOf(before, one, share),
          );
          expect(may).toContainEqual(after);
        }),
        { numRuns: 500 },
      );
      expect(divided).toBeGreaterThan(10);
    });

    it.runIf(gray === 'web-gray')('that fall into a share nobody is told of go to gray as they came', () => {
      fc.assert(
        fc.property(situation, ({ enter, sketches: drawn, asking }) => {
          if (asking.headers['x-lane'] === 'gray' || enters(enter, asking)) return;
          const route: RouteTarget = { ...target(kind, gray, enter), untold: true };
          const rules = drawn.map((one) => ruleOf(kind, one));
          const before = answered(rules, route, asking);
          const after = answered(desiredRules(router, rules, route, { gray: 100, tag }), route, asking);
          expect(after).toEqual(before.from === 'stable' ? { ...before, from: 'gray' } : before);
        }),
        { numRuns: 200 },
      );
    });

    it('go where they went without the tag, whoever would enter', () => {
      fc.assert(
        fc.property(situation, ({ enter, sketches: drawn, asking }) => {
          const route = target(kind, gray, enter);
          const rules = drawn.map((one) => ruleOf(kind, one));
          const after = desiredRules(router, rules, route, { gray: 0, tag: null });
          expect(answered(after, route, asking).from).toBe(answered(rules, route, asking).from);
        }),
      );
    });

    it('find rules that are read as they were set, with or without those that enter, and exactly the old ones in the end', () => {
      const traffic: fc.Arbitrary<Traffic> = fc.record({
        gray: fc.integer({ min: 0, max: 100 }),
        tag: fc.constantFrom(tag, null),
      });
      const sequence = fc.array(traffic, { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(portioned, sequence, fc.boolean(), ({ enter, sketches: drawn }, wanted, isOpen) => {
          const { enter: _, ...closed } = target(kind, gray, enter);
          const route = isOpen ? { ...closed, enter } : closed;
          const before = drawn.map((one) => ruleOf(kind, one));
          const origins = originsOf(router, before, route);
          if (origins.length === 0) return;
          expect(enterProblemsOf(router, before, route)).toEqual([]);
          let rules: readonly Rule[] = before;
          for (const one of wanted) {
            rules = desiredRules(router, rules, route, one);
            expect(trafficOf(router, rules, route)).toEqual(one);
            expect(desiredRules(router, rules, route, one)).toEqual(rules);
            expect(enterProblemsOf(router, rules, route)).toEqual([]);
          }
          const restored = restoredRules(router, rules, route, origins);
          expect(JSON.stringify(restored)).toBe(JSON.stringify(before));
          expect(restoredRules(router, restored, route, origins)).toEqual(before);
        }),
      );
    });

    it('find no two rules for the same requests', () => {
      fc.assert(
        fc.property(portioned, ({ enter, sketches: drawn }) => {
          const route = target(kind, gray, enter);
          const rules = desiredRules(
            router,
            drawn.map((one) => ruleOf(kind, one)),
            route,
            only,
          );
          const keys = rules.map((rule) => router.keyOf(rule));
          expect(new Set(keys).size).toBe(keys.length);
        }),
      );
    });
  },
);
