/** Makes the copies that gray needs of policies. */
import { labels as ours } from '../../../domain/ids.js';
import { CatalogueError } from '../../failure.js';
import { isCopyFor } from '../clone.js';
import { kubeFailure } from '../errors.js';
import { KubeError } from '../kube-error.js';
import type { KubeObject } from '../objects.js';
import type { Place } from '../place.js';
import { isRemovable, removalOf, type Found } from '../removal.js';
import { notCopied, policyCopies, type PolicyCopy, type Tracks } from './copies.js';
import type { Policies } from './find.js';
import { homeOf, type Policy } from './kinds.js';

/**
 * Before gray's pods, so that none of them is without. Again: what is there stays. What an earlier release left goes. Throws
 * policy_not_copied with the first that cannot be made, policy_bound with the first that must not.
 */
export async function makeCopies(
  place: Place,
  tracks: Omit<Tracks, 'target' | 'release' | 'namespaceLabels'>,
  { found, namespaceLabels }: Policies,
): Promise<readonly Found[]> {
  const { cluster, target, release, running } = place;
  const { copies, problems } = policyCopies(found, { ...tracks, target, release, namespaceLabels });
  if (problems[0] !== undefined) throw new CatalogueError(problems[0]);
  const isWanted = ({ kind, object }: Policy): boolean =>
    copies.some(
      (c) =>
        c.resource.plural === kind.resource.plural &&
        c.object.metadata.name === object.metadata.name &&
        c.object.metadata.namespace === object.metadata.namespace,
    );
  const removal = removalOf(place);
  const left = found.filter(
    (policy) =>
      isCopyFor(policy.object, target) &&
      isRemovable(policy.object, removal, running.since) &&
      !isWanted(policy),
  );
  for (const policy of left) {
    const { name, uid } = policy.object.metadata;
    await cluster.delete(policy.kind.resource, homeOf(policy, target.namespace), name, uid, running.signal);
  }
  // All of them before one's failure is told: what is made later would be missed by the undoing.
  const made = await Promise.allSettled(copies.map((copy) => make(place, copy)));
  return made.map((result, i) => {
    if (result.status === 'rejected') throw result.reason;
    return { resource: copies[i]!.resource, object: result.value };
  });
}

async function make(place: Place, copy: PolicyCopy): Promise<KubeObject> {
  const { cluster, target, release, running } = place;
  const { name } = copy.object.metadata;
  const namespace = homeOf(copy, target.namespace);
  const create = (): Promise<KubeObject> =>
    cluster.create(copy.resource, namespace, copy.object, running.signal);
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status !== 409) throw refused(place, copy, error);
  }
  // By a list, which the worker may do anyway.
  const fieldSelector = `metadata.name=${name}`;
  const { items } = await cluster.list(copy.resource, namespace, { fieldSelector }, running.signal);
  const [there] = items;
  if (there !== undefined) {
    if (there.metadata.labels?.[ours.release] === release && isCopyFor(there, target)) return there;
    if (!isRemovable(there, removalOf(place), running.since)) {
      const why = `${copy.resource.kind} "${name}" is not of this release`;
      throw new CatalogueError(notCopied(copy, target, why));
    }
    await cluster.delete(copy.resource, namespace, name, there.metadata.uid, running.signal);
  }
  try {
    return await create();
  } catch (error) {
    throw error instanceof KubeError && error.status !== 409 ? refused(place, copy, error) : error;
  }
}

/** What may pass stays what it is; a refusal names the policy. */
function refused({ cluster, target }: Place, copy: PolicyCopy, error: KubeError): unknown {
  const what = `${copy.resource.kind} "${copy.object.metadata.name}"`;
  const namespace = homeOf(copy, target.namespace);
  const known = kubeFailure(error, { cluster: cluster.name, namespace, what });
  if (!(known instanceof CatalogueError) || known.failure.retryable) return known;
  return new CatalogueError(
    notCopied(copy, target, `the API server answers ${error.status} ${error.message}`),
  );
}
