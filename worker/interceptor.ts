/** Around every activity: a log of its own, and errors that leave only as failures of the catalogue. */
import { setMaxListeners } from 'node:events';
import type { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { toApplicationFailure } from '../activities/failure.js';
import { activityDuration } from './metrics.js';

export class CatalogueInterceptor implements ActivityInboundCallsInterceptor {
  constructor(
    private readonly context: Context,
    private readonly log: Logger,
  ) {}

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    // Every request of an activity listens for its cancellation; Node takes more than ten for a leak.
    setMaxListeners(0, this.context.cancellationSignal);
    const { activityType, attempt, workflowExecution } = this.context.info;
    const log = this.log.child({ release: workflowExecution?.workflowId, activity: activityType, attempt });
    const stop = activityDuration.startTimer({ activity: activityType });
    try {
      const result = await next(input);
      stop({ outcome: 'done' });
      return result;
    } catch (error) {
      if (error instanceof CancelledFailure || this.context.cancellationSignal.aborted) {
        stop({ outcome: 'cancelled' });
        throw error instanceof CancelledFailure ? error : new CancelledFailure('The activity was cancelled.');
      }
      const failed = error instanceof ApplicationFailure ? error : toApplicationFailure(error);
      stop({ outcome: failed.nonRetryable === true ? 'failed' : 'retried' });
      log.warn({ code: failed.type, reason: failed.message }, 'activity failed');
      throw failed;
    }
  }
}
