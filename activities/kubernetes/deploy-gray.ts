/** The gray track: made beside stable, scaled, taken away. */
import { labels as ours } from '../../domain/ids.js';
import type { WorkloadResult } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import { restoreRoute } from '../traffic/driver.js';
import { KubeError, resources, type KubeObject } from './client.js';
import { grayDeployment } from './gray.js';
import { maskManifest } from './mask.js';
import { containersOf, imageOf, sameImage, type Deployment } from './objects.js';
import { available, finding, unchanged, type Place } from './place.js';
import { isRemovable, removeObjects, type Removal } from './removal.js';

/** An object that somebody makes between our look and our write is looked at again. */
const attempts = 4;

interface Ensured extends WorkloadResult {
  readonly deployment: Deployment;
}

export async function deployGray(place: Place, replicas: number): Promise<WorkloadResult> {
  const { deployment, changed, findings } = await ensureGray(place, replicas);
  return { changed, findings: [...findings, await available(place, deployment, replicas)] };
}

async function ensureGray(place: Place, replicas: number): Promise<Ensured> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ensureOnce(place, replicas);
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 409) || attempt === attempts) throw error;
    }
  }
}

async function ensureOnce(place: Place, replicas: number): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const [live, services] = await Promise.all([
    cluster.get(resources.deployments, target.namespace, target.gray, running.signal),
    cluster.list(resources.services, target.namespace, {}, running.signal),
  ]);
  const service = services.items.find((s) => s.metadata.name === target.gray) ?? null;
  const mine = (object: KubeObject | null): boolean =>
    object?.metadata.labels?.[ours.release] === release &&
    object.metadata.labels[ours.application] === target.application;
  if (live !== null && mine(live) && (target.route === null || mine(service))) {
    return adjust(place, live as Deployment, replicas);
  }
  await removeLeftovers(place, live !== null && mine(live) ? null : live, mine(service) ? null : service);
  return create(place, replicas, services.items, { deployment: mine(live) ? live : null, service });
}

/** It is ours already: only what differs is written, and only while it is still ours. */
async function adjust(place: Place, live: Deployment, replicas: number): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const index = containersOf(live).findIndex((c) => c.name === target.container);
  const image = imageOf(live, target.container);
  const patch = [
    ...(live.spec.replicas === replicas ? [] : [{ op: 'replace', path: '/spec/replicas', value: replicas }]),
    ...(index < 0 || sameImage(image, target.image.reference)
      ? []
      : [
          {
            op: 'replace',
            path: `/spec/template/spec/containers/${index}/image`,
            value: target.image.reference,
          },
        ]),
  ];
  if (patch.length === 0) return { deployment: live, ...unchanged };
  const path = `/metadata/labels/${ours.release.replace('/', '~1')}`;
  const patched = await cluster.jsonPatch(
    resources.deployments,
    target.namespace,
    target.gray,
    [{ op: 'test', path, value: release }, ...patch],
    running.signal,
  );
  return { deployment: patched as Deployment, changed: true, findings: [] };
}

/** What an earlier release left under our name goes first; what is nobody's of ours stays and is reported. */
async function removeLeftovers(
  place: Place,
  deployment: KubeObject | null,
  service: KubeObject | null,
): Promise<void> {
  const { target, running } = place;
  const found = [
    ...(deployment === null ? [] : [{ resource: resources.deployments, object: deployment }]),
    ...(service === null ? [] : [{ resource: resources.services, object: service }]),
  ];
  if (found.length === 0) return;
  const removal = removalOf(place);
  for (const { resource, object } of found) {
    if (isRemovable(object, removal, running.since)) continue;
    const { name } = object.metadata;
    fail('gray_name_taken', { kind: resource.kind, name, namespace: target.namespace });
  }
  await takeOffRoute(place, found);
  await removeObjects(removal, found, running);
}

/** A release that was terminated may have left its gray under traffic: the route is given back in its name before its pods go. */
async function takeOffRoute(
  { cluster, target: { route }, running }: Place,
  found: readonly { readonly object: KubeObject }[],
): Promise<void> {
  if (route === null) return;
  const releases = new Set(found.flatMap(({ object }) => object.metadata.labels?.[ours.release] ?? []));
  for (const release of releases) await restoreRoute(cluster, { release, route }, running.signal);
}

async function create(
  place: Place,
  replicas: number,
  services: readonly KubeObject[],
  existing: { readonly deployment: KubeObject | null; readonly service: KubeObject | null },
): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const { namespace } = target;
  const stable = await cluster.get(resources.deployments, namespace, target.deployment, running.signal);
  if (stable === null) fail('workload_unknown', { workload: target.deployment, namespace });
  const others = services.filter((s) => s.metadata.name !== target.gray);
  const gray = grayDeployment(stable as Deployment, others, { target, release, replicas });
  const problem = gray.problems[0];
  if (problem !== undefined) throw new CatalogueError(problem);
  const isNew = existing.service === null || existing.service.metadata.labels?.[ours.release] !== release;
  if (gray.service !== null && isNew) {
    await cluster.create(resources.services, namespace, gray.service, running.signal);
  }
  const deployment =
    existing.deployment ??
    (await cluster.create(resources.deployments, namespace, gray.deployment, running.signal));
  const manifest = maskManifest({ deployment: gray.deployment, service: gray.service });
  const summary = `${target.gray}: clone of ${target.deployment} with ${target.image.reference}`;
  return {
    deployment: deployment as Deployment,
    changed: true,
    findings: [finding('manifest', summary, manifest)],
  };
}

export async function removeGray(place: Place): Promise<WorkloadResult> {
  const { cluster, target, running } = place;
  const found = await Promise.all(
    [resources.deployments, resources.services].map(async (resource) => ({
      resource,
      object: await cluster.get(resource, target.namespace, target.gray, running.signal),
    })),
  );
  const removal = removalOf(place);
  const removable = found.flatMap(({ resource, object }) =>
    object !== null && isRemovable(object, removal, running.since) ? [{ resource, object }] : [],
  );
  const removed = await removeObjects(removal, removable, running);
  if (removed.length === 0) return unchanged;
  return { changed: true, findings: [finding('removed', `removed ${removed.join(', ')}`, removed)] };
}

const removalOf = ({ cluster, target, release, running }: Place): Removal => ({
  cluster,
  namespace: target.namespace,
  application: target.application,
  release,
  deadlineMs: running.left(target.progressDeadlineMs),
});
