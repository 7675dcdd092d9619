/** What the canaries beside an Ingress tell of a release, and the one way in which they are written together. */
import { hashOf } from '../../../domain/ids.js';
import { allStable, type IngressTarget, type Traffic } from '../../../domain/traffic.js';
import type { TrafficResult } from '../../contract.js';
import { fail } from '../../failure.js';
import type { Cluster } from '../../kubernetes/client.js';
import { KubeError } from '../../kubernetes/kube-error.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { resources } from '../../kubernetes/resources.js';
import { canariesOf, shareName, trafficOf, type Canary } from './canaries.js';
import { controllers } from './controllers.js';
import { noteOf, type Note } from './note.js';
import { create, ownerOf, remove, update, type NewNote, type Seen } from './objects.js';

const { ingresses } = resources;

export const settleMsOf = ({ controller }: IngressTarget): number => controllers[controller].settleMs;

/**
 * The share first, which is compared with what was seen, then the ways to get in. A worker that comes late with those finds the share
 * newer, takes back what it made, and looks again.
 */
export async function write(
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
    throw new KubeError(409, 'Conflict', `Ingress "${share.name}" is newer`, null);
  }
  return changed;
}

export function noteIn({ canaries }: Seen, route: IngressTarget): Note | null {
  const share = canaries.get(shareName(route));
  return share === undefined ? null : noteOf(share);
}

export const trafficIn = (seen: Seen, route: IngressTarget): Traffic =>
  trafficOf([...seen.canaries.values()], route, noteIn(seen, route)?.tag ?? null);

/** Hash of what canaries are made from. */
export const fromOf = (stable: KubeObject, route: IngressTarget): string =>
  hashOf(canariesOf(stable, route, allStable)).slice(0, 12);

export function resultOf(
  seen: Seen,
  route: IngressTarget,
  changed: boolean,
  foreign: Iterable<string> = [],
): TrafficResult {
  const before = trafficIn(seen, route);
  return { changed, before, after: before, foreign: [...foreign] };
}

export function lost(route: IngressTarget, why: string): never {
  return fail('route_lost', { kind: ingresses.kind, route: route.route, why });
}
