/** The Deployment whose pods run the new version under the Service of stable, and which sizes stable has meanwhile. Pure. */
import { batchName } from '../../domain/batches.js';
import { failure, type Failure } from '../../domain/failures.js';
import { labels as ours } from '../../domain/ids.js';
import { autoscalersOf } from './autoscalers.js';
import { cloneMetadata, isOwn, ownLabels } from './clone.js';
import type { GrayRequest } from './gray.js';
import { containersOf, omit, podLabels, type Deployment, type KubeObject } from './objects.js';

/**
 * Clones stable as it runs. Its pods keep every label of stable's, so that each Service sends to them as well; that stable's controller
 * leaves them alone is because they have an owner of their own. Its selector matches the labels of this release, which no other pod has.
 */
export function batchDeployment(stable: Deployment, { target, release, replicas }: GrayRequest): Deployment {
  const spec = omit(stable.spec, 'paused');
  const { template } = spec;
  const own = ownLabels({ target, release });
  const metadata = cloneMetadata(stable.metadata, { name: target.gray, target, own });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [ours.replicas]: String(target.stableReplicas) },
    },
    spec: {
      ...spec,
      replicas,
      progressDeadlineSeconds: spec.progressDeadlineSeconds ?? Math.ceil(target.progressDeadlineMs / 1000),
      selector: { matchLabels: own },
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          labels: { ...omit(podLabels(stable), 'pod-template-hash'), ...own },
        },
        spec: {
          ...template.spec,
          containers: containersOf(stable).map((c) =>
            c.name === target.container ? { ...c, image: target.image.reference } : c,
          ),
        },
      },
    },
  };
}

/** What stable is to have: where a release that was ended from outside has left batches, more than what it has. */
export function replicasBehind(live: number, left: KubeObject | null, application: string): number {
  if (left === null || !isOwn(left, application)) return live;
  const before = Number(left.metadata.annotations?.[ours.replicas]);
  return Number.isInteger(before) ? Math.max(before, live) : live;
}

/** What keeps stable from being changed in batches. */
export function batchObstacles(
  place: { readonly application: string; readonly deployment: string; readonly namespace: string },
  found: KubeObject | null,
  autoscalers: readonly KubeObject[],
): Failure[] {
  const { application, deployment: workload, namespace } = place;
  const name = batchName(workload);
  return [
    ...(found === null || isOwn(found, application)
      ? []
      : [failure('gray_name_taken', { kind: 'Deployment', name, namespace })]),
    ...autoscalersOf(autoscalers, workload).map((a) =>
      failure('batches_autoscaled', { autoscaler: a.metadata.name, workload }, '/release/batches'),
    ),
  ];
}
