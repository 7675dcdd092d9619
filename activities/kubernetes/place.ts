/** What the activities of this folder share: where they work, how they wait, what they report. */
import type { Finding, WorkloadInput, WorkloadResult } from '../contract.js';
import type { Cluster } from './client.js';
import { imageOf, type Deployment } from './objects.js';
import { awaitAvailable } from './readiness.js';
import { podFindings } from './rollout.js';
import type { Running } from './running.js';

/** One target in its cluster, for one release, in a running activity. */
export interface Place extends WorkloadInput {
  readonly cluster: Cluster;
  readonly running: Running;
}

export const finding = (kind: string, summary: string, data: unknown): Finding => ({
  at: new Date().toISOString(),
  kind,
  summary,
  data,
});

/** Waits for a Deployment as the API server answered it to our write, and reports its pods. `shrinks`: see Expected. */
export async function available(
  { cluster, target, running }: Place,
  deployment: Deployment,
  replicas: number | null,
  shrinks = false,
): Promise<Finding> {
  const { name, generation, uid, resourceVersion } = deployment.metadata;
  const { pods } = await awaitAvailable(cluster, target.namespace, name, {
    container: target.container,
    // As it was answered: an admission webhook may spell it differently.
    image: imageOf(deployment, target.container) ?? target.image.reference,
    generation: generation ?? 0,
    replicas,
    shrinks,
    written: {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    selector: deployment.spec.selector,
    deadlineMs: running.left(target.progressDeadlineMs),
    signal: running.signal,
    heartbeat: (status) => running.say(`${name}: ${status}`),
  });
  return finding('pods', `${name}: ${pods.length} pod(s) available`, podFindings(pods, target.container));
}

export const unchanged: WorkloadResult = { changed: false, findings: [] };
