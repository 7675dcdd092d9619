/** The activities that change workloads. Each looks first and writes only what differs, so that running twice does nothing twice. */
import type { Activities, WorkloadInput } from '../contract.js';
import type { Cluster } from './client.js';
import { CatalogueError } from '../failure.js';
import { deployGray, removeGray } from './deploy-gray.js';
import { deployStable, revertStable } from './deploy-stable.js';
import { kubeFailure } from './errors.js';
import type { Place } from './place.js';
import { beating, drained } from './running.js';
import { restoreRoute } from '../traffic/driver.js';

export interface KubernetesDeps {
  /** The cluster of that name; throws cluster_unknown with the known ones. */
  readonly clusters: (name: string) => Cluster;
}

type WorkloadActivities = Pick<Activities, 'deployGray' | 'deployStable' | 'revertStable' | 'removeGray'>;

/** What might pass is tried until the deadline, and not again. */
function last(error: unknown): unknown {
  if (!(error instanceof CatalogueError)) return error;
  return new CatalogueError({ ...error.failure, retryable: false });
}

export function workloadActivities(deps: KubernetesDeps): WorkloadActivities {
  const run = <T>(
    { release, target }: WorkloadInput,
    doing: string,
    name: string,
    work: (place: Place) => Promise<T>,
  ): Promise<T> =>
    beating(`${doing} ${name}`, async (running) => {
      const cluster = deps.clusters(target.cluster);
      try {
        return await work({ release, target, cluster, running });
      } catch (error) {
        const what = `Deployment "${name}"`;
        const known = kubeFailure(error, { cluster: cluster.name, namespace: target.namespace, what });
        throw running.isOver(target.progressDeadlineMs) ? last(known) : known;
      }
    });
  return {
    deployGray: (input) => run(input, 'deploying', input.target.gray, (place) => deployGray(place, input)),
    deployStable: (input) => run(input, 'deploying', input.target.deployment, deployStable),
    revertStable: (input) => run(input, 'reverting', input.target.deployment, revertStable),
    removeGray: (input) =>
      run(input, 'removing', input.target.gray, async (place) => {
        await drained(place.running, input.drainMs ?? 0);
        const { route } = input.target;
        const { signal } = place.running;
        if (input.leaves === true && route !== null)
          await restoreRoute(place.cluster, { release: input.release, route }, signal);
        return removeGray(place);
      }),
  };
}
