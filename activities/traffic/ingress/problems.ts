/** Why an Ingress cannot have a canary beside it. Pure. */
import type { IngressTarget } from '../../../domain/traffic.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { numberOf, objectOf, objectsOf, textOf } from '../json.js';
import type { JsonObject } from '../router.js';
import { namesOf, placeOf, serviceOf, sharedPaths } from './canaries.js';
import { controllers } from './controllers.js';
import { stampProblemsOf } from './headers.js';
import { isMade } from './note.js';
import { wayProblemsOf } from './ways.js';

/**
 * For people; empty: it can.
 * @param others all Ingresses of the namespace
 */
export function ingressProblemsOf(
  stable: KubeObject,
  others: readonly KubeObject[],
  route: IngressTarget,
): string[] {
  const { stableService, grayService, controller: name } = route;
  const { prefix, own, order } = controllers[name];
  const { annotations = {} } = stable.metadata;
  const shared = sharedPaths(stable, stableService);
  if (shared.length === 0) return [`no rule sends to Service "${stableService}".`];
  const fallback = objectOf(objectOf(stable['spec'])?.['defaultBackend']);
  const named = [`conditions.${stableService}`, `actions.${stableService}`].filter((key) =>
    own.some((start) => annotations[`${start}${key}`] !== undefined),
  );
  return [
    ...(stableService === grayService
      ? [`both tracks are Service "${stableService}", and a canary Ingress needs one of its own for gray.`]
      : []),
    ...(annotations[`${prefix}canary`] === 'true'
      ? ['it is the canary of another Ingress itself; name the other one.']
      : []),
    ...(fallback !== null && serviceOf({ backend: fallback }) === stableService
      ? [
          `it sends to "${stableService}" by default, and a canary has no share of that; give it a rule for the path / instead.`,
        ]
      : []),
    ...shared.flatMap(({ rule, paths }) => paths.flatMap((path) => portProblems(rule, path, route))),
    ...named.map(
      (key) => `its annotation ${key} is for Service "${stableService}" only, and gray is another.`,
    ),
    ...(order !== null && !(placeOf(order, stable) > 1)
      ? [`its annotation ${order} leaves no place before it for the tag; make it 2 or more.`]
      : []),
    ...besideProblems(stable, others, route),
    ...stampProblemsOf(stable, route),
    ...wayProblemsOf(route),
  ];
}

function portProblems(rule: JsonObject, path: JsonObject, { port }: IngressTarget): string[] {
  const number = numberOf(objectOf(objectOf(objectOf(path['backend'])?.['service'])?.['port'])?.['number']);
  if (number === null || number === port) return [];
  return [`the rule for ${placesOf(rule, path)} sends to port ${number}, not to port ${port}.`];
}

/** nginx takes one canary for each rule, and does not say which; elsewhere it would take a part of the share. */
function besideProblems(stable: KubeObject, others: readonly KubeObject[], route: IngressTarget): string[] {
  const { prefix } = controllers[route.controller];
  const names = namesOf(route);
  const places = new Set(
    sharedPaths(stable, route.stableService).flatMap(({ rule, paths }) =>
      paths.map((path) => placesOf(rule, path)),
    ),
  );
  return (
    others
      .filter((other) => other.metadata.name !== stable.metadata.name)
      // Those are of a release that was ended by force, and are replaced.
      .filter((other) => !isMade(other) || !names.includes(other.metadata.name))
      .filter((other) => other.metadata.annotations?.[`${prefix}canary`] === 'true')
      .filter((other) => placesIn(other).some((place) => places.has(place)))
      .map(({ metadata: { name } }) => `Ingress "${name}" is a canary beside it already; remove that one.`)
  );
}

/** Host and path, as a key and for people. */
const placesOf = (rule: JsonObject, path: JsonObject): string =>
  `${textOf(rule['host']) ?? '*'}${textOf(path['path']) ?? '/'}`;

/** Every host and path of an Ingress. */
const placesIn = (ingress: KubeObject): readonly string[] =>
  objectsOf(objectOf(ingress['spec'])?.['rules']).flatMap((rule) =>
    objectsOf(objectOf(rule['http'])?.['paths']).map((path) => placesOf(rule, path)),
  );
