/** Two lanes at one route: what lets requests into them has to differ, or of two rules for the same requests one would get none. Pure. */
import type { FailureContext } from '../../domain/failures.js';
import type { Enter } from '../../domain/enter.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { waysBeside } from './baggage.js';
import type { Seen } from './change.js';
import { isSameWay, wayText } from './conditions.js';
import { routers } from './index.js';
import { isSameTag, wishOf, type Beside } from './shared.js';

type Collision = FailureContext<'lanes_collide'>;

/** With the lane that the other release has at the route now; null: the one with this tag can be told from it, or there is none. */
export function collisionOf(seen: Seen, route: RouteTarget, tag: Tag | null): Collision | null {
  const { beside } = seen;
  return beside === null ? null : between(route, tag, beside, wishOf(routers[route.router], seen).tag);
}

/** With the lane that it is going to have too, as far as its note says. */
export function collisionAhead(seen: Seen, route: RouteTarget, tag: Tag | null): Collision | null {
  const stamps = seen.beside?.footprint.stamps;
  if (seen.beside === null || stamps === undefined) return collisionOf(seen, route, tag);
  return between(route, tag, seen.beside, stamps);
}

/** With the same tag both are one lane. */
function between(
  route: RouteTarget,
  tag: Tag | null,
  { route: others, footprint: { release } }: Beside,
  theirs: Tag | null,
): Collision | null {
  if (tag === null || theirs === null || isSameTag(tag, theirs)) return null;
  const taken = waysOf(theirs, others.enter);
  const way = waysOf(tag, route.enter).find((one) => taken.some((other) => isSameWay(one, other)));
  if (way === undefined) return null;
  const { kind } = routers[route.router].resource;
  const lanes = { lane: textOf(tag), other: textOf(theirs) };
  return { kind, route: route.route, way: wayText(way), ...lanes, release };
}

const waysOf = (tag: Tag, enter: Enter | undefined): Enter => [
  [{ header: tag.header, exact: tag.value }],
  ...waysBeside(tag, enter),
];

const textOf = ({ header, value }: Tag): string => `${header}: ${value}`;
