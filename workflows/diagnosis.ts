/** The errands of a diagnosis, all at once, each on the queue of its cluster: what nobody takes up becomes an answer too. */
import { ActivityFailure, proxyActivities, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import { unanswered, type Errand, type ErrandReport } from '../domain/diagnosis.js';
import { clusterTaskQueue } from '../domain/ids.js';
import { failureOf } from './failures.js';

export async function diagnosis(errands: readonly Errand[]): Promise<readonly ErrandReport[]> {
  return Promise.all(errands.map(run));
}

async function run(errand: Errand): Promise<ErrandReport> {
  const queue = workflowInfo().taskQueue;
  const { diagnose } = proxyActivities<Activities>({
    taskQueue: clusterTaskQueue(queue, errand.cluster),
    // Short: a worker that is there takes it up within milliseconds.
    scheduleToStartTimeout: '4s',
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 1 },
    summary: `look at ${errand.application?.name ?? `cluster ${errand.cluster}`}`,
  });
  try {
    return await diagnose(errand);
  } catch (error) {
    return { cluster: errand.cluster, at: null, checks: unanswered(errand, queue, whyOf(error)) };
  }
}

function whyOf(error: unknown): Parameters<typeof unanswered>[2] {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof TimeoutFailure)) return failureOf(error);
  return cause.timeoutType === 'SCHEDULE_TO_START' ? 'nobody took it up' : 'it did not end in time';
}
