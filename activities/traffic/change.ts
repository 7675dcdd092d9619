/** Read, decide, write only what differs, and only if nobody was faster: how every change of a route is made. */
import { setTimeout as delay } from 'node:timers/promises';
import { canonicalJson, fieldManager } from '../../domain/ids.js';
import { allStable, homeOf, type AnyRoute, type RouteTarget } from '../../domain/traffic.js';
import type { TrafficResult } from '../contract.js';
import type { Cluster } from '../kubernetes/client.js';
import { KubeError } from '../kubernetes/kube-error.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { kubeFailure } from '../kubernetes/errors.js';
import {
  footprintKey,
  footprintOf,
  footprintText,
  lastForeignWriter,
  marksOf,
  notedRoute,
  type Footprint,
} from './footprint.js';
import { resourceOf, routers } from './index.js';
import { recall, remember } from './memory.js';
import type { Router } from './router.js';
import { roughTrafficOf, rulesOf, type Rules } from './rules.js';
import { besideIn, trafficSeen, type Beside } from './shared.js';

/** What is to be written. A null footprint removes the annotation. */
export interface Change {
  readonly rules: Rules;
  readonly footprint: Footprint | null;
}

export interface Seen {
  /** Null: there is none. */
  readonly object: KubeObject | null;
  readonly rules: Rules;
  readonly footprint: Footprint | null;
  /** Another release that holds the route at the same time; null: none does. */
  readonly beside: Beside | null;
}

/** How often somebody else may be faster. */
const maxConflicts = 8;

/**
 * What is remembered of the route is good enough to write on, as the write fails where it is outdated; whatever else follows from it
 * is decided on what is there now.
 * @param decide what to write (null: nothing); asked again with the newer object each time that somebody else was faster.
 */
export async function changeRoute(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
  decide: (seen: Seen) => Change | null | Promise<Change | null>,
): Promise<TrafficResult> {
  const router = routers[route.router];
  const foreign = new Set<string>();
  let written = false;
  const attempt = async (seen: Seen): Promise<TrafficResult> => {
    for (const change of foreignChanges(router, route, seen)) foreign.add(change);
    const before = seen.object === null ? allStable : trafficSeen(router, seen, route);
    const change = await decide(seen);
    if (seen.object === null || change === null)
      return { changed: false, before, after: before, foreign: [...foreign] };
    const notes = notesOf(router, route, change, seen.beside);
    await write(cluster, router, route, seen.object, change.rules, notes, signal);
    written = true;
    const changed = canonicalJson(change.rules) !== canonicalJson(seen.rules);
    const after = trafficSeen(router, { ...change, beside: seen.beside }, route);
    return { changed, before, after, foreign: [...foreign] };
  };

  const recalled = recall(cluster, route);
  if (recalled !== null) {
    const result = await attempt(seenOf(router, route, recalled)).catch(() => null);
    if (result !== null && written) return result;
    signal.throwIfAborted();
    foreign.clear();
  }
  for (let conflicts = 0; ; conflicts++) {
    const seen = await look(cluster, router, route, signal);
    try {
      return await attempt(seen);
    } catch (error) {
      // 404: it was deleted meanwhile, and what that means is up to the one who decides.
      const raced = error instanceof KubeError && (error.status === 409 || error.status === 404);
      const again = raced && conflicts < maxConflicts;
      if (!again) throw mapped(error, cluster, route);
      await pause(10 + Math.random() * 30 * (conflicts + 1), signal);
    }
  }
}

async function look(
  cluster: Cluster,
  router: Router,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<Seen> {
  const got = cluster.get(router.resource, homeOf(route), route.route, signal);
  const object = await asked(cluster, route, got);
  remember(cluster, route, object);
  return seenOf(router, route, object);
}

export function seenOf(router: Router, route: RouteTarget, object: KubeObject | null): Seen {
  if (object === null) return { object, rules: [], footprint: null, beside: null };
  const footprint = footprintOf(object, route);
  const noted = footprint === null ? route : notedRoute(route, footprint);
  const rules = rulesOf(object, router, noted, footprint?.origins ?? null);
  return { object, rules, footprint, beside: besideIn(object, route) };
}

/** Holds only what changes; the version in it makes it a compare-and-set. */
async function write(
  cluster: Cluster,
  { resource, field, list }: Router,
  route: RouteTarget,
  object: KubeObject,
  rules: Rules,
  annotations: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion } = object.metadata;
  const spec = { [field]: list?.write(rules) ?? rules };
  const patch = { metadata: { resourceVersion, annotations }, spec };
  remember(cluster, route, await cluster.merge(resource, homeOf(route), route.route, patch, signal));
}

/** To the other one that holds the route this is no change by somebody else. */
function notesOf(
  router: Router,
  route: RouteTarget,
  { rules, footprint }: Change,
  beside: Beside | null,
): Readonly<Record<string, string | null>> {
  const own = { [footprintKey(route)]: footprint === null ? null : footprintText(footprint) };
  if (beside === null) return own;
  const left = marksOf(router, rules, beside.route);
  return { ...own, [footprintKey(beside.route)]: footprintText({ ...beside.footprint, left }) };
}

function foreignChanges(router: Router, route: RouteTarget, seen: Seen): readonly string[] {
  const { object, rules, footprint } = seen;
  if (object === null) return [];
  const complaints = router.complaints(object);
  if (footprint === null) return complaints;
  const marks = marksOf(router, rules, { ...route, grayService: footprint.gray });
  if (footprint.left === marks) return complaints;
  const { gray } = roughTrafficOf(router, rules, route);
  const who = lastForeignWriter(object, router.field, fieldManager);
  return [`${who} changed its rules; gray had ${gray} % then.`, ...complaints];
}

/** The answer, or what its error means in the catalogue. */
export async function asked<T>(cluster: Cluster, route: AnyRoute, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw mapped(error, cluster, route);
  }
}

export function mapped(error: unknown, cluster: Cluster, route: AnyRoute): unknown {
  const what = `${resourceOf(route.router).kind} "${route.route}"`;
  return kubeFailure(error, { cluster: cluster.name, namespace: homeOf(route), what });
}

/** Waits; throws the reason of the signal when it aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
