/** The canary Ingresses that belong beside the user's for a given traffic, and what the traffic of those that are there is. Pure. */
import { hashOf, joinName } from '../../../domain/ids.js';
import type { IngressTarget, Tag, Traffic } from '../../../domain/traffic.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { objectOf, objectsOf, textOf } from '../json.js';
import type { Json, JsonObject } from '../router.js';
import { controllers, type Controller } from './controllers.js';
import { stampedOf } from './headers.js';
import { waysOf, type Annotations } from './ways.js';

/** An Ingress of a release, but for its note, its labels and its owner. */
export interface Canary {
  readonly name: string;
  readonly annotations: Annotations;
  readonly spec: JsonObject;
}

const legacyClass = 'kubernetes.io/ingress.class';
/** As many as ways to enter may be declared. */
const mostWays = 8;

/** The first carries the share, and is there as long as the route is in hand. */
export const shareName = ({ grayService }: IngressTarget): string => grayService;

const wayName = ({ grayService }: IngressTarget, i: number): string =>
  joinName(grayService, i === 0 ? 'tag' : `enter-${i}`);

/** Every name that a canary of this route may have. */
export const namesOf = (route: IngressTarget): readonly string[] => [
  shareName(route),
  ...Array.from({ length: 1 + mostWays }, (_, i) => wayName(route, i)),
];

/** The one with the share first. Without rules where stable's Ingress sends nothing to stable. */
export function canariesOf(
  stable: KubeObject,
  route: IngressTarget,
  { gray, tag }: Traffic,
): readonly [Canary, ...Canary[]] {
  const controller = controllers[route.controller];
  const { prefix, isOne } = controller;
  const spec = specOf(stable, route);
  const kept = stampedOf(controller, keptOf(controller, stable), route.stamps);
  const canary = { [`${prefix}canary`]: 'true' };
  const weight = { [`${prefix}canary-weight`]: String(gray) };
  const ways = tag === null ? [] : waysOf(route, tag);
  const share = Object.assign({}, kept, canary, weight, ...(isOne ? ways : [])) as Annotations;
  const first = { name: shareName(route), annotations: share, spec };
  if (isOne) return [first];
  const before = orderOf(controller, stable);
  return [
    first,
    ...ways.map((way, i) => ({
      name: wayName(route, i),
      annotations: { ...kept, ...canary, ...way, ...before },
      spec,
    })),
  ];
}

/** Of stable's rules what sends to stable, with gray's Service in its place. */
export function specOf(stable: KubeObject, route: IngressTarget): JsonObject {
  const spec = objectOf(stable['spec']) ?? {};
  const { ingressClassName, tls } = spec;
  return {
    ...(ingressClassName === undefined ? {} : { ingressClassName }),
    ...(tls === undefined ? {} : { tls }),
    rules: sharedPaths(stable, route.stableService).map(({ rule, paths }) => ({
      ...rule,
      http: { ...objectOf(rule['http']), paths: paths.map((path) => withService(path, route.grayService)) },
    })),
  };
}

/** The rules with only those paths that send to the Service. */
export function sharedPaths(
  ingress: KubeObject,
  service: string,
): readonly { readonly rule: JsonObject; readonly paths: readonly JsonObject[] }[] {
  return objectsOf(objectOf(ingress['spec'])?.['rules']).flatMap((rule) => {
    const paths = objectsOf(objectOf(rule['http'])?.['paths']).filter((path) => serviceOf(path) === service);
    return paths.length === 0 ? [] : [{ rule, paths }];
  });
}

export const serviceOf = (path: JsonObject): string | null =>
  textOf(objectOf(objectOf(path['backend'])?.['service'])?.['name']);

function withService(path: JsonObject, name: string): JsonObject {
  const backend = objectOf(path['backend']);
  return { ...path, backend: { ...backend, service: { ...objectOf(backend?.['service']), name } } };
}

/** What the controller does to requests of stable holds for gray too; other annotations are instructions for others. */
const keptOf = ({ own }: Controller, { metadata: { annotations = {} } }: KubeObject): Annotations =>
  Object.fromEntries(
    Object.entries(annotations).filter(
      ([key]) =>
        key === legacyClass ||
        (own.some((start) => key.startsWith(start)) && !/^canary(-|$)/.test(key.slice(key.indexOf('/') + 1))),
    ),
  );

/** A way to get in comes before what stable's Ingress matches. */
function orderOf({ order }: Controller, stable: KubeObject): Annotations {
  return order === null ? {} : { [order]: String(placeOf(order, stable) - 1) };
}

/** Default of the ALB controller: 10. */
export const placeOf = (order: string, { metadata: { annotations = {} } }: KubeObject): number =>
  Number(annotations[order] ?? 10);

/** Hash of what a release writes: told from what others add to the same object. */
export function marksOf(
  { own }: Controller,
  { annotations, spec }: { readonly annotations: Annotations; readonly spec: Json | undefined },
): string {
  const ours = Object.entries(annotations).filter(
    ([key]) => key === legacyClass || own.some((start) => key.startsWith(start)),
  );
  const { rules = null, tls = null } = objectOf(spec) ?? {};
  return hashOf([Object.fromEntries(ours), rules, tls]).slice(0, 12);
}

/** Where the traffic goes, by the canaries that are there. `tag`: what the ways were written for. */
export function trafficOf(canaries: readonly KubeObject[], route: IngressTarget, tag: Tag | null): Traffic {
  const { prefix } = controllers[route.controller];
  const values = (key: string): string[] =>
    canaries.flatMap(({ metadata: { annotations = {} } }) => annotations[`${prefix}${key}`] ?? []);
  const share = Number(values('canary-weight')[0] ?? 0);
  const total = Number(values('canary-weight-total')[0] ?? 100);
  const gray = Math.round((100 * share) / total);
  const isTagged = tag !== null && values('canary-by-header').includes(tag.header);
  return { gray: Number.isFinite(gray) ? Math.min(100, Math.max(0, gray)) : 100, tag: isTagged ? tag : null };
}
