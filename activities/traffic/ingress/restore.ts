/** Giving an Ingress back: everything to stable, then the canaries go. */
import { allStable, type IngressTarget, type Traffic } from '../../../domain/traffic.js';
import type { RestoreInput, RestoreResult } from '../../contract.js';
import type { Cluster } from '../../kubernetes/client.js';
import { Endpoints, requireReady } from '../endpoints.js';
import { canariesOf, shareName, trafficOf } from './canaries.js';
import { isOf, type Note } from './note.js';
import { foreignChanges, look, remove, settled, tried, type NewNote, type Seen } from './objects.js';
import { fromOf, noteIn, settleMsOf, trafficIn, write } from './state.js';

/**
 * Everything to stable at once; when the controller has had the time to take that, what the release made goes. What another release made
 * stays. `stays`: see driver.ts.
 */
export async function restoreIngress(
  cluster: Cluster,
  { route, release, stays }: RestoreInput<IngressTarget>,
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
