/**
 * A route that two releases hold at once: one of its own application (the host), and one of an application behind it, whose share is moved
 * here (the guest). A request meets the host's gray, the guest's, both or none, for its whole way: the smaller share lies within the
 * larger. Pure.
 */
import { canonicalJson } from '../../domain/ids.js';
import type { Enter, RouteTarget, Tag, Traffic } from '../../domain/traffic.js';
import { waysBeside } from './baggage.js';
import type { Seen } from './change.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { footprintOf, notedRoute, type Footprint } from './footprint.js';
import { sameHeader } from './json.js';
import type { JsonObject, Origin, Router, Rule } from './router.js';
import { desiredRules, newOriginsOf, originsOf, restoredRules, roughTrafficOf, type Rules } from './rules.js';
import { cleared, stamped } from './stamps.js';
import { isStable, stableOf } from './tracks.js';

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
  // The weight that the rule had is known by whoever is alone with stable, so by the last one.
  return held
    .toSorted((a, b) => Number(b.route.guest !== undefined) - Number(a.route.guest !== undefined))
    .reduce<Rules>((left, one) => restoredRules(router, left, one.route, one.footprint.origins), rules);
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
    const stable = stableOf(router, rule, route);
    if (stable === undefined) return [rule];
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
  const only = (backend: (entry: JsonObject) => JsonObject): Rule =>
    router.withBackends(
      rule,
      router.backends(rule, host.route).flatMap((b) => {
        if (isStable(router, b, host.route)) return [backend(b.entry)];
        return b.copy ? [b.entry] : [];
      }),
    );
  const toGray = (entry: JsonObject): JsonObject => router.backend(entry, host.route.grayService, 100);
  const toStable = (entry: JsonObject): JsonObject => router.backend(entry, null, 100);
  const marked = (entry: JsonObject): JsonObject => stamped(router, entry, guest.route.stamps);
  // Until the guest lets its tag in, and when it does so no more, what is behind may have a rule for it, and not all of it.
  const isAlike = own !== null && guest.route.stamps !== undefined && isSameTag(own, guest.route.stamps);
  const unguided = (entry: JsonObject): JsonObject =>
    theirs === null && isAlike ? cleared(router, entry, guest.route.stamps) : entry;
  if (isOne)
    return asking(
      router,
      only((entry) => marked(toGray(entry))),
      own,
      entersOf(host, guest),
    );
  return [
    ...(own === null
      ? []
      : asking(
          router,
          only((entry) => unguided(stamped(router, toGray(entry), host.route.stamps))),
          own,
          entersOf(host),
        )),
    ...(theirs === null
      ? []
      : asking(
          router,
          only((entry) => marked(toStable(entry))),
          theirs,
          entersOf(guest),
        )),
  ];
}

function asking(router: Router, copy: Rule, tag: Tag, enter: Enter): readonly Rule[] {
  const ways = waysBeside(tag, enter);
  if (ways.length > 0) return router.entering(copy, tag, ways);
  const tagged = router.tagged(copy, tag);
  return tagged === null ? [] : [tagged];
}

export const isSameTag = (a: Tag, b: Tag): boolean => sameHeader(a.header, b.header) && a.value === b.value;

/** Each way once: a match may be there only once. */
const entersOf = (...wishes: readonly Wish[]): Enter => [
  ...new Map(
    wishes.flatMap(({ route }) => route.enter ?? []).map((way) => [canonicalJson(way), way]),
  ).values(),
];
