/** The world as workflows see it: one proxy for each idempotency class, on the task queue of the target's cluster. */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import { clusterTaskQueue } from '../domain/ids.js';

const backoff = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '5s' } as const;

/** Absolute and compare-and-set, done in milliseconds: asking twice does nothing twice. */
type Quick = 'resolveImage' | 'observe' | 'prepareRoute' | 'setTraffic' | 'restoreRoute' | 'probe';

/** Waits for pods; a cancelled one is waited for, because what it still creates has to be removed afterwards. */
type Slow = 'deployGray' | 'deployBatch' | 'promoteBatch' | 'deployStable' | 'revertStable' | 'removeGray';

/**
 * A quick activity, in the worker of the workflow where that serves the cluster: no task to schedule, one event in the history.
 * What does not answer at once is asked for again as an ordinary activity, which can wait for a neighbour that is away.
 */
export async function quickly<N extends Quick>(
  name: N,
  cluster: string,
  input: Parameters<Activities[N]>[0],
  options: { readonly patienceMs: number; readonly summary: string },
): Promise<Awaited<ReturnType<Activities[N]>>> {
  type Answer = Awaited<ReturnType<Activities[N]>>;
  type Call = (input: unknown) => Promise<Answer>;
  if (cluster === 'default') {
    try {
      return await (locally(options.summary)[name] as unknown as Call)(input);
    } catch (error) {
      if (isCancellation(error) || isTerminal(error)) throw error;
    }
  }
  const remote = proxyActivities<Activities>({
    taskQueue: clusterTaskQueue(workflowInfo().taskQueue, cluster),
    startToCloseTimeout: Math.min(15_000, options.patienceMs * 0.6),
    // Less than the whole patience, so that it can be told who did not answer: the neighbour, or a worker.
    scheduleToStartTimeout: options.patienceMs * 0.9,
    scheduleToCloseTimeout: options.patienceMs,
    retry: backoff,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: options.summary,
  });
  return (remote[name] as unknown as Call)(input);
}

/** Of several routes that the worker of the workflow writes; null for each that did not work there. Throws only where it is cancelled. */
export async function setTrafficTogether(
  inputs: Parameters<Activities['setTrafficTogether']>[0],
  summary: string,
): ReturnType<Activities['setTrafficTogether']> {
  try {
    return await locally(summary).setTrafficTogether(inputs);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return inputs.map(() => null);
  }
}

/** Once: who asks knows what to do where it does not work. */
const locally = (summary: string) =>
  proxyLocalActivities<Activities>({
    startToCloseTimeout: '3s',
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  });

function isTerminal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.nonRetryable === true
  );
}

export function slowly<N extends Slow>(
  name: N,
  cluster: string,
  input: Parameters<Activities[N]>[0],
  /** `attempts`: the caller tries again by itself. Default: Temporal does, until the deadline. */
  options: { readonly deadlineMs: number; readonly summary: string; readonly attempts?: number },
): ReturnType<Activities[N]> {
  const remote = proxyActivities<Activities>({
    taskQueue: clusterTaskQueue(workflowInfo().taskQueue, cluster),
    // The activity knows the deadline itself and names what it waited for; this is the net below it.
    startToCloseTimeout: options.deadlineMs + 60_000,
    scheduleToCloseTimeout: options.deadlineMs + 120_000,
    heartbeatTimeout: '6s',
    retry: options.attempts === undefined ? backoff : { ...backoff, maximumAttempts: options.attempts },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: options.summary,
  });
  return (remote[name] as unknown as (input: unknown) => ReturnType<Activities[N]>)(input);
}

/** Checks for as long as a hold lasts, and guards it; only reads until a verdict fails, so it may be let go at once. */
export function analyse(
  cluster: string,
  input: Parameters<Activities['analyse']>[0],
  summary: string,
  /** How long a worker is waited for that can do it, and for its answer. Default: for ever. */
  patienceMs?: number,
): ReturnType<Activities['analyse']> {
  const { analyse: remote } = proxyActivities<Activities>({
    taskQueue: clusterTaskQueue(workflowInfo().taskQueue, cluster),
    startToCloseTimeout: '30 days',
    ...(patienceMs === undefined ? {} : { scheduleToCloseTimeout: patienceMs }),
    heartbeatTimeout: input.patient === true ? '60s' : '6s',
    retry: backoff,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary,
  });
  return remote(input);
}
