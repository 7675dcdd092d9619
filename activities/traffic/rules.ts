/** What a release does to the rules of a route: pure, the same for every kind of router. */
import { canonicalJson } from '../../domain/ids.js';
import type { RouteTarget, Tag, Traffic } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import type { Backend, JsonObject, Origin, Router, Rule } from './router.js';

export type Rules = readonly Rule[];

/** The rules as they are in the object. */
export function rulesOf(object: KubeObject, router: Router): Rules {
  const spec = object['spec'] as Readonly<Record<string, unknown>> | undefined;
  const rules = spec?.[router.field];
  return Array.isArray(rules) ? (rules as Rules) : [];
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
  const tagged = desiredRules(router, rules, route, { gray: 0, tag: { header: 'x-lane', value: 'gray' } });
  return [...problems, ...router.limits(tagged)];
}

function unfit(router: Router, rule: Rule, route: RouteTarget): string | null {
  const backends = router.backends(rule, route).filter((b) => !b.copy);
  if (backends.some((b) => b.service === route.grayService)) return `already sends to "${route.grayService}"`;
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
  const tagged = split.map((rule) => taggedRule(router, rule, route, tag)).filter((rule) => rule !== null);
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
    return stable === undefined ? [] : [{ key: router.keyOf(rule), weight: stable.weight }];
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
      const split = splitRule(router, rule, route, traffic.gray);
      const tagged = traffic.tag === null ? null : taggedRule(router, rule, route, traffic.tag);
      return tagged === null ? [split] : [tagged, split];
    });
}

/** The rules without a trace of gray. Null origins: how they were is not known, so only what names gray is changed. */
export function restoredRules(
  router: Router,
  rules: Rules,
  route: RouteTarget,
  origins: readonly Origin[] | null,
): Rule[] {
  return rules
    .filter((rule) => !isOurs(router, rule, route))
    .map((rule) => {
      const origin = origins?.find((o) => o.key === router.keyOf(rule));
      return restoredRule(router, rule, route, origin);
    });
}

function restoredRule(router: Router, rule: Rule, route: RouteTarget, origin: Origin | undefined): Rule {
  const backends = router.backends(rule, route);
  const stable = stableOf(router, rule, route);
  const gray = backends.filter((b) => b.service === route.grayService);
  if (gray.length === 0 && origin === undefined) return rule;
  const kept = backends.filter((b) => !gray.includes(b));
  // Beside a backend that somebody else put there, a share is worth something: stable inherits what gray had.
  const alone = kept.filter((b) => !b.copy).length === 1;
  const inherited = gray.reduce((sum, b) => sum + (b.weight ?? 0), stable?.weight ?? 0);
  const weight = alone ? (origin?.weight ?? null) : inherited;
  return router.withBackends(
    rule,
    kept.map(({ entry }) => (entry === stable?.entry ? router.backend(entry, null, weight) : entry)),
  );
}

function splitRule(router: Router, rule: Rule, route: RouteTarget, gray: number): Rule {
  const stable = stableOf(router, rule, route)!.entry;
  const entries = router.backends(rule, route).flatMap(({ entry, service }): JsonObject[] => {
    if (service === route.grayService) return [];
    if (entry !== stable) return [entry];
    return [router.backend(entry, null, 100 - gray), router.backend(entry, route.grayService, gray)];
  });
  return router.withBackends(rule, entries);
}

function taggedRule(router: Router, rule: Rule, route: RouteTarget, tag: Tag): Rule | null {
  const stable = stableOf(router, rule, route)!.entry;
  const entries = router.backends(rule, route).flatMap(({ entry, copy }): JsonObject[] => {
    if (entry === stable) return [router.backend(entry, route.grayService, 100)];
    return copy ? [entry] : [];
  });
  return router.tagged(router.withBackends(rule, entries), tag);
}

/** The backend that a release splits. */
function stableOf(router: Router, rule: Rule, route: RouteTarget): Backend | undefined {
  return router.backends(rule, route).find((b) => b.service === route.stableService && b.unfit === null);
}

/** A rule of our own: gray is all that it sends to. */
function isOurs(router: Router, rule: Rule, route: RouteTarget): boolean {
  const backends = router.backends(rule, route).filter((b) => !b.copy);
  return backends.length > 0 && backends.every((b) => b.service === route.grayService);
}

const grayIn = (router: Router, rule: Rule, route: RouteTarget): Backend | undefined =>
  router.backends(rule, route).find((b) => b.service === route.grayService);

const splitIn = (router: Router, rules: Rules, route: RouteTarget): Rules =>
  rules.filter((rule) => stableOf(router, rule, route) !== undefined);

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
  const ours = rules.find((rule) => isOurs(router, rule, route));
  return ours === undefined ? [null] : router.tagsOf(ours);
}
