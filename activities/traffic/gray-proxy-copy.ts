/** The copy of stable's HTTPProxy for gray, and what keeps it from being made. Pure. */
import { hashOf, labels as ours } from '../../domain/ids.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { apiVersion, resources } from '../kubernetes/resources.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { contour } from './contour.js';
import { numberOf, objectOf, objectsOf, sameHeader } from './json.js';
import type { JsonObject, Rule } from './router.js';

/** Tools that own an object by these would take the copy for theirs and remove it, or were told of the original alone. */
const foreign =
  /^(app\.kubernetes\.io\/instance|kubectl\.kubernetes\.io\/last-applied|argocd\.argoproj\.io\/|sluice\.dev\/)/;

/**
 * The same routes with gray's Service in place of stable's, under the name of that Service; all else as it is.
 * @param service gray's, with which it goes at the latest; null: there is none any more
 */
export function grayProxy(
  stable: KubeObject,
  route: RouteTarget,
  release: string,
  service: KubeObject | null,
): KubeObject {
  const { namespace, grayService: name } = route;
  const { labels, annotations } = stable.metadata;
  const own = Object.entries(service?.metadata.labels ?? {}).filter(([key]) => ownKeys.includes(key));
  const owner = service?.metadata.uid;
  return {
    apiVersion: apiVersion(resources.httpproxies),
    kind: resources.httpproxies.kind,
    metadata: {
      name,
      namespace,
      labels: { ...kept(labels), ...Object.fromEntries(own), [ours.release]: release },
      annotations: { ...kept(annotations), [ours.source]: hashOf(stable['spec']) },
      ...(owner === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid: owner }] }),
    },
    spec: { ...objectOf(stable['spec']), routes: routesOf(stable).map((rule) => forGray(rule, route)) },
  };
}

const ownKeys: readonly string[] = [ours.application, ours.lane];

const kept = (entries: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(entries).filter(([key]) => !foreign.test(key)));

const routesOf = (proxy: KubeObject): readonly Rule[] => objectsOf(objectOf(proxy['spec'])?.['routes']);

const forGray = (rule: Rule, { stableService, grayService }: RouteTarget): Rule =>
  rule['services'] === undefined
    ? rule
    : {
        ...rule,
        services: objectsOf(rule['services']).map((entry): JsonObject =>
          isTraffic(entry, stableService) ? { ...entry, name: grayService } : entry,
        ),
      };

/** A mirror gets copies of requests, which stay stable's. */
const isTraffic = (entry: JsonObject, service: string): boolean =>
  entry['name'] === service && entry['mirror'] !== true;

/**
 * Why there can be no copy, or none behind the tag, for people; empty: there can.
 * @param gray what has its name already
 */
export function childProblems(
  route: RouteTarget,
  tag: Tag | null,
  stable: KubeObject | null,
  gray: KubeObject | null,
): readonly string[] {
  const { namespace, include, stableService, grayService, port, stamps } = route;
  const named = `HTTPProxy "${include}" in namespace "${namespace}"`;
  if (stamps !== undefined)
    return [
      'an include cannot put a tag on requests, as release.tag.enter and the entry of a lane need it; use router contour.',
    ];
  if (stable === null) return [`${named} does not exist; correct traffic.include.`];
  const sending = routesOf(stable).flatMap((rule) =>
    objectsOf(rule['services']).filter((entry) => isTraffic(entry, stableService)),
  );
  const ports = new Set(sending.map((entry) => numberOf(entry['port'])).filter((one) => one !== port));
  const asking = tag === null ? [] : routesOf(stable).filter((rule) => asks(rule, tag));
  const isTaken = gray !== null && gray.metadata.labels?.[ours.release] === undefined;
  return [
    ...(objectOf(stable['spec'])?.['virtualhost'] === undefined
      ? []
      : [`${named} is a root itself (it has a virtualhost), and no root includes another.`]),
    ...(sending.length > 0 ? [] : [`no route of ${named} sends to Service "${stableService}".`]),
    ...[...ports].map((one) => `${named} sends to port ${one}, not to port ${port}.`),
    ...asking.map(
      (rule) =>
        `the route for ${contour.keyOf(rule)} of ${named} asks for "${tag?.header}" itself; choose another release.tag.`,
    ),
    ...(isTaken
      ? [`HTTPProxy "${grayService}" exists and is not of Sluice; rename it, or choose another release.lane.`]
      : []),
    ...contour.complaints(stable).map((one) => `${named}: ${one}.`),
  ];
}

/** Contour takes one exact value of a header for a whole request, whoever asks for it. */
const asks = (rule: Rule, tag: Tag): boolean =>
  contour.tagsOf(rule).some(({ header }) => sameHeader(header, tag.header));
