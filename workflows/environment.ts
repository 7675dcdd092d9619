/** A look at what runs in one environment: an errand for each cluster, all at once; what nobody takes up becomes an answer too. */
import { ActivityFailure, proxyActivities, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import type { Sight, SurveyErrand } from '../domain/environment.js';
import { clusterTaskQueue } from '../domain/ids.js';
import { failureOf } from './failures.js';

export async function environment(errands: readonly SurveyErrand[]): Promise<readonly Sight[]> {
  return (await Promise.all(errands.map(run))).flat();
}

async function run(errand: SurveyErrand): Promise<readonly Sight[]> {
  const queue = clusterTaskQueue(workflowInfo().taskQueue, errand.cluster);
  const { survey } = proxyActivities<Activities>({
    taskQueue: queue,
    // Short: a worker that is there takes it up within milliseconds.
    scheduleToStartTimeout: '3s',
    // More than the activity gives itself, so that it can say who did not answer.
    startToCloseTimeout: '6s',
    retry: { maximumAttempts: 1 },
    summary: `look at ${errand.places.length} application(s) in cluster ${errand.cluster}`,
  });
  try {
    return await survey(errand);
  } catch (error) {
    const unseen = whyOf(error, queue);
    return errand.places.map(({ application }) => ({ application, live: null, unseen }));
  }
}

function whyOf(error: unknown, queue: string): string {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof TimeoutFailure)) return failureOf(error).message;
  return cause.timeoutType === 'SCHEDULE_TO_START'
    ? `No worker takes up tasks of queue ${queue}.`
    : 'The worker did not end its look in time.';
}
