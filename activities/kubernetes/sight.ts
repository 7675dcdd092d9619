/** What the Deployments of a namespace say of one application that is declared there. Pure. */
import type { GrayTrack, Live, LiveWorkload, Place } from '../../domain/environment.js';
import { grayName, labels as ours } from '../../domain/ids.js';
import { isOwn } from './clone.js';
import { containerName } from './manifest.js';
import { digestOf, imageOf, type Deployment, type Pod } from './objects.js';
import { runningDigest } from './observation.js';
import { isOfImage, isSettled } from './rollout.js';

/** More tracks than these, of lanes that were abandoned, say no more. */
const mostTracks = 5;
/** Characters of an image that are told: nobody's spelling may fill the answer. */
const mostText = 500;

/** Whether it is the Deployment of the place, or a gray track of it in whatever lane. */
export const concerns = (place: Place, deployment: Deployment): boolean =>
  deployment.metadata.name === place.deployment || isTrack(place, deployment);

/** By its labels and its name: the same application may be in one namespace twice, for two environments. */
function isTrack(place: Place, deployment: Deployment): boolean {
  const lane = deployment.metadata.labels?.[ours.lane];
  return (
    lane !== undefined &&
    isOwn(deployment, place.application) &&
    deployment.metadata.name === grayName(place.deployment, lane)
  );
}

/** The container whose image is released; null where there is none of that name. */
function releasedContainer(place: Place, deployment: Deployment): string | null {
  const name = containerName(deployment, place);
  return typeof name === 'string' ? name : null;
}

/** Whether only its pods can say which digest runs. */
export function needsPods(place: Place, deployment: Deployment): boolean {
  const container = releasedContainer(place, deployment);
  return container !== null && digestOf(imageOf(deployment, container)) === null;
}

/** `podsOf`: the pods of a Deployment, none where they are not known. */
export function liveAt(
  place: Place,
  deployments: readonly Deployment[],
  podsOf: (deployment: Deployment) => readonly Pod[],
): Live {
  const workload = (deployment: Deployment): LiveWorkload =>
    workloadOf(place, deployment, podsOf(deployment));
  const stable = deployments.find((d) => d.metadata.name === place.deployment);
  const tracks = deployments.filter((d) => isTrack(place, d)).slice(0, mostTracks);
  return {
    stable: stable === undefined ? null : workload(stable),
    gray: tracks.map((track): GrayTrack => ({
      ...workload(track),
      lane: track.metadata.labels?.[ours.lane] ?? '',
      release: track.metadata.labels?.[ours.release] ?? '',
    })),
  };
}

function workloadOf(place: Place, deployment: Deployment, pods: readonly Pod[]): LiveWorkload {
  const container = releasedContainer(place, deployment);
  const image = container === null ? null : (imageOf(deployment, container) ?? null);
  // What is written is what was asked for; pods may still be on their way to it.
  const written = digestOf(image ?? undefined);
  return {
    name: deployment.metadata.name,
    image: image === null ? null : image.slice(0, mostText),
    digest: written ?? toldDigest(deployment, container, image, pods),
    replicas: deployment.spec.replicas ?? 1,
    ready: deployment.status?.readyReplicas ?? 0,
  };
}

/** While a rollout is under way only pods of the image that is written tell its digest; one that is done may have been given another spelling. */
function toldDigest(
  deployment: Deployment,
  container: string | null,
  image: string | null,
  pods: readonly Pod[],
): string | null {
  if (container === null || image === null) return null;
  const own = isSettled(deployment) ? pods : pods.filter((pod) => isOfImage(pod, { container, image }));
  return runningDigest(own, container, image);
}
