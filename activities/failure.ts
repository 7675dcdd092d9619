/** The one place where an error becomes a failure of the catalogue, and where retry or terminal is decided. */
import { ApplicationFailure } from '@temporalio/common';
import { failure, type Failure, type FailureCode, type FailureContext } from '../domain/failures.js';

/** An error that carries a catalogue failure; activities throw it, the interceptor below makes Temporal understand it. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  constructor(
    readonly failure: Failure,
    /** When the neighbour said that it wants to be asked again. */
    readonly retryAfterMs?: number,
  ) {
    super(failure.message);
  }
}

export function fail<C extends FailureCode>(code: C, context: FailureContext<C>): never {
  throw new CatalogueError(failure(code, context));
}

/** As Temporal carries it: type = code, details = [failure]; a terminal one is not retried. No cause, which could carry headers. */
export function toApplicationFailure(error: unknown): ApplicationFailure {
  const known =
    error instanceof CatalogueError ? error.failure : failure('internal', { what: describe(error) });
  return ApplicationFailure.create({
    type: known.code,
    message: `${known.message} ${known.remedy}`,
    nonRetryable: !known.retryable,
    ...(error instanceof CatalogueError && error.retryAfterMs !== undefined
      ? { nextRetryDelay: error.retryAfterMs }
      : {}),
    details: [known],
  });
}

/** Name and message only: the whole error may carry requests with credentials. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  const own = code === undefined || message.includes(code) ? message : `${code} ${message}`;
  if (!(error.cause instanceof Error)) return own;
  const cause = describe(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}
