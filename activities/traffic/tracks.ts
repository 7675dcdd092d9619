/** Which track a backend or a rule is of: told by the Service or, where both tracks are one Service, by the stamp. */
import { canonicalJson } from '../../domain/ids.js';
import { percentOf } from '../../domain/enter.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { waysBeside } from './baggage.js';
import { about } from './headers.js';
import type { Backend, Router, Rule } from './router.js';
import { isCleared, isStamped } from './stamps.js';

/** Both tracks are one Service, so that only the stamp tells them apart. */
export const isOneService = ({ stableService, grayService, stamps }: RouteTarget): boolean =>
  stamps !== undefined && stableService === grayService;

export function isGray(router: Router, { service, entry }: Backend, route: RouteTarget): boolean {
  if (service !== route.grayService) return false;
  return !isOneService(route) || route.stamps === undefined || isStamped(router, entry, route.stamps);
}

/** Whether a release can split it, or has. */
export function isStable(router: Router, backend: Backend, route: RouteTarget): boolean {
  if (backend.service !== route.stableService || backend.unfit !== null) return false;
  return !isOneService(route) || !isGray(router, backend, route);
}

export const grayIn = (router: Router, rule: Rule, route: RouteTarget): Backend | undefined =>
  router.backends(rule, route).find((b) => isGray(router, b, route));

/** The backend that a release splits. */
export const stableOf = (router: Router, rule: Rule, route: RouteTarget): Backend | undefined =>
  router.backends(rule, route).find((b) => isStable(router, b, route));

/**
 * A rule of our own: gray is all that it sends to, or it is for those of whom a portion enters. Where stable is the same Service it asks
 * for a tag too, or for what lets a request enter, so that a rule of the user's that lost its stable backend is none of ours.
 */
export function isOurs(router: Router, rule: Rule, route: RouteTarget): boolean {
  const backends = router.backends(rule, route).filter((b) => !b.copy);
  if (backends.length === 0) return false;
  if (!backends.every((b) => isGray(router, b, route))) return isPortioned(router, rule, route);
  return !isOneService(route) || router.tagsOf(rule).length > 0 || isEntering(router, rule, route);
}

/** Whether all that it matches enters. */
function isEntering(router: Router, rule: Rule, { stamps, enter }: RouteTarget): boolean {
  const entering = stamps === undefined ? [] : waysBeside(stamps, enter);
  if (stamps === undefined || entering.length === 0) return false;
  return isWithin(router, rule, router.entering({}, stamps, entering));
}

/** What matches everything keeps no tag out, so it does not count which one it is. */
const anyTag: Tag = { header: 'x-lane', value: 'gray' };

/** Whether it is a rule of our own for those of whom a portion enters: gray is a part of where it sends. */
export function isPortioned(router: Router, rule: Rule, route: RouteTarget): boolean {
  return grayIn(router, rule, route) !== undefined && isForPortion(router, rule, route);
}

/** Whether all that it matches is of those of whom a portion enters, whoever wrote it. */
export function isForPortion(router: Router, rule: Rule, route: Pick<RouteTarget, 'enter'>): boolean {
  const drawn = (route.enter ?? []).filter((way) => percentOf(way) < 100);
  return drawn.length > 0 && isWithin(router, rule, router.portioned({}, anyTag, drawn));
}

/** Whether all that it matches asks for what one of the others does. */
function isWithin(router: Router, rule: Rule, others: readonly Rule[]): boolean {
  const ways = others.flatMap((other) => router.alternatives(other));
  return router.alternatives(rule).every(({ asks }) => {
    const asked = asks.map(canonicalJson);
    return ways.some((way) => way.asks.every((ask) => asked.includes(canonicalJson(ask))));
  });
}

/** Whether gray has joined the rule, as far as the rule tells: where both are one Service, a user may stamp requests to it too. */
export function isJoined(router: Router, rule: Rule, route: RouteTarget): boolean {
  if (grayIn(router, rule, route) === undefined) return false;
  if (!isOneService(route) || route.stamps === undefined) return true;
  const stable = stableOf(router, rule, route);
  return stable !== undefined && isCleared(router, stable.entry, route.stamps);
}

/**
 * Why the stamp would not hold, for people; empty: it does. Proxies differ in what comes last, the operations of the rule or those of the
 * backend: Envoy takes the rule's last, and Istio only where there are several backends.
 */
export function stampProblemsOf(router: Router, rules: readonly Rule[], route: RouteTarget): string[] {
  const { stamps } = route;
  if (stamps === undefined) return [];
  return rules
    .filter((rule) => stableOf(router, rule, route) !== undefined)
    .filter((rule) => Object.keys(about(router.headers.operations(rule), stamps.header)).length > 0)
    .map(
      (rule) =>
        `the rule for ${router.keyOf(rule)} changes the header "${stamps.header}" of all its requests, ` +
        `but only those that go to gray may carry "${stamps.value}"; take that out of the rule.`,
    );
}
