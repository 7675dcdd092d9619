/** The Temporal client, with queries that a worker can answer from what it knows for certain (`workflows/queries.ts`). */
import { setTimeout as delay } from 'node:timers/promises';
import {
  Client,
  QueryNotRegisteredError,
  type ClientOptions,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { defaultPayloadConverter, type WorkflowExecution } from '@temporalio/common';
import { askedTooEarly, settledHeader, type Settled } from '../../workflows/messages.js';

const firstDelayMs = 10;
const longestDelayMs = 200;

export function createClient(options: ClientOptions): Client {
  return new Client({ ...options, interceptors: { workflow: [settledQueries(new Client(options))] } });
}

/** Tells the worker how much of the history is settled, and asks again what it refused. Ends with the deadline of the calls around it. */
function settledQueries(plain: Client): WorkflowClientInterceptor {
  return {
    async query(input, next) {
      for (let ms = firstDelayMs; ; ms = Math.min(ms * 2, longestDelayMs)) {
        const settled = await settledPart(plain, input.workflowExecution);
        if (settled !== null) {
          const headers = { ...input.headers, [settledHeader]: defaultPayloadConverter.toPayload(settled) };
          try {
            return await next({ ...input, headers });
          } catch (error) {
            if (!isTooEarly(error)) throw error;
          }
        }
        await delay(ms);
      }
    },
  };
}

/** Null: a worker is at work on what came last. */
async function settledPart(plain: Client, execution: WorkflowExecution): Promise<Settled | null> {
  const { workflowId, runId } = execution;
  const { raw, ...seen } = await plain.workflow.getHandle(workflowId!, runId ?? undefined).describe();
  const { pendingWorkflowTask: task } = raw;
  if (task == null) return { runId: seen.runId, events: seen.historyLength };
  // One that fails again and again: the server tells it better.
  return (task.attempt ?? 1) > 1 ? { runId: seen.runId, events: 0 } : null;
}

/** The client has one error for every query that fails. */
const isTooEarly = (error: unknown): boolean =>
  error instanceof QueryNotRegisteredError && error.message.includes(askedTooEarly);
