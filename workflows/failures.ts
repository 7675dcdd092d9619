/** Failures of the catalogue in workflow code. A plain Error would retry the workflow task for ever. */
import { ActivityFailure, ApplicationFailure, rootCause, TimeoutFailure } from '@temporalio/workflow';
import { failure, type Failure, type FailureCode, type FailureContext } from '../domain/failures.js';

export function failureError(known: Failure): ApplicationFailure {
  return ApplicationFailure.create({
    type: known.code,
    message: `${known.message} ${known.remedy}`,
    nonRetryable: true,
    details: [known],
  });
}

export function fail<C extends FailureCode>(code: C, context: FailureContext<C>): never {
  throw failureError(failure(code, context));
}

/** The catalogue failure that an error carries, through any number of wrappers. */
export function failureOf(error: unknown): Failure {
  let current: unknown = error;
  while (current instanceof Error) {
    if (current instanceof ApplicationFailure && isFailure(current.details?.[0])) return current.details[0];
    current = current.cause;
  }
  if (isTimeout(error, 'SCHEDULE_TO_START')) return failure('worker_missing', undefined);
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)
    return failure('activity_timeout', { activity: error.activityType });
  const where = error instanceof ActivityFailure ? `${error.activityType}: ` : '';
  return failure('internal', { what: `${where}${rootCause(error) ?? String(error)}` });
}

/** Whether an activity ended so. */
export const isTimeout = (error: unknown, type: TimeoutFailure['timeoutType']): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === type;

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'code' in value && 'remedy' in value;
}
