/** What a release does to the rules of a route: pure, the same for every kind of router. */
import { canonicalJson } from '../../domain/ids.js';
import type { RouteTarget, Tag, Traffic } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { nameOf } from './conditions.js';
import { enterProblemsOf, namedBy } from './enter.js';
import type { Backend, Origin, Router, Rule } from './router.js';
import { splitRule, taggedRules } from './split.js';
import { cleared, headersOf, uncleared } from './stamps.js';
import {
  grayIn,
  isForPortion,
  isGray,
  isJoined,
  isOneService,
  isOurs,
  isPortioned,
  isStable,
  stableOf,
  stampProblemsOf,
} from './tracks.js';

export type Rules = readonly Rule[];

/** The rules as they are in the object. `origins`: those that a release noted; null: none did. */
export function rulesOf(
  object: KubeObject,
  router: Router,
  route: RouteTarget,
  origins: readonly Origin[] | null = null,
): Rules {
  const spec = object['spec'] as Readonly<Record<string, unknown>> | undefined;
  const rules = spec?.[router.field];
  const entries = Array.isArray(rules) ? (rules as Rules) : [];
  return router.list?.read(entries, route, origins) ?? entries;
}

/** Why the object cannot carry a gray release, for people; empty: it can. */
export function problemsOf(router: Router, object: KubeObject, rules: Rules, route: RouteTarget): string[] {
  const { stableService, grayService } = route;
  const concerned = rules.filter((rule) =>
    router.backends(rule, route).some((b) => b.service === stableService || b.service === grayService),
  );
  if (!concerned.some((rule) => router.backends(rule, route).some((b) => b.service === stableService))) {
    const elsewhere = router.elsewhere(object);
    const hint = elsewhere === null ? '' : ` Where requests go is up to ${elsewhere}; name one of them.`;
    return [`no rule sends to Service "${stableService}".${hint}`];
  }
  const problems = concerned.flatMap((rule) => {
    const why = unfit(router, rule, route);
    return why === null ? [] : [`the rule for ${router.keyOf(rule)} ${why}.`];
  });
  const keys = concerned.map((rule) => router.keyOf(rule));
  if (new Set(keys).size < keys.length) problems.push('two rules match the same requests.');
  const { baggage } = route.stamps ?? {};
  const tag = { header: 'x-lane', value: 'gray', ...(baggage === undefined ? {} : { baggage }) };
  const tagged = desiredRules(router, rules, route, { gray: 0, tag });
  return [
    ...problems,
    ...stampProblemsOf(router, concerned, route),
    ...enterProblemsOf(router, rules, route),
    ...router.limits(tagged),
  ];
}

function unfit(router: Router, rule: Rule, route: RouteTarget): string | null {
  const backends = router.backends(rule, route).filter((b) => !b.copy);
  const { grayService, stamps } = route;
  if (backends.some((b) => isGray(router, b, route)))
    return isOneService(route)
      ? `already sets "${stamps?.header}: ${stamps?.value}" on requests to "${grayService}"`
      : `already sends to "${grayService}"`;
  if (backends.length > 1) return `already splits its traffic among ${backends.length} backends`;
  const [{ unfit: why, port, weight }] = backends as [Backend];
  if (why !== null) return `cannot be split: ${why}`;
  if (port !== null && port !== route.port) return `sends to port ${port}, not to port ${route.port}`;
  return weight === 0 ? 'has weight 0' : null;
}

/**
 * Why the rules leave no room for the tag, for people; empty: they do. Of two rules that match the same requests Contour drops one
 * whole, a contradiction makes the object invalid, and a pattern cannot be asked for together with the tag.
 */
export function tagProblemsOf(router: Router, rules: Rules, route: RouteTarget, tag: Tag): string[] {
  const keyOf = (rule: Rule): string => router.keyOf(rule).toLowerCase();
  const others = rules.filter((rule) => !isOurs(router, rule, route));
  const split = splitIn(router, others, route);
  const tagged = split.map((rule) => router.tagged(rule, tag)).filter((rule) => rule !== null);
  const taken = new Set(tagged.map(keyOf));
  return others.flatMap((rule) => {
    const asked = split.includes(rule) ? router.asksOf(rule, tag.header) : [];
    const why =
      taken.has(keyOf(rule)) || asked.includes(tag.value)
        ? `already asks for "${tag.header}: ${tag.value}"`
        : asked.includes(null)
          ? `asks for the header "${tag.header}" in another way than by an exact value`
          : null;
    return why === null ? [] : [`the rule for ${router.keyOf(rule)} ${why}; choose another release.tag.`];
  });
}

/** What is needed to put the rules back. */
export function originsOf(router: Router, rules: Rules, route: RouteTarget): Origin[] {
  return rules.flatMap((rule) => {
    const stable = stableOf(router, rule, route);
    if (stable === undefined || isPortioned(router, rule, route)) return [];
    return [
      { key: router.keyOf(rule), weight: stable.weight, ...headersOf(router, stable.entry, route.stamps) },
    ];
  });
}

/** The same of rules that somebody added since: gray has not joined them yet. */
export function newOriginsOf(
  router: Router,
  rules: Rules,
  route: RouteTarget,
  known: readonly Origin[],
): Origin[] {
  const untouched = rules.filter((rule) => grayIn(router, rule, route) === undefined);
  return originsOf(router, untouched, route).filter(({ key }) => known.every((origin) => origin.key !== key));
}

/** Where the traffic goes; null where the rules are not exactly as a release leaves them. */
export function trafficOf(router: Router, rules: Rules, route: RouteTarget): Traffic | null {
  const as = canonicalJson(rules);
  const is = (traffic: Traffic): boolean =>
    isSplit(router, rules, route) && canonicalJson(desiredRules(router, rules, route, traffic)) === as;
  const gray = shareOf(router, rules, route);
  return tagsIn(router, rules, route).flatMap((tag) => (is({ gray, tag }) ? [{ gray, tag }] : []))[0] ?? null;
}

/** Where the traffic goes at the most, whoever wrote the rules. */
export function roughTrafficOf(router: Router, rules: Rules, route: RouteTarget): Traffic {
  const exact = trafficOf(router, rules, route);
  return exact ?? { gray: shareOf(router, rules, route), tag: tagsIn(router, rules, route).at(-1) ?? null };
}

/** The rules with the traffic as asked for, from any state of them; only what sends to stable or to gray is touched. */
export function desiredRules(router: Router, rules: Rules, route: RouteTarget, traffic: Traffic): Rule[] {
  return rules
    .filter((rule) => !isOurs(router, rule, route))
    .flatMap((rule) => {
      if (stableOf(router, rule, route) === undefined) return [rule];
      // One that somebody added since, and that could not be told from our own if gray joined it.
      if (grayIn(router, rule, route) === undefined && isForPortion(router, rule, route)) return [rule];
      const split = splitRule(router, rule, route, traffic.gray);
      const tagged = traffic.tag === null ? [] : taggedRules(router, rule, route, traffic.tag, traffic.gray);
      return [...tagged, split];
    });
}

/**
 * All of gray's share to stable, and nothing else: nobody noted how the rules were, so none is to be stamped that gray never joined.
 */
export function drainedRules(router: Router, rules: Rules, route: RouteTarget): Rule[] {
  return rules
    .filter((rule) => !isLeft(router, rules, rule, route, null))
    .map((rule) => {
      const drains = isJoined(router, rule, route) && stableOf(router, rule, route) !== undefined;
      return drains ? splitRule(router, rule, route, 0) : rule;
    });
}

/**
 * The rules without a trace of gray. Null origins: how they were is not known, so only what names gray is changed, or, where both tracks
 * are one Service, only what no user writes.
 */
export function restoredRules(
  router: Router,
  rules: Rules,
  route: RouteTarget,
  origins: readonly Origin[] | null,
): Rule[] {
  return rules
    .filter((rule) => !isLeft(router, rules, rule, route, origins))
    .map((rule) => {
      const origin = origins?.find((o) => o.key === router.keyOf(rule));
      return origin !== undefined || isJoined(router, rule, route)
        ? restoredRule(router, rule, route, origin)
        : rule;
    });
}

/** Whether it is of our own, and not the user's for the same tag: that one is no copy of a rule that gray has joined. */
function isLeft(
  router: Router,
  rules: Rules,
  rule: Rule,
  route: RouteTarget,
  origins: readonly Origin[] | null,
): boolean {
  if (!isOurs(router, rule, route)) return false;
  if (!isOneService(route)) return true;
  const key = router.keyOf(rule);
  if (origins !== null) return origins.every((origin) => origin.key !== key);
  const joined = rules.filter((one) => isJoined(router, one, route));
  // The rule for those that enter need not tell any tag.
  const tags = [...router.tagsOf(rule), ...(route.stamps === undefined ? [] : [route.stamps])];
  const copies = tags.flatMap((tag) => joined.flatMap((one) => taggedRules(router, one, route, tag, 0)));
  return copies.some((copy) => router.keyOf(copy) === key);
}

function restoredRule(router: Router, rule: Rule, route: RouteTarget, origin: Origin | undefined): Rule {
  const backends = router.backends(rule, route);
  const found = backends.filter((b) => isGray(router, b, route));
  // Somebody took stable's backend away, but the Service is still the user's.
  const heir = isOneService(route) ? found[0] : undefined;
  const stable = backends.find((b) => isStable(router, b, route)) ?? heir;
  const gray = found.filter((b) => b !== stable);
  const kept = backends.filter((b) => !gray.includes(b));
  // Beside a backend that somebody else put there, a share is worth something: stable inherits what gray had.
  const alone = kept.filter((b) => !b.copy).length === 1;
  const inherited = gray.reduce((sum, b) => sum + (b.weight ?? 0), stable?.weight ?? 0);
  const weight = alone ? (origin?.weight ?? null) : inherited;
  return router.withBackends(
    rule,
    kept.map((backend) => {
      if (backend !== stable) return backend.entry;
      const entry = backend === heir ? cleared(router, backend.entry, route.stamps) : backend.entry;
      // Where nobody took the tag off, whoever does it now means it.
      const stamps = route.untold === true ? undefined : route.stamps;
      return router.backend(uncleared(router, entry, origin?.headers, stamps), null, weight);
    }),
  );
}

const splitIn = (router: Router, rules: Rules, route: RouteTarget): Rules =>
  rules.filter((rule) => stableOf(router, rule, route) !== undefined && !isPortioned(router, rule, route));

/** Whether gray has joined any rule. */
const isSplit = (router: Router, rules: Rules, route: RouteTarget): boolean =>
  splitIn(router, rules, route).some((rule) => grayIn(router, rule, route) !== undefined);

/** The largest share of untagged requests that gray has in any rule, in whole percent. */
function shareOf(router: Router, rules: Rules, route: RouteTarget): number {
  const shares = splitIn(router, rules, route).map((rule) => {
    const weights = router.backends(rule, route).map((b) => (b.copy ? 0 : (b.weight ?? 0)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return total === 0 ? 0 : Math.round((100 * (grayIn(router, rule, route)?.weight ?? 0)) / total);
  });
  return Math.max(0, ...shares);
}

/** Tags that the rules of our own may be for; null alone: there is no such rule. */
function tagsIn(router: Router, rules: Rules, route: RouteTarget): readonly (Tag | null)[] {
  const ours = rules.filter((rule) => isOurs(router, rule, route));
  if (ours.length === 0) return [null];
  const named = namedBy(route);
  const tags = ours.map((rule) =>
    router.tagsOf(rule).filter(({ header }) => !named.has(nameOf({ from: 'header', name: header }))),
  );
  return tags.find((one) => one.length > 0) ?? [];
}
