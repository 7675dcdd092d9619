/** Room for those that enter: what the user's rules may ask of the same headers and query parameters. Pure. */
import { canonicalJson } from '../../domain/ids.js';
import type { RouteTarget } from '../../domain/traffic.js';
import { askedOf, nameOf } from './conditions.js';
import { laneRules } from './lane-rules.js';
import type { Alternative, Router, Rule } from './router.js';
import { isOurs, stableOf } from './tracks.js';

/** Names of what the conditions ask of; see `nameOf`. */
export const namedBy = ({ enter }: Pick<RouteTarget, 'enter'>): ReadonlySet<string> =>
  new Set(
    askedOf(enter ?? [])
      .flat()
      .map(nameOf),
  );

/**
 * Why the rules leave no room for those that enter, for people; empty: they do. A match may ask for a header only once, and of two rules
 * that match the same requests one would get none.
 */
export function enterProblemsOf(router: Router, rules: readonly Rule[], route: RouteTarget): string[] {
  const { stamps, enter } = route;
  if (stamps === undefined || enter === undefined) return [];
  const others = rules.filter((rule) => !isOurs(router, rule, route));
  const split = others.filter((rule) => stableOf(router, rule, route) !== undefined);
  const named = namedBy(route);
  const namedIn = ({ asks }: Alternative): string | undefined =>
    asks.find((ask) => named.has(nameOf(ask)))?.name;
  const entering = split
    .flatMap((rule) => laneRules(router, stamps, enter, () => rule))
    .flatMap((copy) => router.alternatives(copy))
    .filter((one) => namedIn(one) !== undefined);
  const taken = new Set(entering.map(keyOf));
  return others.flatMap((rule) => {
    const alternatives = router.alternatives(rule);
    const name = split.includes(rule)
      ? alternatives.map(namedIn).find((one) => one !== undefined)
      : undefined;
    const why =
      name !== undefined
        ? `asks for "${name}" itself, which release.tag.enter names; name something else there.`
        : alternatives.some((one) => taken.has(keyOf(one)))
          ? 'already asks for what release.tag.enter lets in; take one of the two away.'
          : null;
    return why === null ? [] : [`the rule for ${router.keyOf(rule)} ${why}`];
  });
}

/** The same for what matches the same requests. */
const keyOf = ({ besides, asks }: Alternative): string =>
  canonicalJson([besides, asks.map((ask) => canonicalJson([nameOf(ask), ask.how])).sort()]);
