/** How large gray is to be, and the write that makes it so. */
import { labels as ours } from '../../domain/ids.js';
import { grayReplicas } from '../../domain/traffic.js';
import type { GrayInput, GrayResult } from '../contract.js';
import { KubeError } from './kube-error.js';
import { resources } from './resources.js';
import { kinds } from './kinds.js';
import { heard, trustedMs } from './mirrors.js';
import { containersOf, imageOf, sameImage, type Deployment } from './objects.js';
import { unchanged, type Place } from './place.js';
import { grayKey, made } from './recent.js';

export type Size = Pick<GrayInput, 'replicas' | 'weight'>;

export interface Ensured extends GrayResult {
  readonly deployment: Deployment;
}

/** An autoscaler may have changed stable since the plan was made: more is followed, fewer is not, as gray took some of its requests. */
export function sizeOf({ replicas, weight }: Size, stable: number | null): number {
  return weight === undefined || stable === null
    ? replicas
    : Math.max(replicas, grayReplicas(stable, weight));
}

export interface Sized {
  readonly stable: Deployment | null;
  readonly stableReplicas: number | null;
  readonly replicas: number;
}

export function sized(size: Size, stable: Deployment | null): Sized {
  const stableReplicas = stable === null ? null : (stable.spec.replicas ?? 1);
  return { stable, stableReplicas, replicas: sizeOf(size, stableReplicas) };
}

/** It is ours already: only what differs is written, and only while it is still ours. */
export async function adjust(
  place: Place,
  live: Deployment,
  { replicas, stableReplicas }: Sized,
): Promise<Ensured> {
  const { cluster, target, release, running } = place;
  const index = containersOf(live).findIndex((c) => c.name === target.container);
  const image = imageOf(live, target.container);
  const patch = [
    ...((live.spec.replicas ?? 1) >= replicas
      ? []
      : [{ op: 'replace', path: '/spec/replicas', value: replicas }]),
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
  if (patch.length === 0) return { deployment: live, replicas, stableReplicas, ...unchanged };
  const path = `/metadata/labels/${ours.release.replace('/', '~1')}`;
  const patched = await cluster.jsonPatch(
    resources.deployments,
    target.namespace,
    target.gray,
    [{ op: 'test', path, value: release }, ...patch],
    running.signal,
  );
  return { deployment: patched as Deployment, replicas, stableReplicas, changed: true, findings: [] };
}

/**
 * Gray that this worker has made, as a watch has heard of it a moment ago: nothing has to be asked for to make it larger, and the write
 * fails where that is outdated. Null: it has to be looked at.
 */
export async function adjustKnown(place: Place, size: Size): Promise<Ensured | null> {
  const { cluster, target, release } = place;
  const own = made.get(cluster, grayKey(target));
  const shelf = heard(cluster, kinds.deployments, target.namespace, trustedMs);
  const [live, stable] = [shelf?.get(target.gray), shelf?.get(target.deployment)];
  if (own?.release !== release || live === undefined || stable === undefined) return null;
  if (live.metadata.uid !== own.deployment.metadata.uid) return null;
  try {
    return await adjust(place, live, sized(size, stable));
  } catch (error) {
    if (error instanceof KubeError && [404, 409, 422].includes(error.status)) return null;
    throw error;
  }
}
