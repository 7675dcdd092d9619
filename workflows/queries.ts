/**
 * Queries that would make a history unrepeatable, as seen with @temporalio/worker 1.24.
 *
 * One of a workflow of which the worker may know something that no workflow task brought is refused, to be asked again
 * (`api/temporal/client.ts`): for a query of a workflow that it does not know yet, the worker reads the history as it is, with what
 * came after the last completed workflow task, acts on that, and adds the commands to those of the next task, which may bring more news.
 * A replay gets all of it in one piece and may order other commands, and the workflow is stuck. A query that fails makes the worker
 * forget it all.
 *
 * One that came with a workflow task is not answered while a local activity runs: with the answer the worker would end the task, and where
 * the activity has ended meanwhile, record that before the workflow knows of it. What the workflow does next is then told in a task that may
 * bring more news, but a replay does it before those. Temporal asks again by itself when the task is done.
 */
import { defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { askedTooEarly, settledHeader, type Settled } from './messages.js';

/** What the worker calls a query that came without a workflow task. */
const withoutTask = 'legacy_query';

export const interceptors: WorkflowInterceptorsFactory = () => {
  /** When the last workflow task started: the same in all that is done for it. */
  let task = '';
  let isReplayed = false;
  /**
   * What was done last may not belong to a task of this worker: it came right after a replay, or in a task that was done, and is not the
   * result of a local activity.
   */
  let isDoubtful = false;
  let localActivities = 0;
  /** Queries that were not answered with their task, and come again without one: this worker has done that task. */
  let owed = 0;
  return {
    outbound: [
      {
        async scheduleLocalActivity(input, next) {
          localActivities++;
          try {
            return await next(input);
          } finally {
            localActivities--;
          }
        },
      },
    ],
    internals: [
      {
        activate(input, next) {
          const { jobs, runId, timestamp, isReplaying, historyLength } = input.activation;
          const asked = jobs?.find(({ queryWorkflow }) => queryWorkflow != null)?.queryWorkflow;
          // Queries come by themselves.
          if (asked != null && asked.queryId !== withoutTask && localActivities > 0) {
            owed += jobs!.length;
            return;
          }
          if (asked?.queryId === withoutTask && !isReplayed) {
            const payload = asked.headers?.[settledHeader];
            const settled = payload == null ? null : defaultPayloadConverter.fromPayload<Settled>(payload);
            const isCertain =
              settled === null
                ? !isDoubtful
                : settled.runId === runId && settled.events >= Number(historyLength);
            const isOwed = owed > 0 && !isDoubtful;
            if (!isCertain && !isOwed) throw new Error(askedTooEarly);
            owed = Math.max(0, owed - 1);
          } else if (asked == null && input.batchIndex === 0) {
            const started = `${timestamp?.seconds?.toString()}.${timestamp?.nanos}`;
            const isOwn = jobs?.some(({ resolveActivity }) => resolveActivity?.isLocal === true) === true;
            isDoubtful = isReplaying !== true && (isReplayed || (started === task && (isDoubtful || !isOwn)));
            isReplayed = isReplaying === true;
            task = started;
          }
          next(input);
        },
      },
    ],
  };
};
