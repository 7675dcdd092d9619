/** One rule with both tracks, and its copy for tagged requests. */
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import type { JsonObject, Router, Rule } from './router.js';
import { cleared, stamped } from './stamps.js';
import { isGray, isStable } from './tracks.js';

/** Gray's share in percent; stable gets the rest. */
export function splitRule(router: Router, rule: Rule, route: RouteTarget, gray: number): Rule {
  const backends = router.backends(rule, route);
  const stable = backends.find((b) => isStable(router, b, route));
  const entries = backends.flatMap((backend): JsonObject[] => {
    const { entry } = backend;
    if (isGray(router, backend, route)) return [];
    if (backend !== stable) return [entry];
    return [stableEntry(router, route, entry, 100 - gray), grayEntry(router, route, entry, gray)];
  });
  return router.withBackends(rule, entries);
}

/** Null: no tagged request can match. */
export function taggedRule(router: Router, rule: Rule, route: RouteTarget, tag: Tag): Rule | null {
  const backends = router.backends(rule, route);
  const stable = backends.find((b) => isStable(router, b, route));
  const entries = backends.flatMap((backend): JsonObject[] => {
    if (backend === stable) return [grayEntry(router, route, backend.entry, 100)];
    return backend.copy ? [backend.entry] : [];
  });
  return router.tagged(router.withBackends(rule, entries), tag);
}

const stableEntry = (
  router: Router,
  { stamps }: RouteTarget,
  entry: JsonObject,
  weight: number,
): JsonObject => cleared(router, router.backend(entry, null, weight), stamps);

const grayEntry = (router: Router, route: RouteTarget, entry: JsonObject, weight: number): JsonObject =>
  stamped(router, router.backend(entry, route.grayService, weight), route.stamps);
