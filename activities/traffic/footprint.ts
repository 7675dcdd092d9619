/** What a release notes on the user's route while it holds it: enough to put it back exactly, and to tell late writers off. */
import { canonicalJson, hashOf, labels } from '../../domain/ids.js';
import type { RouteTarget } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/client.js';
import type { Origin, Router } from './router.js';
import type { Rules } from './rules.js';

export interface Footprint {
  readonly release: string;
  /** Number of the newest write. */
  readonly seq: number;
  readonly origins: readonly Origin[];
  /** Hash of the rules as that write left them. */
  readonly left: string;
}

/** Annotation of one application: several may share a route. */
export const footprintKey = (route: RouteTarget): string =>
  `${labels.footprint}-${hashOf(route.stableService).slice(0, 8)}`;

/** Null where there is none, or none that can be read. */
export function footprintOf(object: KubeObject, route: RouteTarget): Footprint | null {
  const text = object.metadata.annotations?.[footprintKey(route)];
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as Footprint;
  } catch {
    return null;
  }
}

export const footprintText = (footprint: Footprint): string => canonicalJson(footprint);

/** Hash of those rules that are this application's business. */
export function marksOf(router: Router, rules: Rules, route: RouteTarget): string {
  const ours = [route.stableService, route.grayService];
  const touched = rules.filter((rule) =>
    router.backends(rule, route).some((b) => b.service !== null && ours.includes(b.service)),
  );
  return hashOf(touched).slice(0, 12);
}

/** Who changed the object last, beside us, for people. */
export function lastForeignWriter(object: KubeObject, us: string): string {
  const writers = (object.metadata.managedFields ?? []).filter(
    (f) => f.manager !== us && f.manager !== undefined,
  );
  const last = writers.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1);
  return last === undefined
    ? 'somebody'
    : `${last.manager}${last.time === undefined ? '' : ` at ${last.time}`}`;
}
