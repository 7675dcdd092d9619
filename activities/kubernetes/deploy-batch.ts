/** Pods of stable changed in batches: those of the new version come first, those of the old one go then; and the same back. */
import { batchLane, sizesOf } from '../../domain/batches.js';
import { labels as ours } from '../../domain/ids.js';
import type { Batching, Revision } from '../../domain/release.js';
import type { WorkloadResult } from '../contract.js';
import { fail } from '../failure.js';
import { batchDeployment } from './batch.js';
import { KubeError } from './kube-error.js';
import { maskManifest } from '../../domain/mask.js';
import { containersOf, imageOf, sameImage, type Deployment } from './objects.js';
import { available, finding, type Place } from './place.js';
import { isRemovable, removeObjects } from './removal.js';
import { resources } from './resources.js';

/** A write that somebody was faster than is decided again on what is there then. */
const attempts = 4;

/** Brings the new version to `pods`, then stable to the rest. */
export async function deployBatch(place: Place, pods: number): Promise<WorkloadResult> {
  return decided(async () => {
    const result = await bringTo(place, pods);
    return { ...result, batching: await batchingOf(place) };
  });
}

/** Brings stable to `pods` of the new version, then the batches to the rest. The first time stable has no pod: all are of the batches. */
export async function promoteBatch(place: Place, pods: number): Promise<WorkloadResult> {
  const { target } = place;
  return decided(async () => {
    const all = target.stableReplicas;
    const isNew = sameImage(await stableImage(place), target.image.reference);
    if (!isNew) await bringTo(place, all);
    const stable = await required(place);
    const size = sizeOf(stable);
    // Never smaller: a late attempt changes nothing.
    const change = { image: target.image.reference, replicas: Math.max(size, pods) };
    const written = isNew && size >= pods ? stable : await write(place, stable, change);
    const findings = [await available(place, written, null)];
    await shrinkBatch(place, all - Math.min(all, sizeOf(written)));
    return { changed: true, findings, batching: await batchingOf(place) };
  });
}

/** Gives stable back the replicas that it had; a size that is not of this release stays. */
export async function restoreReplicas(place: Place): Promise<WorkloadResult> {
  const { target } = place;
  const all = target.stableReplicas;
  return decided(async () => {
    const stable = await read(place, target.deployment);
    if (stable === null) return { changed: false, findings: [] };
    const size = sizeOf(stable);
    if (size !== all && !sizesOf(target).includes(size)) {
      const summary = `${target.deployment} has ${size} replicas, which somebody else set meanwhile; it is left so`;
      return { changed: false, findings: [finding('pods', summary, { replicas: size })] };
    }
    const isWhole = size >= all;
    // Without batches nothing of ours is behind the Service that could go too early.
    if (isWhole && (await read(place, target.gray)) === null) return { changed: false, findings: [] };
    const written = isWhole ? stable : await write(place, stable, { replicas: all });
    const findings = [await available(place, written, null)];
    return { changed: !isWhole, findings, batching: await batchingOf(place) };
  });
}

async function bringTo(place: Place, pods: number): Promise<WorkloadResult> {
  const { target } = place;
  const found = await read(place, target.gray);
  if (found !== null && !isMine(found, place)) await clearAway(place, found);
  const stable = expectKnown(place, await required(place));
  const live = found !== null && isMine(found, place) ? found : null;
  const made = live ?? (await create(place, stable, pods));
  const grown = sizeOf(made) >= pods ? made : await write(place, made, { replicas: pods });
  const findings = [await available(place, grown, null)];
  const rest = target.stableReplicas - pods;
  const left = sizeOf(stable) <= rest ? stable : await write(place, stable, { replicas: rest });
  findings.push(await available(place, left, null, true));
  const manifest = live === null ? [madeOf(place, made)] : [];
  return { changed: true, findings: [...manifest, ...findings] };
}

function madeOf({ target }: Place, made: Deployment): ReturnType<typeof finding> {
  const summary = `${target.gray}: clone of ${target.deployment} with ${target.image.reference}, under the same Services`;
  return finding('manifest', summary, maskManifest(made));
}

const create = async ({ cluster, target, release, running }: Place, stable: Deployment, replicas: number) =>
  (await cluster.create(
    resources.deployments,
    target.namespace,
    batchDeployment(stable, { target, release, replicas }),
    running.signal,
  )) as Deployment;

/** A release that was ended from outside left stable smaller, and its batches in the place of the rest: stable first, then they go. */
async function clearAway(place: Place, found: Deployment): Promise<void> {
  const { cluster, target, release, running } = place;
  const { namespace, application } = target;
  const deadlineMs = running.left(target.progressDeadlineMs);
  const removal = { cluster, namespace, application, release, deadlineMs };
  const { name } = found.metadata;
  if (!isRemovable(found, removal, running.since))
    fail('gray_name_taken', { kind: 'Deployment', name, namespace });
  const stable = await required(place);
  const all = target.stableReplicas;
  const whole = sizeOf(stable) >= all ? stable : await write(place, stable, { replicas: all });
  await available(place, whole, null);
  await removeObjects(removal, [{ resource: resources.deployments, object: found }], running);
}

async function shrinkBatch(place: Place, pods: number): Promise<void> {
  const { target } = place;
  const batch = await read(place, target.gray);
  if (batch === null || !isMine(batch, place)) return;
  const left = sizeOf(batch) <= pods ? batch : await write(place, batch, { replicas: pods });
  await available(place, left, null, true);
}

/** Whether stable is as the release left it. */
function expectKnown({ target }: Place, stable: Deployment): Deployment {
  const { deployment: workload, container } = target;
  const image = imageOf(stable, container);
  if (image !== target.stableImage)
    fail('workload_changed', {
      workload,
      expected: target.stableImage ?? 'nothing',
      seen: image ?? 'nothing',
    });
  const [seen, sizes] = [sizeOf(stable), sizesOf(target)];
  if (!sizes.includes(seen)) fail('replicas_changed', { workload, expected: sizes.join(', '), seen });
  return stable;
}

/** Changes these fields and no other, and only while they are as they were read. */
async function write(
  { cluster, target, running }: Place,
  live: Deployment,
  { replicas, image }: { readonly replicas: number; readonly image?: string },
): Promise<Deployment> {
  const index = containersOf(live).findIndex((c) => c.name === target.container);
  const path = `/spec/template/spec/containers/${index}`;
  const patch = [
    { op: 'test', path: '/metadata/uid', value: live.metadata.uid },
    { op: 'test', path: '/spec/replicas', value: sizeOf(live) },
    { op: 'test', path: `${path}/name`, value: target.container },
    { op: 'test', path: `${path}/image`, value: imageOf(live, target.container) },
    ...(image === undefined || sameImage(imageOf(live, target.container), image)
      ? []
      : [{ op: 'replace', path: `${path}/image`, value: image }]),
    { op: 'replace', path: '/spec/replicas', value: replicas },
  ];
  const { name } = live.metadata;
  return (await cluster.jsonPatch(
    resources.deployments,
    target.namespace,
    name,
    patch,
    running.signal,
  )) as Deployment;
}

async function batchingOf(place: Place): Promise<Batching> {
  const { target } = place;
  const [stable, batch] = await Promise.all([required(place), read(place, target.gray)]);
  const own = revisionOf(place, stable);
  const beside = batch === null ? null : revisionOf(place, batch);
  const none = { revision: null, pods: 0 };
  const isNew = sameImage(own.image, target.image.reference) && own.image !== target.stableImage;
  const before = { workload: target.deployment, image: target.stableImage ?? own.image, ...none };
  const later = { workload: target.gray, image: target.image.reference, ...none };
  return isNew
    ? { old: before, new: { ...own, pods: own.pods + (beside?.pods ?? 0) } }
    : { old: own, new: beside ?? later };
}

function revisionOf({ target }: Place, { metadata, status, ...rest }: Deployment): Revision {
  return {
    workload: metadata.name,
    image: imageOf({ metadata, ...rest }, target.container) ?? '',
    revision: metadata.annotations?.['deployment.kubernetes.io/revision'] ?? null,
    pods: status?.readyReplicas ?? 0,
  };
}

const sizeOf = ({ spec }: Deployment): number => spec.replicas ?? 1;

const isMine = ({ metadata: { labels } }: Deployment, { release, target }: Place): boolean =>
  labels?.[ours.release] === release &&
  labels[ours.application] === target.application &&
  labels[ours.lane] === batchLane;

const read = async ({ cluster, target, running }: Place, name: string): Promise<Deployment | null> =>
  (await cluster.get(resources.deployments, target.namespace, name, running.signal)) as Deployment | null;

async function required(place: Place): Promise<Deployment> {
  const { deployment: workload, namespace } = place.target;
  return (await read(place, workload)) ?? fail('workload_unknown', { workload, namespace });
}

async function stableImage(place: Place): Promise<string | undefined> {
  return imageOf(await required(place), place.target.container);
}

/** What conflicts with somebody else's write is looked at again. */
async function decided(act: () => Promise<WorkloadResult>): Promise<WorkloadResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const isOutdated = error instanceof KubeError && [409, 422].includes(error.status);
      if (!isOutdated || attempt === attempts) throw error;
    }
  }
}
