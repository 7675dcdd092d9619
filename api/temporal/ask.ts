/** Asking a workflow. */
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';

const againMs = 20;

/**
 * A query, only while no task of the workflow waits for a worker. Seen with @temporalio/worker 1.24: a worker that has just begun and is
 * asked before it got the waiting task may answer from a part of the history, keep what it computed, and go on in another way than a
 * replay does. Ends with the deadline of the calls around it.
 */
export async function ask<T>(handle: Pick<WorkflowHandle, 'describe'>, query: () => Promise<T>): Promise<T> {
  while ((await handle.describe()).raw.pendingWorkflowTask != null) await delay(againMs);
  return query();
}
