/** Why a write to a route is refused. Each throws what is in the way (`route_lost`, `route_unfit`, `lanes_collide`). */
import { canShare, isForGray, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import { fail } from '../failure.js';
import type { Seen } from './change.js';
import { collisionOf } from './collision.js';
import { enterProblemsOf } from './enter.js';
import type { Footprint } from './footprint.js';
import { routers } from './index.js';
import { tagProblemsOf, type Rules } from './rules.js';
import { stampProblemsOf } from './tracks.js';

/** Giving the route back must not be undone by a write that was under way. */
export function refuseGivenBack(route: RouteTarget, { closed }: Footprint, seq: number): void {
  if (closed === 'restore') lost(route, `write ${seq} came when the route was being given back.`);
}

/** Somebody may have taken the tag, or what lets a request enter, since the pre-flight looked, or done something to its header. */
export function refuseTaken(route: RouteTarget, rules: Rules, traffic: Traffic): void {
  const router = routers[route.router];
  const { tag } = traffic;
  const taken =
    tag === null
      ? []
      : [...tagProblemsOf(router, rules, route, tag), ...enterProblemsOf(router, rules, route)];
  const undone = isForGray(traffic) ? stampProblemsOf(router, rules, route) : [];
  const why = [...taken, ...undone].join(' ');
  if (why !== '') fail('route_unfit', { kind: router.resource.kind, route: route.route, why });
}

/** Another release may have come to the route since the pre-flight looked, with a lane for the same requests. */
export function refuseCollision(route: RouteTarget, seen: Seen, { tag }: Traffic): void {
  const collision = collisionOf(seen, route, tag);
  if (collision !== null) fail('lanes_collide', collision);
}

/** What a plan has no weight for, somebody may still ask for. */
export function refuseShare(route: RouteTarget, { gray }: Traffic): void {
  if (canShare(route.router, gray)) return;
  const why = `its includes send all requests to one version, so ${gray} % cannot be; use router contour for weights.`;
  fail('route_unfit', { kind: routers[route.router].resource.kind, route: route.route, why });
}

/** The route is no longer this release's to write. */
export function lost(route: RouteTarget, why: string): never {
  return fail('route_lost', { kind: routers[route.router].resource.kind, route: route.route, why });
}
