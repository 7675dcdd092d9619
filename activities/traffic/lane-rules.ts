/** The rules of a lane: copies of a rule for tagged requests, and for those that enter, of whom a portion may. Pure. */
import { conditionsOf, percentOf, type Enter, type Way } from '../../domain/enter.js';
import type { Tag } from '../../domain/traffic.js';
import { waysBeside } from './baggage.js';
import { keyOfWay, placesOf } from './conditions.js';
import type { Router, Rule } from './router.js';

/**
 * @param sending the rule with the backends of those of whom so many percent enter
 * @returns empty: no tagged request can match
 */
export function laneRules(
  router: Router,
  tag: Tag,
  enter: Enter | undefined,
  sending: (percent: number) => Rule,
): readonly Rule[] {
  const { whole, parts } = waysOf(router, tag, enter);
  if (whole.length > 0 || parts.length > 0)
    return [
      ...router.entering(sending(100), tag, whole),
      ...parts.flatMap(({ percent, ways }) => router.portioned(sending(percent), tag, ways)),
    ];
  const tagged = router.tagged(sending(100), tag);
  return tagged === null ? [] : [tagged];
}

interface Ways {
  /** Whoever goes this way enters. */
  readonly whole: Enter;
  /** Each percentage once, the largest first. */
  readonly parts: readonly { readonly percent: number; readonly ways: Enter }[];
}

function waysOf(router: Router, tag: Tag, enter: Enter | undefined): Ways {
  const ways = waysBeside(tag, enter);
  const sure = ways.filter((way) => percentOf(way) === 100);
  const drawn = ways.filter((way) => percentOf(way) < 100);
  // Who is sure of one way enters by it, also where a router would prefer the rule for another, which asks for more.
  const crossed = router.isOrdered
    ? []
    : drawn.flatMap((way) => [tagWay(tag), ...sure].flatMap((other) => bothOf(way, other)));
  const whole = [...sure, ...crossed];
  const known = new Set(whole.map(keyOfWay));
  const parts = new Map<number, Way[]>();
  for (const way of drawn.toSorted((a, b) => percentOf(b) - percentOf(a))) {
    const key = keyOfWay(way);
    // Two rules for the same requests would make some objects invalid.
    if (known.has(key)) continue;
    known.add(key);
    parts.set(percentOf(way), [...(parts.get(percentOf(way)) ?? []), way]);
  }
  return { whole, parts: [...parts].map(([percent, list]) => ({ percent, ways: list })) };
}

const tagWay = ({ header, value }: Tag): Way => [{ header, exact: value }];

/** Empty where both ask of the same: a match may name it only once. */
function bothOf(way: Way, other: Way): Enter {
  const named = new Set(placesOf(other));
  if (placesOf(way).some((place) => named.has(place))) return [];
  return [[...conditionsOf(other), ...conditionsOf(way)]];
}
