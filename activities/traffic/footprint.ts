/** What a release notes on the user's route while it holds it: enough to put it back exactly, and to tell late writers off. */
import { canonicalJson, hashOf, labels } from '../../domain/ids.js';
import type { Enter, Way } from '../../domain/enter.js';
import type { RouteTarget, Tag, Traffic } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { objectOf, objectsOf } from './json.js';
import type { Json, Origin, Router } from './router.js';
import type { Rules } from './rules.js';

export interface Footprint {
  readonly release: string;
  /** Number of the newest write. */
  readonly seq: number;
  /** Traffic was returned to stable, so late writers are refused: by the guard those with the same number, by giving back all. */
  readonly closed?: 'guard' | 'restore';
  /** Gray has had requests since it joined, or may have. */
  readonly carried?: true;
  /** Name of the Service that joined the route. */
  readonly gray: string;
  /** The tag that it puts on requests for gray. */
  readonly stamps?: Tag;
  /** Not on those that only its share sends there. */
  readonly untold?: true;
  /** Who else goes there while tagged requests do. */
  readonly enter?: Enter;
  /** What that write asked for: who shares the route has to know. Absent: an older worker wrote it. */
  readonly traffic?: Traffic;
  readonly origins: readonly Origin[];
  /** Hash of the rules as that write left them. */
  readonly left: string;
}

/** What tells the notes on a route apart. */
export type Noted = Pick<RouteTarget, 'stableService' | 'namespace' | 'routeNamespace' | 'guest'>;

/** Annotation of one application: several may share a route, also of several namespaces, and each may have a guest. */
export function footprintKey({ stableService, namespace, routeNamespace, guest }: Noted): string {
  const whose = routeNamespace === undefined ? stableService : `${namespace}/${stableService}`;
  return `${labels.footprint}-${hashOf(guest === undefined ? whose : [whose, 'guest']).slice(0, 8)}`;
}

/** Null where there is none, or none that can be read. */
export function footprintOf(object: KubeObject, route: Noted): Footprint | null {
  try {
    const found = objectOf(JSON.parse(object.metadata.annotations?.[footprintKey(route)] ?? 'null'));
    const { release, seq, gray, left, closed, carried } = found ?? {};
    const stamps = tagOf(found?.['stamps']);
    const enter = enterOf(found?.['enter']);
    const traffic = trafficOf(found?.['traffic']);
    if (typeof release !== 'string' || typeof seq !== 'number') return null;
    if (typeof gray !== 'string' || typeof left !== 'string') return null;
    const origins = objectsOf(found?.['origins']) as unknown as readonly Origin[];
    return {
      release,
      seq,
      gray,
      left,
      origins,
      ...(stamps === null ? {} : { stamps }),
      ...(found?.['untold'] === true ? { untold: true as const } : {}),
      ...(enter === null ? {} : { enter }),
      ...(traffic === null ? {} : { traffic }),
      ...(closed === 'guard' || closed === 'restore' ? { closed } : {}),
      ...(carried === true ? { carried } : {}),
    };
  } catch {
    return null;
  }
}

export const footprintText = (footprint: Footprint): string => canonicalJson(footprint);

const enterOf = (value: Json | undefined): Enter | null =>
  Array.isArray(value) ? value.map((all: Json) => objectsOf(all) as unknown as Way) : null;

function trafficOf(found: Json | undefined): Traffic | null {
  const { gray, tag } = objectOf(found) ?? {};
  return typeof gray === 'number' ? { gray, tag: tagOf(tag) } : null;
}

function tagOf(found: Json | undefined): Tag | null {
  const { header, value, baggage } = objectOf(found) ?? {};
  if (typeof header !== 'string' || typeof value !== 'string') return null;
  return { header, value, ...(typeof baggage === 'string' ? { baggage } : {}) };
}

/** The route as the release sees it that wrote the note. */
export function notedRoute(target: RouteTarget, footprint: Footprint): RouteTarget {
  const { stamps: _, untold: _1, enter: _2, ...route } = target;
  return { ...route, grayService: footprint.gray, ...laneOf(footprint) };
}

/** What the note keeps of how the route tells the tracks. */
export const laneOf = ({
  stamps,
  untold,
  enter,
}: Pick<RouteTarget, 'stamps' | 'untold' | 'enter'>): Pick<Footprint, 'stamps' | 'untold' | 'enter'> => ({
  ...(stamps === undefined ? {} : { stamps }),
  ...(untold === undefined ? {} : { untold }),
  ...(enter === undefined ? {} : { enter }),
});

/** Hash of those rules that are this application's business. */
export function marksOf(router: Router, rules: Rules, route: RouteTarget): string {
  const ours = [route.stableService, route.grayService];
  const touched = rules.filter((rule) =>
    router.backends(rule, route).some((b) => b.service !== null && ours.includes(b.service)),
  );
  return hashOf(touched).slice(0, 12);
}

/** Who changed the list of rules last, beside us, for people: a list belongs to who wrote it as it is. */
export function lastForeignWriter(object: KubeObject, field: Router['field'], us: string): string {
  const writers = (object.metadata.managedFields ?? []).filter(({ manager, fieldsV1 }) => {
    const spec = objectOf(objectOf(fieldsV1)?.['f:spec']);
    return manager !== us && manager !== undefined && spec?.[`f:${field}`] !== undefined;
  });
  const last = writers.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1);
  if (last === undefined) return 'somebody';
  return last.time === undefined ? `${last.manager}` : `${last.manager} at ${last.time}`;
}
