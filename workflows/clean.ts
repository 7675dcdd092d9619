/** What releases left behind that are over: found, and removed in the order of any removal, each by its own release's name. */
import { ActivityFailure, proxyActivities, sleep, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import { clusterTaskQueue } from '../domain/ids.js';
import type { Cleaned, CleanRequest, Found, Leftover, LeftoverErrand } from '../domain/leftover.js';
import { othersAt, type FoundStrays, type StrayErrand } from '../domain/stray.js';
import { slowly } from './activities.js';
import { failureOf } from './failures.js';
import { giveRoutesBack } from './give-back.js';

/** Looks only. @param spots where is looked for what nobody declares there */
export async function leftovers(
  errands: readonly LeftoverErrand[],
  spots: readonly StrayErrand[] = [],
): Promise<Found> {
  const [found, others] = await Promise.all([
    Promise.all(errands.map(look)),
    Promise.all(spots.map(lookAround)),
  ]);
  return {
    leftovers: found.flatMap((f) => f.leftovers),
    strays: others.flatMap((f) => f.strays),
    unseen: [...found, ...others].flatMap((f) => f.unseen),
  };
}

async function look(errand: LeftoverErrand): Promise<Found> {
  try {
    return await looking(errand.cluster).findLeftovers(errand);
  } catch (error) {
    const why = whyUnseen(error, errand.cluster);
    return { leftovers: [], unseen: errand.applications.map(({ name }) => ({ application: name, why })) };
  }
}

async function lookAround(errand: StrayErrand): Promise<FoundStrays> {
  try {
    return await looking(errand.cluster).findStrays(errand);
  } catch (error) {
    return { strays: [], unseen: [{ application: othersAt(errand), why: whyUnseen(error, errand.cluster) }] };
  }
}

const queueOf = (cluster: string): string => clusterTaskQueue(workflowInfo().taskQueue, cluster);

const looking = (cluster: string) =>
  proxyActivities<Activities>({
    taskQueue: queueOf(cluster),
    scheduleToStartTimeout: '3s',
    startToCloseTimeout: '15s',
    retry: { maximumAttempts: 1 },
    summary: `look for what is left in cluster ${cluster}`,
  });

function whyUnseen(error: unknown, cluster: string): string {
  const isIdle =
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'SCHEDULE_TO_START';
  return isIdle ? `No worker takes up tasks of queue ${queueOf(cluster)}.` : failureOf(error).message;
}

/** Traffic first, one route after the other in the given order; then, where that went well, the objects. */
export async function clean(request: CleanRequest): Promise<readonly Cleaned[]> {
  const problems = await giveRoutesBack(request);
  return Promise.all(request.leftovers.map((one) => remove(one, problems.get(one) ?? null)));
}

async function remove({ release, target, drainMs }: Leftover, problem: string | null): Promise<Cleaned> {
  const { application, gray } = target;
  // Its pods may be all that answers.
  if (problem !== null) return { release, application, removed: [], left: problem };
  await sleep(drainMs, { summary: `connections to ${gray} drain` });
  try {
    const { findings } = await slowly(
      'removeGray',
      target.cluster,
      { release, target, leaves: true, only: true },
      { deadlineMs: target.progressDeadlineMs, summary: `remove ${gray} of release ${release}`, attempts: 1 },
    );
    const removed = findings.flatMap((f) => (f.kind === 'removed' ? (f.data as readonly string[]) : []));
    const kept = findings.find((f) => f.kind === 'kept');
    return { release, application, removed, left: kept?.summary ?? null };
  } catch (error) {
    return { release, application, removed: [], left: failureOf(error).message };
  }
}
