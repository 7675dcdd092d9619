/**
 * Gray's own HTTPProxy, where the route includes those of the tracks: a copy of stable's that sends to gray's Service. It is made
 * before the route names it and removed when the route no longer does. For every other router nothing is done here.
 */
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { hashOf, labels as ours } from '../../domain/ids.js';
import { uptimeMs } from '../clock.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { kubeFailure } from '../kubernetes/errors.js';
import { KubeError } from '../kubernetes/kube-error.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { resources } from '../kubernetes/resources.js';
import { pause } from './change.js';
import { contour } from './contour.js';
import { childProblems, grayProxy } from './gray-proxy-copy.js';
import { hasTaken, settled } from './settle.js';

const resource = resources.httpproxies;
const { kind } = resource;
/** How long Contour may take to check a new HTTPProxy. The activity is tried again. */
const patienceMs = 5_000;
/** How often an earlier one of the name may still be on its way out. */
const attempts = 5;

/** Why there can be none, for people; changes nothing. Throws what Kubernetes answered. */
export async function grayProxyProblems(
  cluster: Cluster,
  route: RouteTarget,
  tag: Tag | null,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (route.include === undefined) return [];
  const { namespace, include, grayService } = route;
  const [stable, gray] = await Promise.all([
    cluster.get(resource, namespace, include, signal),
    cluster.get(resource, namespace, grayService, signal),
  ]);
  return childProblems(route, tag, stable, gray);
}

/** Makes it, where this release has not yet. What an earlier release left under the name goes first. */
export async function makeGrayProxy(
  cluster: Cluster,
  { route, release }: { readonly route: RouteTarget; readonly release: string },
  signal: AbortSignal,
): Promise<void> {
  const { include, namespace, grayService, route: root } = route;
  if (include === undefined) return;
  for (let attempt = 1; ; attempt++) {
    const [stable, gray, service] = await asked(
      cluster,
      route,
      Promise.all([
        cluster.get(resource, namespace, include, signal),
        cluster.get(resource, namespace, grayService, signal),
        cluster.get(resources.services, namespace, grayService, signal),
      ]),
    );
    if (gray !== null && isOf(gray, release)) return;
    const why = childProblems(route, null, stable, gray);
    if (stable === null || why.length > 0) fail('route_unfit', { kind, route: root, why: why.join(' ') });
    try {
      if (gray !== null) await cluster.delete(resource, namespace, grayService, gray.metadata.uid, signal);
      await cluster.create(resource, namespace, grayProxy(stable, route, release, service), signal);
      return;
    } catch (error) {
      const raced = error instanceof KubeError && error.status === 409 && attempt < attempts;
      if (!raced) throw mapped(error, cluster, route);
      await pause(50 * attempt, signal);
    }
  }
}

/** Ends when Contour calls it valid; throws `route_unfit` with what Contour says else, `route_not_taken` where it says nothing. */
export async function grayProxyTaken(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<void> {
  if (route.include === undefined) return;
  const begun = uptimeMs();
  for (let wait = 50; ; wait *= 2) {
    const { gray } = await requireProxies(cluster, route, signal);
    if (hasTaken(contour, gray) === true && isValid(gray)) return;
    if (uptimeMs() - begun + wait > patienceMs) fail('route_not_taken', { kind, route: route.grayService });
    await pause(wait, signal);
  }
}

/** Before requests are sent to gray: it is there, and Contour has nothing against it. Answers what is to be known besides, for people. */
export async function requireGrayProxy(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (route.include === undefined) return [];
  const { stable, gray } = await requireProxies(cluster, route, signal);
  const isSame = stable === null || gray.metadata.annotations?.[ours.source] === hashOf(stable['spec']);
  return isSame
    ? []
    : [`somebody changed ${kind} "${route.include}" after "${route.grayService}" was copied from it.`];
}

/** Before all requests go back to stable: its HTTPProxy is there. */
export async function requireStableProxy(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<void> {
  if (route.include === undefined) return;
  const stable = await asked(cluster, route, cluster.get(resource, route.namespace, route.include, signal));
  if (stable === null) fail('route_unknown', { kind, route: route.include, namespace: route.namespace });
}

async function requireProxies(
  cluster: Cluster,
  route: RouteTarget,
  signal: AbortSignal,
): Promise<{ readonly stable: KubeObject | null; readonly gray: KubeObject }> {
  const get = (name: string): Promise<KubeObject | null> =>
    asked(cluster, route, cluster.get(resource, route.namespace, name, signal));
  const [stable, gray] = await Promise.all([get(route.include ?? ''), get(route.grayService)]);
  if (gray === null) fail('route_lost', { kind, route: route.grayService, why: 'it was deleted.' });
  const why = hasTaken(contour, gray) === true ? contour.complaints(gray) : [];
  if (why.length > 0) fail('route_unfit', { kind, route: route.grayService, why: why.join(' ') });
  return { stable, gray };
}

/** Removes it, when the controller has taken that the route no longer names it. One of another release stays. */
export async function removeGrayProxy(
  cluster: Cluster,
  { route, release }: { readonly route: RouteTarget; readonly release: string },
  signal: AbortSignal,
  settleMs: number,
): Promise<void> {
  if (route.include === undefined) return;
  const { namespace, grayService: name } = route;
  const gray = await asked(cluster, route, cluster.get(resource, namespace, name, signal));
  if (gray === null || !isOf(gray, release)) return;
  await settled(cluster, route, signal, settleMs);
  await asked(cluster, route, cluster.delete(resource, namespace, name, gray.metadata.uid, signal));
}

const isOf = ({ metadata }: KubeObject, release: string): boolean =>
  metadata.labels?.[ours.release] === release;

const isValid = (proxy: KubeObject): boolean =>
  (proxy['status'] as { readonly currentStatus?: unknown } | undefined)?.currentStatus === 'valid';

async function asked<T>(cluster: Cluster, route: RouteTarget, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw mapped(error, cluster, route);
  }
}

const mapped = (error: unknown, { name }: Cluster, { namespace, grayService }: RouteTarget): unknown =>
  kubeFailure(error, { cluster: name, namespace, what: `${kind} "${grayService}"` });
