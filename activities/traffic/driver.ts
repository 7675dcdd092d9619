/** The changes that a release makes to a route: what each of them checks, and what it writes. How it is written is change.ts. */
import { canonicalJson } from '../../domain/ids.js';
import { allStable, homeOf, isForGray, type RouteTarget } from '../../domain/traffic.js';
import { uptimeMs } from '../clock.js';
import type { RestoreInput, RestoreResult, RouteInput, TrafficInput, TrafficResult } from '../contract.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { changeRoute, type Change, type Seen } from './change.js';
import { Endpoints, grownLagMs, lagMs, requireReady, requireSize } from './endpoints.js';
import { laneOf, marksOf, notedRoute, type Footprint } from './footprint.js';
import { routers } from './index.js';
import {
  grayProxyTaken,
  makeGrayProxy,
  removeGrayProxy,
  requireGrayProxy,
  requireStableProxy,
} from './gray-proxy.js';
import { disown } from './ownership.js';
import { lost, refuseCollision, refuseGivenBack, refuseShare, refuseTaken } from './refusals.js';
import type { Router } from './router.js';
import { settled } from './settle.js';
import { drainedRules, originsOf, problemsOf, type Rules } from './rules.js';
import { bareRules, originsSince, rulesWith, rulesWithout, trafficSeen } from './shared.js';

/**
 * Takes the route in hand: gray joins with weight 0, how it was is noted. Answers when the data plane knows gray. Again with the
 * same release: nothing changes.
 */
export async function prepareRoute(
  cluster: Cluster,
  input: RouteInput & { readonly seq: number },
  signal: AbortSignal,
  settle = routers[input.route.router].settleMs,
): Promise<TrafficResult> {
  const { route, release, seq } = input;
  const router = routers[route.router];
  const { kind } = router.resource;
  const result = await changeRoute(cluster, route, signal, async (seen) => {
    const { object, footprint } = seen;
    if (object === null) fail('route_unknown', { kind, route: route.route, namespace: homeOf(route) });
    if (footprint?.release === release) {
      refuseGivenBack(route, footprint, seq);
      await makeGrayProxy(cluster, input, signal);
      return null;
    }
    if (footprint !== null && trafficSeen(router, seen, notedRoute(route, footprint)).gray > 0)
      requireReady(await new Endpoints(cluster, route, signal).sure(), route, allStable);
    const own = bareRules(router, seen, route);
    const problems = problemsOf(router, object, own, route);
    if (problems.length > 0) fail('route_unfit', { kind, route: route.route, why: problems.join(' ') });
    const origins = originsOf(router, own, route);
    await makeGrayProxy(cluster, input, signal);
    const note = { release, seq, gray: route.grayService, ...laneOf(route), traffic: allStable, origins };
    return noted(
      router,
      route,
      rulesWith(router, { ...seen, rules: own, footprint: null }, route, allStable),
      note,
    );
  });
  await settled(cluster, route, signal, settle);
  if (settle > 0) await grayProxyTaken(cluster, route, signal);
  return result;
}

/**
 * Sets the traffic, whatever it was; never to a track without ready endpoints (`endpoints_missing`). A write that comes after the guard's
 * with the same number is refused (`route_lost`), one that comes after a newer one changes nothing: a worker that was killed begins its whole
 * task anew, in which this came first. Again with the same traffic: nothing changes.
 * `sized`: nor to a gray that is smaller than its share of stable (`gray_too_small`). All of it on gray: answers when the data plane
 * knows, for then stable may be taken down.
 */
export async function setTraffic(
  cluster: Cluster,
  input: TrafficInput,
  signal: AbortSignal,
  lag = lagMs,
  settle = routers[input.route.router].settleMs,
): Promise<TrafficResult> {
  const result = await setTrafficAs(cluster, input, {}, signal, lag);
  if (input.traffic.gray === 100) await settled(cluster, input.route, signal, settle);
  return result;
}

/** The guard's write: everything to stable, the route stays in hand. */
export async function returnToStable(
  cluster: Cluster,
  input: { readonly release: string; readonly route: RouteTarget; readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  return setTrafficAs(cluster, { ...input, traffic: allStable }, { closed: 'guard' }, signal);
}

async function setTrafficAs(
  cluster: Cluster,
  input: TrafficInput,
  as: Pick<Footprint, 'closed'>,
  signal: AbortSignal,
  lag = 0,
): Promise<TrafficResult> {
  const { route, release, seq, traffic } = input;
  const router = routers[route.router];
  const endpoints = new Endpoints(cluster, route, signal);
  const until = uptimeMs() + (input.grown === undefined ? lag : Math.min(lag, grownLagMs));
  refuseShare(route, traffic);
  endpoints.begin();
  if (traffic.gray < 100) await requireStableProxy(cluster, route, signal);
  const known = isForGray(traffic) ? await requireGrayProxy(cluster, route, signal) : [];
  const result = await changeRoute(cluster, route, signal, async (seen) => {
    const { object, rules, footprint, beside } = seen;
    if (object === null) return lost(route, 'it was deleted.');
    if (footprint === null) return lost(route, 'it no longer carries the note of this release.');
    if (footprint.release !== release) return lost(route, `release ${footprint.release} holds it.`);
    refuseGivenBack(route, footprint, seq);
    if (seq < footprint.seq) return null;
    if (seq === footprint.seq && footprint.closed === 'guard' && as.closed !== 'guard')
      lost(route, `write ${seq} came after the analysis had returned traffic to stable.`);
    const desired = rulesWith(router, seen, route, traffic);
    if (originsOf(router, desired, route).length === 0)
      return lost(route, 'no rule sends to stable any more.');
    refuseTaken(route, beside === null ? rules : bareRules(router, seen, route), traffic);
    refuseCollision(route, seen, traffic);
    const { gray, carried } = footprint;
    const isNew = isForGray(traffic) && (carried !== true || input.grown !== undefined);
    // The guard is in a hurry, and mostly stable carries some already.
    const isHasty = as.closed === 'guard' && trafficSeen(router, seen, route).gray < 100;
    const isAll = traffic.gray === 100 || (!isForGray(traffic) && !isHasty);
    const ready = isNew
      ? await endpoints.sureOfGray(until, input.grown)
      : await (isAll ? endpoints.sure() : endpoints.recent());
    requireReady(ready, route, traffic);
    if (input.sized === true) requireSize(ready, route, traffic.gray);
    const origins = [...footprint.origins, ...originsSince(router, seen, route, footprint.origins)];
    if (isSame(desired, rules) && seq === footprint.seq && as.closed === footprint.closed) return null;
    const carries = carried === true || traffic.gray > 0 || traffic.tag !== null;
    const note = {
      release,
      seq,
      ...as,
      gray,
      ...laneOf(footprint),
      traffic,
      origins,
      ...(carries ? { carried: true as const } : {}),
    };
    return noted(router, route, desired, note);
  });
  return { ...result, foreign: [...result.foreign, ...known] };
}

/**
 * Puts the route back as it was found, but for what others changed meanwhile; a route that another release holds is left alone.
 * First all traffic goes to stable, at once; when the data plane knows that, gray leaves, and the rules belong to none of ours. Where
 * the data plane needs no time, both are one write.
 *
 * `stays`: gray that has carried traffic stays until the next call. What the controller has taken is not yet known to every proxy: one that
 * has lost the controller for seconds and forgets the Service of gray before it hears of the weights answers 503.
 * `strips`: so it stays in any case, and the tag is taken off what goes to stable.
 */
export async function restoreRoute(
  cluster: Cluster,
  input: RestoreInput,
  signal: AbortSignal,
  settle = routers[input.route.router].settleMs,
): Promise<RestoreResult> {
  const { route } = input;
  const router = routers[route.router];
  const endpoints = new Endpoints(cluster, route, signal);
  /** Its release may have let in others than today's does. */
  const asNoted = ({ footprint }: Seen): RouteTarget =>
    footprint === null ? route : notedRoute(route, footprint);
  /** Where gray cannot answer either, stable is the better of the two. */
  const requireStable = async (seen: Seen): Promise<void> => {
    if (trafficSeen(router, seen, asNoted(seen)).gray === 0) return;
    await requireStableProxy(cluster, route, signal);
    const ready = await endpoints.sure();
    if (ready.gray > 0) requireReady(ready, route, allStable);
  };
  let carried = false;
  let strips = false;
  const toStable = async (seen: Seen): Promise<Change | null> => {
    if (!isHeld(seen, input)) return null;
    const { rules, footprint, beside } = seen;
    const held = asNoted(seen);
    carried ||= footprint?.carried === true;
    const isUnknown = footprint === null && beside === null && route.stamps !== undefined;
    const desired = isUnknown ? drainedRules(router, rules, route) : rulesWith(router, seen, held, allStable);
    if (isSame(rulesWithout(router, seen, held), rules)) return null;
    strips = input.strips === true && footprint !== null;
    const isClosed = !strips || footprint?.closed === 'restore';
    if (isSame(desired, rules) && isClosed) return null;
    carried = true;
    await requireStable(seen);
    if (footprint === null) return { rules: desired, footprint };
    return noted(router, held, desired, { ...footprint, traffic: allStable, carried, closed: 'restore' });
  };
  const asFound = async (seen: Seen): Promise<Change | null> => {
    if (!isHeld(seen, input)) return null;
    const restored = rulesWithout(router, seen, asNoted(seen));
    if (seen.footprint === null && isSame(restored, seen.rules)) return null;
    await requireStable(seen);
    return { rules: restored, footprint: null };
  };

  const isInTwo = router.settleMs > 0 || input.strips === true;
  const first = isInTwo ? await changeRoute(cluster, route, signal, toStable) : null;
  if (carried) await settled(cluster, route, signal, settle);
  const stays = strips || (carried && input.stays === true);
  if (first !== null && stays) return { ...first, stays };
  const last = await changeRoute(cluster, route, signal, asFound);
  await disown(cluster, route, signal);
  // Its Service goes next, without which a route that still names it may be invalid.
  if (last.changed) await settled(cluster, route, signal, settle);
  await removeGrayProxy(cluster, input, signal, last.changed ? 0 : settle);
  const foreign = [...new Set([...(first?.foreign ?? []), ...last.foreign])];
  const { before, changed } = first ?? last;
  return { changed: changed || last.changed, before, after: last.after, foreign, stays: false };
}

const isHeld = ({ object, footprint }: Seen, { release }: RouteInput): boolean =>
  object !== null && (footprint === null || footprint.release === release);

const isSame = (a: Rules, b: Rules): boolean => canonicalJson(a) === canonicalJson(b);

const noted = (router: Router, route: RouteTarget, rules: Rules, note: Omit<Footprint, 'left'>): Change => ({
  rules,
  footprint: { ...note, left: marksOf(router, rules, route) },
});
