/** What a release does to the rules of a route: pure, the same for every kind of router. */
import type { RouteTarget, Traffic } from '../../domain/traffic.js';
import type { Backend, JsonObject, Origin, Router, Rule } from './router.js';

export type Rules = readonly Rule[];

/** Rules that send to stable, which a release splits. */
function isSplit(router: Router, rule: Rule, route: RouteTarget): boolean {
  return router.backends(rule, route).some((b) => b.service === route.stableService);
}

/** A rule of our own: gray is all that it sends to. */
function isOurs(router: Router, rule: Rule, route: RouteTarget): boolean {
  const backends = router.backends(rule, route).filter((b) => !b.copy);
  return backends.length > 0 && backends.every((b) => b.service === route.grayService);
}

/** Everything that keeps the rules from carrying a gray release, for people. */
export function problemsOf(router: Router, rules: Rules, route: RouteTarget): string[] {
  const split = rules.filter((rule) => isSplit(router, rule, route));
  if (split.length === 0) return [`no rule sends to Service "${route.stableService}".`];
  const problems: string[] = [];
  for (const rule of split) {
    const backends = router.backends(rule, route).filter((b) => !b.copy);
    const where = `the rule for ${router.keyOf(rule)}`;
    if (backends.some((b) => b.service === route.grayService)) {
      problems.push(`${where} already sends to "${route.grayService}".`);
    } else if (backends.length > 1) {
      problems.push(`${where} already splits its traffic among ${backends.length} backends.`);
    } else if (backends[0]!.port !== null && backends[0]!.port !== route.port) {
      problems.push(`${where} sends to port ${backends[0]!.port}, not to port ${route.port}.`);
    } else if (backends[0]!.weight === 0) {
      problems.push(`${where} has weight 0.`);
    }
  }
  const keys = split.map((rule) => router.keyOf(rule));
  if (new Set(keys).size < keys.length) problems.push('two rules match the same requests.');
  const grown = rules.length + split.length;
  if (router.maxRules !== null && grown > router.maxRules) {
    problems.push(
      `with the rules for tagged requests it would have ${grown} rules; ${router.maxRules} are allowed.`,
    );
  }
  return problems;
}

/** What is needed to put the rules back. */
export function originsOf(router: Router, rules: Rules, route: RouteTarget): Origin[] {
  return rules
    .filter((rule) => isSplit(router, rule, route))
    .map((rule) => ({ key: router.keyOf(rule), weight: stableOf(router, rule, route)?.weight ?? null }));
}

/** Where the traffic goes now; null where the rules are not as a release leaves them. */
export function trafficOf(router: Router, rules: Rules, route: RouteTarget): Traffic | null {
  const split = rules.filter((rule) => isSplit(router, rule, route));
  const weights = split.map((rule) => {
    const gray = router.backends(rule, route).find((b) => b.service === route.grayService);
    return gray === undefined ? null : (gray.weight ?? null);
  });
  const [first] = weights;
  if (first === undefined || first === null || weights.some((w) => w !== first)) return null;
  const ours = rules.filter((rule) => isOurs(router, rule, route));
  if (ours.length === 0) return { gray: first, tag: null };
  return ours.length === split.length ? { gray: first, tag: router.tagOf(ours[0]!) } : null;
}

/** The rules with the traffic as asked for, from any state of them; only what sends to stable or to gray is touched. */
export function desiredRules(router: Router, rules: Rules, route: RouteTarget, traffic: Traffic): Rule[] {
  return rules
    .filter((rule) => !isOurs(router, rule, route))
    .flatMap((rule) => {
      if (!isSplit(router, rule, route)) return [rule];
      const split = splitRule(router, rule, route, traffic.gray);
      return traffic.tag === null ? [split] : [taggedRule(router, rule, route, traffic.tag), split];
    });
}

/** The rules without a trace of the release. */
export function restoredRules(
  router: Router,
  rules: Rules,
  route: RouteTarget,
  origins: readonly Origin[],
): Rule[] {
  const weights = new Map(origins.map((o) => [o.key, o.weight]));
  return rules
    .filter((rule) => !isOurs(router, rule, route))
    .map((rule) => {
      const backends = router.backends(rule, route);
      const held = backends.some((b) => b.service === route.grayService);
      if (!held || !isSplit(router, rule, route)) return rule;
      const kept = backends.filter((b) => b.service !== route.grayService);
      const weight = weights.get(router.keyOf(rule)) ?? null;
      return router.withBackends(
        rule,
        kept.map((b) =>
          b.service === route.stableService ? router.backend(b.entry, null, weight, route) : b.entry,
        ),
      );
    });
}

function splitRule(router: Router, rule: Rule, route: RouteTarget, gray: number): Rule {
  const entries = router.backends(rule, route).flatMap((backend): JsonObject[] => {
    if (backend.service === route.grayService) return [];
    if (backend.service !== route.stableService) return [backend.entry];
    return [
      router.backend(backend.entry, null, 100 - gray, route),
      router.backend(backend.entry, route.grayService, gray, route),
    ];
  });
  return router.withBackends(rule, entries);
}

function taggedRule(router: Router, rule: Rule, route: RouteTarget, tag: NonNullable<Traffic['tag']>): Rule {
  const entries = router.backends(rule, route).flatMap((backend): JsonObject[] => {
    if (backend.service === route.stableService)
      return [router.backend(backend.entry, route.grayService, 100, route)];
    return backend.copy ? [backend.entry] : [];
  });
  return router.tagged(router.withBackends(rule, entries), tag);
}

function stableOf(router: Router, rule: Rule, route: RouteTarget): Backend | undefined {
  return router.backends(rule, route).find((b) => b.service === route.stableService);
}
