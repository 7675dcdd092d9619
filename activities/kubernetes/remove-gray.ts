/** The gray track is taken away: Deployment, Service and the copies of policies. */
import { labels as ours } from '../../domain/ids.js';
import type { WorkloadResult } from '../contract.js';
import { isCopyFor } from './clone.js';
import { KubeError } from './kube-error.js';
import { finding, type Place } from './place.js';
import { copiesIn } from './policies/find.js';
import { grayKey, made } from './recent.js';
import { isRemovable, removalOf, removeObjects, type Found } from './removal.js';
import { resources } from './resources.js';

/** @param only nothing but what this very release made */
export async function removeGray(place: Place, only = false): Promise<WorkloadResult> {
  const { cluster, target, release, running } = place;
  const remove = async (found: readonly Found[]): Promise<WorkloadResult> => {
    const { removed, kept } = await removeObjects(removalOf(place), found, running);
    const why = `the worker may not delete ${kept.join(', ')} any more`;
    return {
      changed: removed.length > 0,
      findings: [
        ...(removed.length === 0 ? [] : [finding('removed', `removed ${removed.join(', ')}`, removed)]),
        ...(kept.length === 0 ? [] : [finding('kept', why, kept)]),
      ],
    };
  };
  const own = made.take(cluster, grayKey(target));
  if (own?.release === release) {
    try {
      return await remove(own.objects);
    } catch (error) {
      // Others of the same name by now: they are looked at.
      if (!(error instanceof KubeError && error.status === 409)) throw error;
    }
  }
  const found = await removable(place);
  return remove(
    only ? found.filter(({ object }) => object.metadata.labels?.[ours.release] === release) : found,
  );
}

/** What is there of gray and may be removed by this release. */
async function removable(place: Place): Promise<readonly Found[]> {
  const { cluster, target, running } = place;
  const { namespace } = target;
  const [named, copies] = await Promise.all([
    Promise.all(
      [resources.deployments, resources.services].map(async (resource) => ({
        resource,
        object: await cluster.get(resource, namespace, target.gray, running.signal),
      })),
    ),
    copiesIn(cluster, namespace, running.signal),
  ]);
  const own = copies.filter(({ object }) => isCopyFor(object, target));
  const found = [...named, ...own.map(({ kind, object }) => ({ resource: kind.resource, object }))];
  return found.flatMap(({ resource, object }) =>
    object !== null && isRemovable(object, removalOf(place), running.since) ? [{ resource, object }] : [],
  );
}
