/**
 * The changes that a release makes beside an Ingress: the same promises as driver.ts keeps for rules, by Ingresses of its own. The
 * user's is only read. The canary with the share carries the note that each write is compared with.
 */
import { hashOf } from '../../../domain/ids.js';
import { allStable, type IngressTarget, type Traffic } from '../../../domain/traffic.js';
import { uptimeMs } from '../../clock.js';
import type { RestoreResult, RouteInput, TrafficInput, TrafficResult } from '../../contract.js';
import { fail } from '../../failure.js';
import type { Cluster } from '../../kubernetes/client.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { resources } from '../../kubernetes/resources.js';
import { Endpoints, requireReady, requireSize } from '../endpoints.js';
import { canariesOf, shareName, sharedPaths, trafficOf, type Canary } from './canaries.js';
import { controllers } from './controllers.js';
import { isOf, noteOf, type Note } from './note.js';
import {
  create,
  foreignChanges,
  look,
  ownerOf,
  remove,
  settled,
  tried,
  update,
  type NewNote,
  type Seen,
} from './objects.js';
import { ingressProblemsOf } from './problems.js';

const { ingresses } = resources;
const { kind } = ingresses;
/** See driver.ts. */
const endpointsLagMs = 10_000;

const settleMsOf = ({ controller }: IngressTarget): number => controllers[controller].settleMs;

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
  lag = endpointsLagMs,
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
    await requireTracks(endpoints, input, { note, lag, seen, isGuard: as.closed === 'guard' });
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
  { route, traffic, sized }: TrafficInput<IngressTarget>,
  at: { readonly note: Note; readonly lag: number; readonly seen: Seen; readonly isGuard: boolean },
): Promise<void> {
  const isForGray = traffic.gray > 0 || traffic.tag !== null;
  const isFirst = isForGray && at.note.carried !== true;
  // The guard is in a hurry, and mostly stable carries some already.
  const isHasty = at.isGuard && trafficIn(at.seen, route).gray < 100;
  const isAll = traffic.gray === 100 || (!isForGray && !isHasty);
  const ready = isFirst
    ? await endpoints.sureOfGray(uptimeMs() + at.lag)
    : await (isAll ? endpoints.sure() : endpoints.recent());
  requireReady(ready, route, traffic);
  if (sized === true) requireSize(ready, route, traffic.gray);
}

/**
 * The share first, which is compared with what was seen, then the ways to get in. A worker that comes late with those finds the share
 * newer, and takes back what it made.
 */
async function write(
  cluster: Cluster,
  route: IngressTarget,
  { canaries }: Seen,
  [share, ...ways]: readonly [Canary, ...Canary[]],
  note: NewNote,
  signal: AbortSignal,
): Promise<boolean> {
  let changed = await update(cluster, route, canaries.get(share.name)!, share, note, signal);
  const wanted = ways.map(({ name }) => name);
  for (const [name, object] of canaries) {
    if (name === share.name || wanted.includes(name)) continue;
    await remove(cluster, route, object, signal);
    changed = true;
  }
  for (const way of ways) {
    const found = canaries.get(way.name);
    if (found !== undefined) {
      changed = (await update(cluster, route, found, way, note, signal)) || changed;
      continue;
    }
    const owner = await ownerOf(cluster, route, signal);
    const made = await create(cluster, route, way, note, owner, signal);
    changed = true;
    const now = await cluster.get(ingresses, route.namespace, share.name, signal);
    const newest = now === null ? null : noteOf(now);
    if (newest?.release === note.release && newest.seq === note.seq && newest.closed === note.closed)
      continue;
    await remove(cluster, route, made, signal);
    return lost(route, `write ${note.seq} came after a newer one.`);
  }
  return changed;
}

/**
 * Everything to stable at once; when the controller has had the time to take that, what the release made goes. What another release made
 * stays. `stays`: see driver.ts.
 */
export async function restoreIngress(
  cluster: Cluster,
  { route, release, stays }: RouteInput<IngressTarget> & { readonly stays?: boolean },
  signal: AbortSignal,
  settle = settleMsOf(route),
): Promise<RestoreResult> {
  const found = await tried(cluster, route, signal, async () => {
    const seen = heldBy(release, await look(cluster, route, signal));
    const foreign = foreignChanges(route, seen, seen.stable === null ? null : fromOf(seen.stable, route));
    const before = trafficIn(seen, route);
    await requireStable(cluster, route, before, signal);
    const note = noteIn(seen, route);
    const carried = note?.carried === true || before.gray > 0 || before.tag !== null;
    const isDone = note?.closed === 'restore' && before.gray === 0 && before.tag === null;
    const canCarry = seen.stable !== null && seen.canaries.has(shareName(route));
    if (carried && !isDone && canCarry) await close(cluster, route, seen, { release, note }, signal);
    return { before, carried, foreign, isDone: isDone || seen.canaries.size === 0 };
  });
  const { before, carried, foreign } = found;
  if (carried) await settled(cluster, route, signal, settle);
  const result = { before, after: allStable, foreign, changed: !found.isDone };
  if (carried && stays === true) return { ...result, stays: true };
  const removed = await tried(cluster, route, signal, async () => {
    const { canaries } = heldBy(release, await look(cluster, route, signal));
    await requireStable(cluster, route, trafficOf([...canaries.values()], route, null), signal);
    for (const object of canaries.values()) await remove(cluster, route, object, signal);
    return canaries.size > 0;
  });
  // Gray's Service goes next.
  if (removed) await settled(cluster, route, signal, settle);
  return { ...result, changed: result.changed || removed, stays: false };
}

/** All to stable, and no write may come after this. */
async function close(
  cluster: Cluster,
  route: IngressTarget,
  seen: Seen,
  { release, note }: { readonly release: string; readonly note: Note | null },
  signal: AbortSignal,
): Promise<void> {
  const stable = seen.stable!;
  const next: NewNote = {
    release,
    seq: note?.seq ?? 0,
    closed: 'restore',
    carried: true,
    tag: null,
    from: fromOf(stable, route),
  };
  await write(cluster, route, seen, canariesOf(stable, route, allStable), next, signal);
}

/** Where gray cannot answer either, stable is the better of the two. */
async function requireStable(
  cluster: Cluster,
  route: IngressTarget,
  { gray }: Traffic,
  signal: AbortSignal,
): Promise<void> {
  if (gray === 0) return;
  const ready = await new Endpoints(cluster, route, signal).sure();
  if (ready.gray > 0) requireReady(ready, route, allStable);
}

const heldBy = (release: string, { stable, canaries }: Seen): Seen => ({
  stable,
  canaries: new Map([...canaries].filter(([, object]) => isOf(object, release))),
});

function noteIn({ canaries }: Seen, route: IngressTarget): Note | null {
  const share = canaries.get(shareName(route));
  return share === undefined ? null : noteOf(share);
}

const trafficIn = (seen: Seen, route: IngressTarget): Traffic =>
  trafficOf([...seen.canaries.values()], route, noteIn(seen, route)?.tag ?? null);

/** Hash of what canaries are made from. */
const fromOf = (stable: KubeObject, route: IngressTarget): string =>
  hashOf(canariesOf(stable, route, allStable)).slice(0, 12);

function resultOf(
  seen: Seen,
  route: IngressTarget,
  changed: boolean,
  foreign: Iterable<string> = [],
): TrafficResult {
  const before = trafficIn(seen, route);
  return { changed, before, after: before, foreign: [...foreign] };
}

function lost(route: IngressTarget, why: string): never {
  return fail('route_lost', { kind, route: route.route, why });
}
