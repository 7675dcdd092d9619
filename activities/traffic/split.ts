/** One rule with both tracks, and its copies for tagged requests and for those that enter. */
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { laneRules } from './lane-rules.js';
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
    return [stableEntry(router, route, entry, 100 - gray), sharedEntry(router, route, entry, gray)];
  });
  return router.withBackends(rule, entries);
}

/**
 * For tagged requests and those that enter; empty: no tagged request can match.
 * @param gray share of the untagged: at 100 nothing goes to stable, whatever portion enters
 */
export function taggedRules(
  router: Router,
  rule: Rule,
  route: RouteTarget,
  tag: Tag,
  gray: number,
): readonly Rule[] {
  const backends = router.backends(rule, route);
  const stable = backends.find((b) => isStable(router, b, route));
  const sending = (percent: number): Rule => {
    const tracks = (entry: JsonObject): JsonObject[] => {
      const entering = (weight: number): JsonObject => grayEntry(router, route, entry, weight);
      const staying = (weight: number): JsonObject => stableEntry(router, route, entry, weight);
      if (percent === 100) return [entering(100)];
      if (gray < 100) return [staying(100 - percent), entering(percent)];
      // Those who do not enter go where everybody goes, and as they do.
      return route.untold === true
        ? [sharedEntry(router, route, entry, 100 - percent), entering(percent)]
        : [staying(0), entering(100)];
    };
    const entries = backends.flatMap((backend): JsonObject[] => {
      if (backend === stable) return tracks(backend.entry);
      return backend.copy ? [backend.entry] : [];
    });
    return router.withBackends(rule, entries);
  };
  return laneRules(router, tag, route.enter, sending);
}

const stableEntry = (
  router: Router,
  { stamps, untold }: RouteTarget,
  entry: JsonObject,
  weight: number,
): JsonObject => cleared(router, router.backend(entry, null, weight), untold === true ? undefined : stamps);

/** Of those that have no tag. */
const sharedEntry = (router: Router, route: RouteTarget, entry: JsonObject, weight: number): JsonObject =>
  route.untold === true
    ? router.backend(entry, route.grayService, weight)
    : grayEntry(router, route, entry, weight);

const grayEntry = (router: Router, route: RouteTarget, entry: JsonObject, weight: number): JsonObject =>
  stamped(router, router.backend(entry, route.grayService, weight), route.stamps);
