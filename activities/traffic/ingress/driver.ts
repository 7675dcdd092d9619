/**
 * The changes that a release makes beside an Ingress: the same promises as driver.ts keeps for rules, by Ingresses of its own. The
 * user's is only read. The canary with the share carries the note that each write is compared with.
 */
import { isForGray, allStable, type IngressTarget } from '../../../domain/traffic.js';
import { uptimeMs } from '../../clock.js';
import type { RouteInput, TrafficInput, TrafficResult } from '../../contract.js';
import { fail } from '../../failure.js';
import type { Cluster } from '../../kubernetes/client.js';
import { resources } from '../../kubernetes/resources.js';
import { Endpoints, grownLagMs, lagMs, requireReady, requireSize } from '../endpoints.js';
import { canariesOf, shareName, sharedPaths } from './canaries.js';
import type { Note } from './note.js';
import { create, foreignChanges, look, ownerOf, remove, settled, tried, type Seen } from './objects.js';
import { ingressProblemsOf } from './problems.js';
import { fromOf, lost, noteIn, resultOf, settleMsOf, trafficIn, write } from './state.js';

const { ingresses } = resources;
const { kind } = ingresses;
/**
 * Makes the canary with the share 0. Answers when its controller has had the time to take it. Again with the same release: nothing changes.
 * What an earlier release left goes.
 */
export async function prepareIngress(
  cluster: Cluster,
  { route, release, seq }: RouteInput<IngressTarget> & { readonly seq: number },
  signal: AbortSignal,
  settle = settleMsOf(route),
): Promise<TrafficResult> {
  const { namespace, route: name } = route;
  const result = await tried(cluster, route, signal, async () => {
    const seen = await look(cluster, route, signal);
    const { stable, canaries } = seen;
    if (stable === null) fail('route_unknown', { kind, route: name, namespace });
    const note = noteIn(seen, route);
    if (note?.release === release) {
      if (note.closed === 'restore') lost(route, `write ${seq} came when it was being given back.`);
      return resultOf(seen, route, false);
    }
    const { items } = await cluster.list(ingresses, namespace, {}, signal);
    const problems = ingressProblemsOf(stable, items, route);
    if (problems.length > 0) fail('route_unfit', { kind, route: name, why: problems.join(' ') });
    const owner = await ownerOf(cluster, route, signal);
    if (trafficIn(seen, route).gray > 0)
      requireReady(await new Endpoints(cluster, route, signal).sure(), route, allStable);
    for (const left of canaries.values()) await remove(cluster, route, left, signal);
    const [share] = canariesOf(stable, route, allStable);
    await create(
      cluster,
      route,
      share,
      { release, seq, tag: null, from: fromOf(stable, route) },
      owner,
      signal,
    );
    return { ...resultOf(seen, route, true), after: allStable };
  });
  await settled(cluster, route, signal, settle);
  return result;
}

/** As `setTraffic` of driver.ts. */
export async function setIngress(
  cluster: Cluster,
  input: TrafficInput<IngressTarget>,
  signal: AbortSignal,
  lag = lagMs,
  settle = settleMsOf(input.route),
): Promise<TrafficResult> {
  const result = await setAs(cluster, input, {}, signal, lag);
  if (input.traffic.gray === 100) await settled(cluster, input.route, signal, settle);
  return result;
}

/** The guard's write: everything to stable, the canary stays. */
export async function returnIngress(
  cluster: Cluster,
  input: RouteInput<IngressTarget> & { readonly seq: number },
  signal: AbortSignal,
): Promise<TrafficResult> {
  return setAs(cluster, { ...input, traffic: allStable }, { closed: 'guard' }, signal);
}

async function setAs(
  cluster: Cluster,
  input: TrafficInput<IngressTarget>,
  as: Pick<Note, 'closed'>,
  signal: AbortSignal,
  lag = 0,
): Promise<TrafficResult> {
  const { route, release, seq, traffic } = input;
  const foreign = new Set<string>();
  const until = uptimeMs() + (input.grown === undefined ? lag : Math.min(lag, grownLagMs));
  return tried(cluster, route, signal, async () => {
    const endpoints = new Endpoints(cluster, route, signal);
    endpoints.begin();
    const seen = await look(cluster, route, signal);
    const { stable } = seen;
    if (stable === null) return lost(route, 'it was deleted.');
    const from = fromOf(stable, route);
    for (const change of foreignChanges(route, seen, from)) foreign.add(change);
    const note = noteIn(seen, route);
    if (note === null) return lost(route, `its canary "${shareName(route)}" is gone, or its note is.`);
    if (note.release !== release) return lost(route, `release ${note.release} holds it.`);
    if (note.closed === 'restore') lost(route, `write ${seq} came when it was being given back.`);
    if (seq < note.seq) return resultOf(seen, route, false, foreign);
    if (seq === note.seq && note.closed === 'guard' && as.closed !== 'guard')
      lost(route, `write ${seq} came after the analysis had returned traffic to stable.`);
    if (sharedPaths(stable, route.stableService).length === 0)
      return lost(route, 'no rule sends to stable any more.');
    await requireTracks(endpoints, input, { note, until, seen, isGuard: as.closed === 'guard' });
    const carried = note.carried === true || traffic.gray > 0 || traffic.tag !== null;
    const next = {
      release,
      seq,
      ...as,
      tag: traffic.tag,
      from,
      ...(carried ? { carried: true as const } : {}),
    };
    const changed = await write(cluster, route, seen, canariesOf(stable, route, traffic), next, signal);
    return { ...resultOf(seen, route, changed, foreign), after: traffic };
  });
}

/** P1, as in driver.ts. */
async function requireTracks(
  endpoints: Endpoints,
  { route, traffic, sized, grown }: TrafficInput<IngressTarget>,
  at: { readonly note: Note; readonly until: number; readonly seen: Seen; readonly isGuard: boolean },
): Promise<void> {
  const isNew = isForGray(traffic) && (at.note.carried !== true || grown !== undefined);
  // The guard is in a hurry, and mostly stable carries some already.
  const isHasty = at.isGuard && trafficIn(at.seen, route).gray < 100;
  const isAll = traffic.gray === 100 || (!isForGray(traffic) && !isHasty);
  const ready = isNew
    ? await endpoints.sureOfGray(at.until, grown)
    : await (isAll ? endpoints.sure() : endpoints.recent());
  requireReady(ready, route, traffic);
  if (sized === true) requireSize(ready, route, traffic.gray);
}
