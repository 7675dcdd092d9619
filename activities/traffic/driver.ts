/** Read, check, compute, compare, write only what differs: how every change of a route is made, for every kind of router. */
import { canonicalJson, fieldManager } from '../../domain/ids.js';
import { allStable, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import type { RouteInput, TrafficInput, TrafficResult } from '../contract.js';
import { fail } from '../failure.js';
import { KubeError, type Cluster, type KubeObject } from '../kubernetes/client.js';
import { kubeFailure } from '../kubernetes/errors.js';
import { readyEndpoints, requireReady } from './endpoints.js';
import {
  footprintKey,
  footprintOf,
  footprintText,
  lastForeignWriter,
  marksOf,
  type Footprint,
} from './footprint.js';
import { routers } from './index.js';
import type { Router } from './router.js';
import { desiredRules, originsOf, problemsOf, restoredRules, trafficOf, type Rules } from './rules.js';

const maxConflicts = 8;

/** What is to be written; null: nothing. A null footprint removes the annotation. */
interface Change {
  readonly rules: Rules;
  readonly footprint: Footprint | null;
}

interface Seen {
  readonly object: KubeObject;
  readonly rules: Rules;
  readonly footprint: Footprint | null;
}

export async function prepareRoute(
  cluster: Cluster,
  input: RouteInput & { readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release, seq } = input;
  const router = routers[route.router];
  return changeRoute(cluster, route, signal, ({ rules, footprint }) => {
    if (footprint?.release === release) {
      refuseLate(route, footprint, seq);
      return null;
    }
    // Only one release at a time gets here, so another's footprint is what a release left that was ended by force.
    const own = footprint === null ? rules : restoredRules(router, rules, route, footprint.origins);
    const problems = problemsOf(router, own, route);
    if (problems.length > 0)
      fail('route_unfit', { kind: router.resource.kind, route: route.route, why: problems.join(' ') });
    const origins = originsOf(router, own, route);
    return next(router, route, desiredRules(router, own, route, allStable), { release, seq, origins });
  });
}

export async function setTraffic(
  cluster: Cluster,
  input: TrafficInput,
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release, seq, traffic } = input;
  const router = routers[route.router];
  const ready = await asked(cluster, route, readyEndpoints(cluster, route, signal));
  requireReady(ready, route, traffic);
  return changeRoute(cluster, route, signal, ({ rules, footprint }) => {
    if (footprint === null) return lost(route, 'it no longer carries the note of this release.');
    if (footprint.release !== release) return lost(route, `release ${footprint.release} holds it.`);
    refuseLate(route, footprint, seq);
    const desired = desiredRules(router, rules, route, traffic);
    if (trafficOf(router, desired, route)?.gray !== traffic.gray)
      return lost(route, 'no rule sends to stable any more.');
    const same = seq === footprint.seq && canonicalJson(desired) === canonicalJson(rules);
    return same ? null : next(router, route, desired, { release, seq, origins: footprint.origins });
  });
}

/** The guard's write: everything to stable, the route stays in hand. */
export async function returnToStable(
  cluster: Cluster,
  input: { readonly release: string; readonly route: RouteTarget; readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  return setTraffic(cluster, { ...input, traffic: allStable }, signal);
}

export async function restoreRoute(
  cluster: Cluster,
  input: RouteInput,
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release } = input;
  const router = routers[route.router];
  const ready = await asked(cluster, route, readyEndpoints(cluster, route, signal));
  return changeRoute(
    cluster,
    route,
    signal,
    ({ rules, footprint }) => {
      if (footprint !== null && footprint.release !== release) return null;
      const before = trafficOf(router, rules, route);
      // Where gray cannot answer either, stable is the better of the two.
      if (before !== null && before.gray > 0 && ready.gray > 0) requireReady(ready, route, allStable);
      const restored = restoredRules(router, rules, route, footprint?.origins ?? []);
      const same = footprint === null && canonicalJson(restored) === canonicalJson(rules);
      return same ? null : { rules: restored, footprint: null };
    },
    { missing: 'is-fine' },
  );
}

function next(router: Router, route: RouteTarget, rules: Rules, footprint: Omit<Footprint, 'left'>): Change {
  return { rules, footprint: { ...footprint, left: marksOf(router, rules, route) } };
}

async function changeRoute(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
  decide: (seen: Seen) => Change | null,
  options: { readonly missing?: 'is-fine' } = {},
): Promise<TrafficResult> {
  const router = routers[route.router];
  const { resource, field } = router;
  const foreign = new Set<string>();
  for (let conflicts = 0; ; conflicts++) {
    const object = await asked(cluster, route, cluster.get(resource, route.namespace, route.route, signal));
    if (object === null && options.missing === 'is-fine') return unchanged(allStable, foreign);
    if (object === null) return lost(route, 'it was deleted.');
    const seen = { object, rules: rulesOf(object, router), footprint: footprintOf(object, route) };
    for (const change of foreignChanges(router, route, seen)) foreign.add(change);
    const before = trafficOf(router, seen.rules, route) ?? allStable;
    const change = decide(seen);
    if (change === null) return unchanged(before, foreign);
    const annotation = change.footprint === null ? null : footprintText(change.footprint);
    const patch = {
      metadata: {
        resourceVersion: object.metadata.resourceVersion,
        annotations: { [footprintKey(route)]: annotation },
      },
      spec: { [field]: change.rules },
    };
    try {
      await cluster.merge(resource, route.namespace, route.route, patch, signal);
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 409 && conflicts < maxConflicts))
        throw mapped(error, cluster, route);
      await pause(10 + Math.random() * 30 * (conflicts + 1), signal);
      continue;
    }
    const changed = canonicalJson(change.rules) !== canonicalJson(seen.rules);
    return {
      changed,
      before,
      after: trafficOf(router, change.rules, route) ?? allStable,
      foreign: [...foreign],
    };
  }
}

export function rulesOf(object: KubeObject, router: Router): Rules {
  const spec = object['spec'] as Readonly<Record<string, unknown>> | undefined;
  const rules = spec?.[router.field];
  return Array.isArray(rules) ? (rules as Rules) : [];
}

function foreignChanges(
  router: Router,
  route: RouteTarget,
  { object, rules, footprint }: Seen,
): readonly string[] {
  const moved =
    footprint !== null && footprint.left !== marksOf(router, rules, route)
      ? [`its rules were changed by ${lastForeignWriter(object, fieldManager)}.`]
      : [];
  return [...moved, ...router.complaints(object)];
}

const unchanged = (traffic: Traffic, foreign: ReadonlySet<string>): TrafficResult => ({
  changed: false,
  before: traffic,
  after: traffic,
  foreign: [...foreign],
});

/** A write that was overtaken by a newer one of the same release must not undo it. */
function refuseLate(route: RouteTarget, footprint: Footprint, seq: number): void {
  if (seq < footprint.seq) lost(route, `write ${seq} came after write ${footprint.seq}.`);
}

function lost(route: RouteTarget, why: string): never {
  return fail('route_lost', { kind: routers[route.router].resource.kind, route: route.route, why });
}

async function asked<T>(cluster: Cluster, route: RouteTarget, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw mapped(error, cluster, route);
  }
}

function mapped(error: unknown, cluster: Cluster, route: RouteTarget): unknown {
  const what = `${routers[route.router].resource.kind} "${route.route}"`;
  return kubeFailure(error, { cluster: cluster.name, namespace: route.namespace, what });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), {
      once: true,
    });
  });
}
