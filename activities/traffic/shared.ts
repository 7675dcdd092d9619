/**
 * A route that two releases hold at once: one of its own application (the host), and one of an application behind it, whose share is moved
 * here (the guest). A request meets the host's gray, the guest's, both or none, for its whole way: the smaller share lies within the
 * larger. Pure.
 */
import { eachOnce, type Enter } from '../../domain/enter.js';
import type { RouteTarget, Tag, Traffic } from '../../domain/traffic.js';
import type { Seen } from './change.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { footprintOf, notedRoute, type Footprint } from './footprint.js';
import { sameHeader } from './json.js';
import { laneRules } from './lane-rules.js';
import type { JsonObject, Origin, Router, Rule } from './router.js';
import { desiredRules, newOriginsOf, originsOf, restoredRules, roughTrafficOf, type Rules } from './rules.js';
import { cleared, stamped } from './stamps.js';
import { isForPortion, isStable, stableOf } from './tracks.js';

/** What one of the two wants. */
interface Wish {
  readonly route: RouteTarget;
  readonly traffic: Traffic;
}

/** The other one that holds the route. */
export interface Beside {
  readonly route: RouteTarget;
  readonly footprint: Footprint;
}

/** Who holds the route besides the one that sees it as `route`. */
export function besideIn(object: KubeObject, route: RouteTarget): Beside | null {
  const { guest, ...shared } = route;
  const other: RouteTarget = guest === undefined ? { ...shared, guest: true } : shared;
  const footprint = footprintOf(object, other);
  return footprint === null ? null : { route: notedRoute(other, footprint), footprint };
}

/** Where the traffic of one of them goes at the most. */
export const trafficSeen = (
  router: Router,
  { rules, footprint, beside }: Pick<Seen, 'rules' | 'footprint' | 'beside'>,
  route: RouteTarget,
): Traffic => (beside === null ? undefined : footprint?.traffic) ?? roughTrafficOf(router, rules, route);

/** The rules as if nobody held the route, or ever had. */
export function bareRules(
  router: Router,
  { rules, footprint, beside }: Pick<Seen, 'rules' | 'footprint' | 'beside'>,
  route: RouteTarget,
): Rules {
  const own = footprint === null ? [] : [{ route: notedRoute(route, footprint), footprint }];
  const held = [...own, ...(beside === null ? [] : [beside])];
  const enter = entersOf(...held.map((one) => one.route));
  // The weight that the rule had is known by whoever is alone with stable, so by the last one.
  return held
    .toSorted((a, b) => Number(b.route.guest !== undefined) - Number(a.route.guest !== undefined))
    .reduce<Rules>((left, { route: seen, footprint: { origins } }) => {
      // In one lane who enters by one of them goes to both.
      const entered = enter.length === 0 ? seen : { ...seen, enter };
      return restoredRules(router, left, entered, origins);
    }, rules);
}

/** The rules with that traffic for `route`, and what the other one wants. */
export function rulesWith(router: Router, seen: Seen, route: RouteTarget, traffic: Traffic): Rules {
  const { rules, beside } = seen;
  if (beside === null) return desiredRules(router, rules, route, traffic);
  const bare = bareRules(router, seen, route);
  return sharedRules(
    router,
    bare,
    { route, traffic },
    { route: beside.route, traffic: wishOf(router, seen) },
  );
}

/** The rules without a trace of `route`, and what the other one wants. */
export function rulesWithout(router: Router, seen: Seen, route: RouteTarget): Rules {
  const { rules, footprint, beside } = seen;
  if (beside === null) return restoredRules(router, rules, route, footprint?.origins ?? null);
  const known = bareRules(router, seen, route);
  const bare = footprint === null ? restoredRules(router, known, route, null) : known;
  return desiredRules(router, bare, beside.route, wishOf(router, seen));
}

/** How rules were that gray has not joined yet. */
export function originsSince(
  router: Router,
  seen: Seen,
  route: RouteTarget,
  known: readonly Origin[],
): Origin[] {
  if (seen.beside === null) return newOriginsOf(router, seen.rules, route, known);
  const bare = originsOf(router, bareRules(router, seen, route), route);
  return bare.filter(({ key }) => known.every((origin) => origin.key !== key));
}

export function wishOf(router: Router, { rules, beside }: Seen): Traffic {
  const { footprint, route } = beside!;
  return footprint.traffic ?? roughTrafficOf(router, rules, route);
}

function sharedRules(router: Router, bare: Rules, one: Wish, other: Wish): Rule[] {
  const [guest, host] = one.route.guest === undefined ? [other, one] : [one, other];
  return bare.flatMap((rule) => {
    const { route } = host;
    // One for those of whom a portion enters is somebody's own, added since, and could not be told from ours with gray in it.
    const isOthers = isForPortion(router, rule, { enter: entersOf(route, guest.route) });
    if (isOthers || stableOf(router, rule, route) === undefined) return [rule];
    const entries = router
      .backends(rule, route)
      .flatMap((backend) =>
        isStable(router, backend, route) ? tracks(router, backend.entry, host, guest) : [backend.entry],
      );
    return [...taggedFor(router, rule, host, guest), router.withBackends(rule, entries)];
  });
}

/** Stable for those in no share; then those in both, in the host's only, in the guest's only. */
function tracks(router: Router, entry: JsonObject, host: Wish, guest: Wish): readonly JsonObject[] {
  const { grayService, stamps: own } = host.route;
  const stamps = guest.route.stamps;
  const [hosts, guests] = [host.traffic.gray, guest.traffic.gray];
  const both = Math.min(hosts, guests);
  const track = (service: string | null, weight: number): JsonObject =>
    router.backend(entry, service, weight);
  // The host's own tag would lead to the guest's gray where the two are alike.
  const isOther = own !== undefined && host.route.untold !== true && !sameHeader(own.header, stamps!.header);
  const plain = (one: JsonObject): JsonObject => cleared(router, one, stamps);
  const marked = (one: JsonObject): JsonObject => stamped(router, one, stamps);
  const hosted = (one: JsonObject): JsonObject => (isOther ? stamped(router, one, own) : one);
  const unhosted = (one: JsonObject): JsonObject => (isOther ? cleared(router, one, own) : one);
  return [
    unhosted(plain(track(null, 100 - Math.max(hosts, guests)))),
    hosted(marked(track(grayService, both))),
    hosted(plain(track(grayService, hosts - both))),
    unhosted(marked(track(null, guests - both))),
  ];
}

/** With the same tag they are in one lane: it leads to both. */
function taggedFor(router: Router, rule: Rule, host: Wish, guest: Wish): readonly Rule[] {
  const [own, theirs] = [host.traffic.tag, guest.traffic.tag];
  const isOne = own !== null && theirs !== null && isSameTag(own, theirs);
  const lane = (
    tag: Tag,
    enter: Enter | undefined,
    into: (entry: JsonObject) => JsonObject,
  ): readonly Rule[] =>
    laneRules(router, tag, enter, (percent) =>
      router.withBackends(
        rule,
        router.backends(rule, host.route).flatMap((b) => {
          if (!isStable(router, b, host.route)) return b.copy ? [b.entry] : [];
          const entering = router.backend(into(b.entry), null, percent);
          if (percent === 100) return [entering];
          return [router.backend(notEntering(router, b.entry, host, guest), null, 100 - percent), entering];
        }),
      ),
    );
  const toGray = (entry: JsonObject): JsonObject => router.backend(entry, host.route.grayService, 100);
  const marked = (entry: JsonObject): JsonObject => stamped(router, entry, guest.route.stamps);
  // Until the guest lets its tag in, and when it does so no more, what is behind may have a rule for it, and not all of it.
  const isAlike = own !== null && guest.route.stamps !== undefined && isSameTag(own, guest.route.stamps);
  const unguided = (entry: JsonObject): JsonObject =>
    theirs === null && isAlike ? cleared(router, entry, guest.route.stamps) : entry;
  if (isOne) return lane(own, entersOf(host.route, guest.route), (entry) => marked(toGray(entry)));
  return [
    ...(own === null
      ? []
      : lane(own, host.route.enter, (entry) => unguided(stamped(router, toGray(entry), host.route.stamps)))),
    ...(theirs === null ? [] : lane(theirs, guest.route.enter, marked)),
  ];
}

/** Where those go of whom a portion enters, and who do not: to stable, but where a share is everything, there. */
function notEntering(router: Router, entry: JsonObject, host: Wish, guest: Wish): JsonObject {
  const whole = ({ route, traffic }: Wish): Wish => ({
    route,
    traffic: { ...traffic, gray: traffic.gray === 100 ? 100 : 0 },
  });
  const [all] = router
    .backends(router.withBackends({}, tracks(router, entry, whole(host), whole(guest))), host.route)
    .filter(({ weight }) => weight === 100);
  return all!.entry;
}

export const isSameTag = (a: Tag, b: Tag): boolean => sameHeader(a.header, b.header) && a.value === b.value;

/** Each way once: a match may be there only once. */
const entersOf = (...routes: readonly RouteTarget[]): Enter =>
  eachOnce(routes.flatMap(({ enter = [] }) => enter));
