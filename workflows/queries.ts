/**
 * A query of a workflow of which the worker has a part in memory is refused, to be asked again (`api/temporal/ask.ts`).
 *
 * Seen with @temporalio/worker 1.24: for a query of a workflow that it does not know yet, the worker reads the history as it is, with what
 * came after the last workflow task, acts on that, and adds the commands to those of the next task, which may bring more news. A replay
 * gets all of it in one piece and may order other commands, and the workflow is stuck. A query that fails makes the worker forget it all.
 */
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { askedTooEarly } from './messages.js';

export const interceptors: WorkflowInterceptorsFactory = () => {
  /** When the last workflow task started: the same in all that is done for it. */
  let task = '';
  let wasReplaying = false;
  let isPartial = false;
  return {
    internals: [
      {
        activate(input, next) {
          const { jobs, timestamp, isReplaying } = input.activation;
          if (jobs?.some(({ queryWorkflow }) => queryWorkflow != null) === true) {
            if (isPartial) throw new Error(askedTooEarly);
          } else if (input.batchIndex === 0) {
            const started = `${timestamp?.seconds?.toString()}.${timestamp?.nanos}`;
            // News that no task brought, right after what was replayed.
            isPartial = isReplaying !== true && wasReplaying && started === task;
            wasReplaying = isReplaying === true;
            task = started;
          }
          next(input);
        },
      },
    ],
  };
};
