/** The activities that change workloads. Each looks first and writes only what differs, so that running twice does nothing twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { homeOf, leavingMs } from '../../domain/traffic.js';
import type { Target } from '../../domain/target.js';
import type { QuietQuestion } from '../../domain/quiet.js';
import type { Activities, Finding, WorkloadInput, WorkloadResult } from '../contract.js';
import type { Cluster } from './client.js';
import { CatalogueError } from '../failure.js';
import { deployBatch, promoteBatch, restoreReplicas } from './deploy-batch.js';
import { deployGray } from './deploy-gray.js';
import { deployStable, revertStable } from './deploy-stable.js';
import { kubeFailure } from './errors.js';
import type { Place } from './place.js';
import { Recent } from './recent.js';
import { removeGray } from './remove-gray.js';
import { awaitTold } from './told.js';
import { beating, drained, type Running } from './running.js';
import { footprintKey } from '../traffic/footprint.js';
import { restoreRoute } from '../traffic/routes.js';

export interface KubernetesDeps {
  /** The cluster of that name; throws cluster_unknown with the known ones. */
  readonly clusters: (name: string) => Cluster;
}

export interface WorkloadDeps extends KubernetesDeps {
  /** Waits until no request comes to gray any more, where the metrics can tell; answers what was seen. Absent: nobody can. */
  readonly quiet?: (target: Target, question: QuietQuestion, running: Running) => Promise<Finding | null>;
}

type WorkloadActivities = Pick<
  Activities,
  'deployGray' | 'deployBatch' | 'promoteBatch' | 'deployStable' | 'revertStable' | 'removeGray'
>;

/** What is done next sends traffic to stable. */
async function told(place: Place, work: (place: Place) => Promise<WorkloadResult>): Promise<WorkloadResult> {
  const result = await work(place);
  await awaitTold(place);
  return result;
}

async function revert(place: Place): Promise<WorkloadResult> {
  const reverted = await told(place, revertStable);
  if (place.target.batches === undefined) return reverted;
  const { changed, findings, ...rest } = await restoreReplicas(place);
  return { ...rest, changed: reverted.changed || changed, findings: [...reverted.findings, ...findings] };
}

/** What might pass is tried until the deadline, and not again. */
function last(error: unknown): unknown {
  if (!(error instanceof CatalogueError)) return error;
  return new CatalogueError({ ...error.failure, retryable: false });
}

const leaveTries = 10;
/** Releases that have left their route: the next attempt need not look again. */
const left = new Recent<true>(10 * 60_000);

/** Tried again where it may pass: the next attempt of the activity would only meet one more request that is turned down. */
async function leaveRoute({ cluster, release, target: { route }, running }: Place): Promise<void> {
  if (route === null) return;
  // Two applications may share a route.
  const key = `${release} ${homeOf(route)}/${route.route} ${footprintKey(route)}`;
  if (left.get(cluster, key) !== null) return;
  for (let tries = 1, wait = 200; ; tries++, wait = Math.min(wait * 2, 5_000)) {
    try {
      await restoreRoute(cluster, { release, route }, running.signal);
      return left.keep(cluster, key, true);
    } catch (error) {
      if (!(error instanceof CatalogueError) || !error.failure.retryable || tries === leaveTries) throw error;
      running.say(error.failure.message);
      await delay(Math.max(wait, error.retryAfterMs ?? 0), undefined, { signal: running.signal });
    }
  }
}

export function workloadActivities(deps: WorkloadDeps): WorkloadActivities {
  const run = <T>(
    { release, target }: WorkloadInput,
    doing: string,
    name: string,
    work: (place: Place) => Promise<T>,
    deadlineMs = target.progressDeadlineMs,
  ): Promise<T> =>
    beating(`${doing} ${name}`, async (running) => {
      const cluster = deps.clusters(target.cluster);
      try {
        return await work({ release, target, cluster, running });
      } catch (error) {
        const what = `Deployment "${name}"`;
        const known = kubeFailure(error, { cluster: cluster.name, namespace: target.namespace, what });
        throw running.isOver(deadlineMs) ? last(known) : known;
      }
    });
  return {
    deployGray: (input) => run(input, 'deploying', input.target.gray, (place) => deployGray(place, input)),
    deployStable: (input) =>
      run(input, 'deploying', input.target.deployment, (place) => told(place, deployStable)),
    deployBatch: (input) =>
      run(input, 'deploying', input.target.gray, (place) => deployBatch(place, input.pods)),
    promoteBatch: (input) =>
      run(input, 'deploying', input.target.deployment, (place) => promoteBatch(place, input.pods)),
    revertStable: (input) => run(input, 'reverting', input.target.deployment, revert),
    removeGray: (input) => {
      const { target, drainMs = 0, leaves = false, quiet, only = false } = input;
      const work = async (place: Place): Promise<WorkloadResult> => {
        await drained(place.running, drainMs);
        if (leaves) await leaveRoute(place);
        const seen = quiet === undefined ? null : await deps.quiet?.(target, quiet, place.running);
        const { changed, findings } = await removeGray(place, only);
        return { changed, findings: [...(seen == null ? [] : [seen]), ...findings] };
      };
      const before = drainMs + (leaves ? leavingMs : 0) + (quiet?.withinMs ?? 0);
      return run(input, 'removing', target.gray, work, target.progressDeadlineMs + before);
    },
  };
}
