/**
 * Contour HTTPProxy that includes others: `spec.includes[]`. The tracks are the HTTPProxies beside their Services, stable's and a copy
 * of it for gray, and one include has room for one of them. So each that a release has joined comes with another one, which no request
 * matches and which names the track on standby: Contour goes on checking that HTTPProxy, and Envoy goes on knowing its Services,
 * before it gets its first request and as long as it may get all of them back.
 */
import { canonicalJson } from '../../domain/ids.js';
import { homeOf, type RouteTarget } from '../../domain/traffic.js';
import { baggageHeader } from './baggage.js';
import { contour } from './contour.js';
import { numberOf, objectsOf, textOf, without, withWeight } from './json.js';
import type { Backend, Json, JsonObject, Origin, Router, Rule } from './router.js';

export const standbyHeader = 'x-sluice-standby';
type Track = 'stable' | 'gray';

/** The names of the tracks stand in a rule as weighted services do in a route: `{conditions, namespace, services: [{name, weight}]}`. */
export const contourInclude: Router = {
  ...contour,
  field: 'includes',
  list: { read: rulesOf, write: (rules) => rules.flatMap(includesOf) },

  backends: (rule, route) =>
    objectsOf(rule['services']).map((entry): Backend => {
      const service = serviceOf(rule, textOf(entry['name']), route);
      return { entry, service, port: null, weight: numberOf(entry['weight']), copy: false, unfit: null };
    }),

  withBackends: (rule, backends) => ({
    ...rule,
    services: backends.length === 1 ? backends.map((one) => withWeight(one, null)) : backends,
  }),
};

/** The Service that stands for what is included: null for the HTTPProxies of others. */
function serviceOf(rule: Rule, name: string | null, route: RouteTarget): string | null {
  if ((textOf(rule['namespace']) ?? homeOf(route)) !== route.namespace) return null;
  if (name === route.include) return route.stableService;
  return name === route.grayService ? route.grayService : null;
}

/** What no request matches, as nothing can stand before its own beginning. */
const standby = (track: Track): JsonObject => ({ header: { name: standbyHeader, regex: `${track}^` } });

function standbyOf(include: JsonObject): Track | null {
  const asked = objectsOf(include['conditions']).map((one) => canonicalJson(one));
  return (['stable', 'gray'] as const).find((track) => asked.includes(canonicalJson(standby(track)))) ?? null;
}

/** The rules that the includes stand for. One that names gray without a standby is the user's, switched, where its conditions tell so. */
function rulesOf(
  includes: readonly JsonObject[],
  route: RouteTarget,
  origins: readonly Origin[] | null,
): readonly Rule[] {
  const isSwitched = (rule: Rule, name: Json): boolean =>
    serviceOf(rule, textOf(name), route) === route.grayService &&
    (origins?.some(({ key }) => key === contour.keyOf(rule)) ?? !asksForTag(rule));
  const waiting = new Map(
    includes.flatMap((include) => {
      const track = standbyOf(include);
      return track === null ? [] : [[keyOf(include), { track, name: include['name'] ?? null }] as const];
    }),
  );
  return includes
    .filter((include) => standbyOf(include) === null)
    .map((include) => {
      const { name = null, ...rule } = include;
      const other = waiting.get(keyOf(include));
      if (other !== undefined)
        return {
          ...rule,
          services: other.track === 'gray' ? pair(name, other.name) : pair(other.name, name, 100),
        };
      return {
        ...rule,
        services: isSwitched(rule, name) ? pair(route.include ?? null, name, 100) : [{ name }],
      };
    });
}

const asksForTag = (rule: Rule): boolean =>
  contour.tagsOf(rule).length > 0 || contour.asksOf(rule, baggageHeader).length > 0;

const pair = (stable: Json, gray: Json, weight = 0): JsonObject[] => [
  { name: stable, weight: 100 - weight },
  { name: gray, weight },
];

/** What it matches, but for the standby. */
function keyOf(include: JsonObject): string {
  const conditions = objectsOf(include['conditions']).map(canonicalJson);
  const own = [canonicalJson(standby('stable')), canonicalJson(standby('gray'))];
  return canonicalJson(conditions.filter((one) => !own.includes(one)));
}

/** The includes that a rule stands for, the standby first. */
function includesOf(rule: Rule): readonly JsonObject[] {
  const conditions = objectsOf(rule['conditions']);
  const rest = without(rule, 'services');
  const [stable, gray] = objectsOf(rule['services']) as [JsonObject, JsonObject | undefined];
  if (gray === undefined) return [{ ...rest, name: stable['name'] ?? null }];
  const [on, off, track] =
    gray['weight'] === 100 ? [gray, stable, 'stable' as const] : [stable, gray, 'gray' as const];
  if (on['weight'] !== 100) throw new RangeError('An include sends all requests to one HTTPProxy.');
  return [
    { ...rest, conditions: [...conditions, standby(track)], name: off['name'] ?? null },
    { ...rest, name: on['name'] ?? null },
  ];
}
