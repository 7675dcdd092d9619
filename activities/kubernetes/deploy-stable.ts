/** Stable itself: created, promoted by its image alone, put back. */
import type { WorkloadResult } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import { labels as ours } from '../../domain/ids.js';
import { KubeError } from './kube-error.js';
import { resources } from './resources.js';
import { kinds } from './kinds.js';
import { manifestDeployment, manifestProblems } from './manifest.js';
import { maskManifest } from '../../domain/mask.js';
import { heard, trustedMs } from './mirrors.js';
import { containersOf, imageOf, sameImage, type Deployment } from './objects.js';
import { available, finding, unchanged, type Place } from './place.js';
import { awaitPodsGone } from './removal.js';
import { isSettled } from './rollout.js';

const attempts = 3;

/** What to do with stable as it is now. */
type Move =
  | { readonly kind: 'keep' }
  | { readonly kind: 'set'; readonly from: string; readonly to: string }
  | { readonly kind: 'leave'; readonly seen: string };

type Decide = (image: string, live: Deployment) => Move;

export async function deployStable(place: Place): Promise<WorkloadResult> {
  const { target, release } = place;
  const decide = (image: string, live: Deployment): Move => {
    const madeByUs = target.stableImage === null && live.metadata.annotations?.[ours.release] === release;
    if (sameImage(image, target.image.reference)) return { kind: 'keep' };
    return image === target.stableImage || madeByUs
      ? { kind: 'set', from: image, to: target.image.reference }
      : fail('workload_changed', {
          workload: target.deployment,
          expected: target.stableImage ?? 'nothing',
          seen: image,
        });
  };
  const live = toBeSet(place, decide) ?? (await read(place));
  return live === null ? createStable(place) : setImage(place, live, decide);
}

async function createStable(place: Place): Promise<WorkloadResult> {
  const { cluster, target, release, running } = place;
  const { deployment: workload, namespace, manifest, container, application } = target;
  if (manifest === null) fail('workload_unknown', { workload, namespace });
  const whole = { deployment: workload, namespace, container, application };
  const problem = manifestProblems(manifest, whole)[0];
  if (problem !== undefined) throw new CatalogueError(problem);
  const rendered = manifestDeployment(manifest, whole, target.image.reference, release);
  try {
    const made = await cluster.create(resources.deployments, namespace, rendered, running.signal);
    const summary = `${workload}: created from the application's manifest with ${target.image.reference}`;
    const findings = [finding('manifest', summary, maskManifest(rendered))];
    return { changed: true, findings: [...findings, await available(place, made as Deployment, null)] };
  } catch (error) {
    // Made between our look and our write, e.g. by an attempt that was taken for lost.
    if (error instanceof KubeError && error.reason === 'AlreadyExists') return deployStable(place);
    throw error;
  }
}

export async function revertStable(place: Place): Promise<WorkloadResult> {
  const { target } = place;
  const { stableImage } = target;
  if (stableImage === null) {
    const live = await read(place);
    return live === null ? unchanged : removeStable(place, live);
  }
  const decide = (image: string): Move => {
    if (image === stableImage) return { kind: 'keep' };
    return sameImage(image, target.image.reference)
      ? { kind: 'set', from: image, to: stableImage }
      : { kind: 'leave', seen: image };
  };
  const live = toBeSet(place, decide) ?? (await read(place));
  return live === null ? unchanged : setImage(place, live, decide);
}

/** Only what this release created goes; a Deployment that came from elsewhere meanwhile stays. */
async function removeStable(place: Place, live: Deployment): Promise<WorkloadResult> {
  const { cluster, target, release, running } = place;
  if (live.metadata.annotations?.[ours.release] !== release) return unchanged;
  const { name, uid } = live.metadata;
  const { namespace } = target;
  await cluster.delete(resources.deployments, namespace, name, uid, running.signal);
  const at = { cluster, namespace, deadlineMs: running.left(target.progressDeadlineMs) };
  await awaitPodsGone(at, live.spec.selector, running);
  const summary = `removed Deployment ${name}, which this release had created`;
  return { changed: true, findings: [finding('removed', summary, [`Deployment ${name}`])] };
}

/** Changes the image of the released container and nothing else, and only from the image that the decision was made on. */
async function setImage(place: Place, first: Deployment, decide: Decide): Promise<WorkloadResult> {
  const { target } = place;
  let live = first;
  for (let attempt = 1; ; attempt++) {
    const move = decide(imageIn(live, place), live);
    switch (move.kind) {
      case 'leave': {
        const summary = `${target.deployment} runs ${move.seen}, which somebody else set meanwhile; it is left so`;
        return { changed: false, findings: [finding('pods', summary, { image: move.seen })] };
      }
      case 'keep':
        if (isSettled(live)) return unchanged;
        return { changed: false, findings: [await available(place, live, null)] };
      case 'set':
        try {
          const patched = await patchImage(place, live, move);
          return { changed: true, findings: [await available(place, patched, null)] };
        } catch (error) {
          if (!(error instanceof KubeError && [409, 422].includes(error.status)) || attempt === attempts)
            throw error;
        }
    }
    // A test of the patch failed, so somebody was faster: decide again on what is there now.
    live =
      (await read(place)) ??
      fail('workload_unknown', { workload: target.deployment, namespace: target.namespace });
  }
}

/**
 * Stable as a watch has heard of it, where that says that its image is to be set: that write fails where it is outdated. Null: all else
 * is decided on what the API server answers.
 */
function toBeSet(place: Place, decide: Decide): Deployment | null {
  const { cluster, target } = place;
  const shelf = heard(cluster, kinds.deployments, target.namespace, trustedMs);
  const live = shelf?.get(target.deployment);
  const image = live === undefined ? undefined : imageOf(live, target.container);
  if (live === undefined || image === undefined) return null;
  try {
    return decide(image, live).kind === 'set' ? live : null;
  } catch {
    return null;
  }
}

async function patchImage(
  { cluster, target, running }: Place,
  live: Deployment,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Deployment> {
  const index = containersOf(live).findIndex((c) => c.name === target.container);
  const path = `/spec/template/spec/containers/${index}`;
  const patch = [
    { op: 'test', path: `${path}/name`, value: target.container },
    { op: 'test', path: `${path}/image`, value: from },
    { op: 'replace', path: `${path}/image`, value: to },
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

const read = async ({ cluster, target, running }: Place): Promise<Deployment | null> =>
  (await cluster.get(
    resources.deployments,
    target.namespace,
    target.deployment,
    running.signal,
  )) as Deployment | null;

function imageIn(live: Deployment, { target }: Place): string {
  const { container, deployment: workload } = target;
  const known = containersOf(live).map((c) => c.name);
  return imageOf(live, container) ?? fail('container_unknown', { container, workload, known });
}
