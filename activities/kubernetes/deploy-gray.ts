/** The gray track: made beside stable, and scaled. Taking it away is remove-gray.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { drainAt } from '../../domain/application.js';
import { milliseconds } from '../../domain/duration.js';
import { labels as ours } from '../../domain/ids.js';
import type { GrayResult } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import { restoreRoute } from '../traffic/routes.js';
import { KubeError } from './kube-error.js';
import { omit, type KubeObject, type Deployment } from './objects.js';
import { resources } from './resources.js';
import { kubeFailure } from './errors.js';
import { grayDeployment, overlapProblems } from './gray.js';
import { adjust, adjustKnown, sized, type Ensured, type Size, type Sized } from './gray-size.js';
import { kinds } from './kinds.js';
import { maskManifest } from '../../domain/mask.js';
import { available, finding, type Place } from './place.js';
import { policiesIn, type Policies } from './policies/find.js';
import { makeCopies } from './policies/keep.js';
import { grayKey, looks, made } from './recent.js';
import { isRemovable, removalOf, removeObjects } from './removal.js';
import { watched } from './watched.js';

/** An object that somebody makes between our look and our write is looked at again. */
const attempts = 4;

export async function deployGray(place: Place, size: Size): Promise<GrayResult> {
  const { deployment, findings, ...result } = await ensureGray(place, size);
  return { ...result, findings: [...findings, await available(place, deployment, result.replicas)] };
}

async function ensureGray(place: Place, size: Size): Promise<Ensured> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (attempt === 1) {
        const adjusted = await adjustKnown(place, size);
        if (adjusted !== null) return adjusted;
      }
      return await ensureOnce(place, size, attempt === 1);
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 409) || attempt === attempts) throw error;
    }
  }
}

interface Seen {
  readonly live: KubeObject | null;
  readonly stable: Deployment | null;
  readonly services: readonly KubeObject[];
  /** Null: not looked at yet. */
  readonly policies: Policies | null;
}

/** @param first whether what the pre-flight saw a moment ago will do */
async function lookAt({ cluster, target, running }: Place, first: boolean): Promise<Seen> {
  const recent = first ? looks.take(cluster, grayKey(target)) : null;
  // Called applications of the lane have made their copies since, which are to let this gray in too.
  const isFirst = target.level === 0;
  if (recent !== null) return { live: null, ...recent, policies: isFirst ? recent.policies : null };
  const deployment = (name: string): Promise<KubeObject | null> =>
    cluster.get(resources.deployments, target.namespace, name, running.signal);
  const [live, services, stable] = await Promise.all([
    deployment(target.gray),
    cluster.list(resources.services, target.namespace, {}, running.signal),
    deployment(target.deployment) as Promise<Deployment | null>,
  ]);
  return { live, stable, services: services.items, policies: null };
}

async function ensureOnce(place: Place, size: Size, first: boolean): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const { live, stable, services, policies } = await lookAt(place, first);
  const service = services.find((s) => s.metadata.name === target.gray) ?? null;
  const mine = (object: KubeObject | null): boolean =>
    object?.metadata.labels?.[ours.release] === release &&
    object.metadata.labels[ours.application] === target.application;
  if (live !== null && mine(live) && (target.route === null || mine(service))) {
    return adjust(place, live as Deployment, sized(size, stable));
  }
  const waited = await removeLeftovers(
    place,
    live !== null && mine(live) ? null : live,
    mine(service) ? null : service,
  );
  // Their pods may have taken a while to go.
  const { namespace } = target;
  const again = (): Promise<KubeObject | null> =>
    cluster.get(resources.deployments, namespace, target.deployment, running.signal);
  const latest = waited ? ((await again()) as Deployment | null) : stable;
  return create(place, { ...sized(size, latest), policies }, services, {
    deployment: mine(live) ? live : null,
    service,
  });
}

/** What an earlier release left under our name goes first; what is nobody's of ours stays and is reported. False: there was nothing. */
async function removeLeftovers(
  place: Place,
  deployment: KubeObject | null,
  service: KubeObject | null,
): Promise<boolean> {
  const { target, running } = place;
  const found = [
    ...(deployment === null ? [] : [{ resource: resources.deployments, object: deployment }]),
    ...(service === null ? [] : [{ resource: resources.services, object: service }]),
  ];
  if (found.length === 0) return false;
  const removal = removalOf(place);
  for (const { resource, object } of found) {
    if (isRemovable(object, removal, running.since)) continue;
    const { name } = object.metadata;
    fail('gray_name_taken', { kind: resource.kind, name, namespace: target.namespace });
  }
  await takeOffRoute(place, found);
  await removeObjects(removal, found, running);
  return true;
}

/**
 * A release that was terminated may have left its gray under traffic: the route is given back in its name before its pods go, and what is on its way
 * there ends.
 */
async function takeOffRoute(
  { cluster, target: { route }, running }: Place,
  found: readonly { readonly object: KubeObject }[],
): Promise<void> {
  if (route === null) return;
  const releases = new Set(found.flatMap(({ object }) => object.metadata.labels?.[ours.release] ?? []));
  for (const release of releases) await restoreRoute(cluster, { release, route }, running.signal);
  running.say('connections to what an earlier release left drain');
  await delay(milliseconds(drainAt(route.router)), undefined, { signal: running.signal });
}

async function create(
  place: Place,
  { stable, stableReplicas, replicas, policies }: Sized & Pick<Seen, 'policies'>,
  services: readonly KubeObject[],
  existing: { readonly deployment: KubeObject | null; readonly service: KubeObject | null },
): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const { namespace } = target;
  if (stable === null) fail('workload_unknown', { workload: target.deployment, namespace });
  const others = services.filter((s) => s.metadata.name !== target.gray);
  const gray = grayDeployment(stable, others, { target, release, replicas });
  const around = policies ?? (await lookAround(place, gray.deployment));
  const problem = gray.problems[0];
  if (problem !== undefined) throw new CatalogueError(problem);
  const copies =
    target.route === null ? [] : await makeCopies(place, { stable, gray, services: others }, around);
  const isNew = existing.service === null || existing.service.metadata.labels?.[ours.release] !== release;
  const service =
    gray.service !== null && isNew ? await createService(place, gray.service) : existing.service;
  const deployment =
    existing.deployment ??
    (await cluster.create(resources.deployments, namespace, gray.deployment, running.signal));
  if (service !== null) {
    const objects = [
      { resource: resources.deployments, object: idOf(deployment) },
      { resource: resources.services, object: idOf(service) },
      ...copies.map(({ resource, object }) => ({ resource, object: idOf(object) })),
    ];
    made.keep(cluster, grayKey(target), { release, deployment: idOf(deployment), objects });
  }
  const manifest = maskManifest({
    deployment: gray.deployment,
    service: gray.service,
    ...(copies.length > 0 ? { policies: copies.map(({ object }) => omit(object, 'status')) } : {}),
  });
  const summary = `${target.gray}: clone of ${target.deployment} with ${target.image.reference}`;
  return {
    deployment: deployment as Deployment,
    replicas,
    stableReplicas,
    changed: true,
    findings: [finding('manifest', summary, manifest)],
  };
}

/** What may have come since the pre-flight: who would take gray's pods for stable's is named, who would miss them is answered. */
async function lookAround(
  { cluster, target: { namespace }, running: { signal } }: Place,
  gray: Deployment,
): Promise<Policies> {
  const [budgets, autoscalers, policies] = await Promise.all([
    watched(cluster, kinds.budgets, namespace, signal)(),
    watched(cluster, kinds.autoscalers, namespace, signal)(),
    policiesIn(cluster, namespace, signal)(),
  ]);
  const [problem] = overlapProblems(gray, budgets ?? [], autoscalers ?? []);
  if (problem !== undefined) throw new CatalogueError(problem);
  return policies;
}

async function createService({ cluster, target, running }: Place, service: KubeObject): Promise<KubeObject> {
  const { namespace, gray } = target;
  try {
    return await cluster.create(resources.services, namespace, service, running.signal);
  } catch (error) {
    // A rival's is looked at again; what is refused names the Service, not the Deployment.
    if (error instanceof KubeError && error.status === 409) throw error;
    throw kubeFailure(error, { cluster: cluster.name, namespace, what: `Service "${gray}"` });
  }
}

/** What it takes to delete this very object. */
const idOf = ({ metadata: { name, namespace, uid, labels } }: KubeObject): KubeObject => ({
  metadata: {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(labels === undefined ? {} : { labels }),
  },
});
