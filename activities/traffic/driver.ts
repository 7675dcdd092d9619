/** The changes that a release makes to a route: what each of them checks, and what it writes. How it is written is change.ts. */
import { canonicalJson } from '../../domain/ids.js';
import { allStable, type RouteTarget } from '../../domain/traffic.js';
import type { RouteInput, TrafficInput, TrafficResult } from '../contract.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { asked, changeRoute, type Change } from './change.js';
import { readyEndpoints, requireReady, type Ready } from './endpoints.js';
import { marksOf, type Footprint } from './footprint.js';
import { routers } from './index.js';
import type { Router } from './router.js';
import { desiredRules, originsOf, problemsOf, restoredRules, roughTrafficOf, type Rules } from './rules.js';

/** Takes the route in hand: gray joins with weight 0, how it was is noted. Again with the same release: nothing changes. */
export async function prepareRoute(
  cluster: Cluster,
  input: RouteInput & { readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release, seq } = input;
  const router = routers[route.router];
  const { kind } = router.resource;
  return changeRoute(cluster, route, signal, ({ object, rules, footprint }) => {
    if (object === null) fail('route_unknown', { kind, route: route.route, namespace: route.namespace });
    if (footprint?.release === release) {
      refuseLate(route, footprint, { seq });
      return null;
    }
    const own = withoutLeftovers(router, rules, route, footprint);
    const problems = problemsOf(router, object, own, route);
    if (problems.length > 0) fail('route_unfit', { kind, route: route.route, why: problems.join(' ') });
    const note = { release, seq, gray: route.grayService, origins: originsOf(router, own, route) };
    return noted(router, route, desiredRules(router, own, route, allStable), note);
  });
}

/**
 * Sets the traffic, whatever it was; never to a track without ready endpoints (`endpoints_missing`). A write that comes after a
 * newer one, or after the guard's with the same number, is refused (`route_lost`). Again with the same traffic: nothing changes.
 */
export async function setTraffic(
  cluster: Cluster,
  input: TrafficInput,
  signal: AbortSignal,
): Promise<TrafficResult> {
  return setTrafficAs(cluster, input, {}, signal);
}

/** The guard's write: everything to stable, the route stays in hand. */
export async function returnToStable(
  cluster: Cluster,
  input: { readonly release: string; readonly route: RouteTarget; readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  return setTrafficAs(cluster, { ...input, traffic: allStable }, { guarded: true }, signal);
}

async function setTrafficAs(
  cluster: Cluster,
  input: TrafficInput,
  as: Pick<Footprint, 'guarded'>,
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release, seq, traffic } = input;
  const router = routers[route.router];
  const ready = endpoints(cluster, route, signal);
  return changeRoute(cluster, route, signal, async ({ object, rules, footprint }) => {
    if (object === null) return lost(route, 'it was deleted.');
    if (footprint === null) return lost(route, 'it no longer carries the note of this release.');
    if (footprint.release !== release) return lost(route, `release ${footprint.release} holds it.`);
    refuseLate(route, footprint, { seq, ...as });
    const desired = desiredRules(router, rules, route, traffic);
    if (originsOf(router, desired, route).length === 0)
      return lost(route, 'no rule sends to stable any more.');
    requireReady(await ready, route, traffic);
    const { gray, origins } = footprint;
    const same = canonicalJson(desired) === canonicalJson(rules);
    if (same && seq === footprint.seq && as.guarded === footprint.guarded) return null;
    return noted(router, route, desired, { release, seq, ...as, gray, origins });
  });
}

/** Puts the route back as it was found, but for what others changed meanwhile; a route that another release holds is left alone. */
export async function restoreRoute(
  cluster: Cluster,
  input: RouteInput,
  signal: AbortSignal,
): Promise<TrafficResult> {
  const { route, release } = input;
  const router = routers[route.router];
  const ready = endpoints(cluster, route, signal);
  return changeRoute(cluster, route, signal, async ({ object, rules, footprint }) => {
    if (object === null || (footprint !== null && footprint.release !== release)) return null;
    // Without the note, what names gray still has to go: its Service will.
    const restored = restoredRules(router, rules, route, footprint?.origins ?? null);
    if (footprint === null && canonicalJson(restored) === canonicalJson(rules)) return null;
    const { stable, gray } = await ready;
    // Where gray cannot answer either, stable is the better of the two.
    if (roughTrafficOf(router, rules, route).gray > 0 && gray > 0)
      requireReady({ stable, gray }, route, allStable);
    return { rules: restored, footprint: null };
  });
}

/** The rules without what a release left there that was ended by force: only one runs at a time, so a note is of none that runs. */
export function withoutLeftovers(
  router: Router,
  rules: Rules,
  route: RouteTarget,
  footprint: Footprint | null,
): Rules {
  if (footprint === null) return rules;
  return restoredRules(router, rules, { ...route, grayService: footprint.gray }, footprint.origins);
}

const noted = (router: Router, route: RouteTarget, rules: Rules, note: Omit<Footprint, 'left'>): Change => ({
  rules,
  footprint: { ...note, left: marksOf(router, rules, route) },
});

/** Asked for beside the route; a failure waits until the answer is needed. */
function endpoints(cluster: Cluster, route: RouteTarget, signal: AbortSignal): Promise<Ready> {
  const ready = asked(cluster, route, readyEndpoints(cluster, route, signal));
  ready.catch(() => undefined);
  return ready;
}

/** A write that was overtaken by a newer one of the same release, or by the guard, must not undo it. */
function refuseLate(
  route: RouteTarget,
  { seq, guarded }: Pick<Footprint, 'seq' | 'guarded'>,
  write: Pick<Footprint, 'seq' | 'guarded'>,
): void {
  if (write.seq < seq) lost(route, `write ${write.seq} came after write ${seq}.`);
  if (write.seq === seq && guarded === true && write.guarded !== true)
    lost(route, `write ${write.seq} came after the analysis had returned traffic to stable.`);
}

function lost(route: RouteTarget, why: string): never {
  return fail('route_lost', { kind: routers[route.router].resource.kind, route: route.route, why });
}
