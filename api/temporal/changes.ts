/** When a release has something new to tell: its history is waited for, so nothing is asked while nothing happens. */
import type { GetWorkflowExecutionHistoryRequest, WorkflowService } from '@temporalio/client';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { TemporalAccess } from './access.js';
import { isTimeout } from './errors.js';

/** The server answers empty-handed after about 20 s; this is the net below it. */
const pollMs = 60_000;

/**
 * Yields "changed" after workflow tasks (nothing else changes what a release says of itself), and "closed" once at its end, which ends the
 * iteration. Throws what Temporal throws; the caller begins again.
 */
export async function* releaseChanges(
  { client, namespace }: TemporalAccess,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<'changed' | 'closed', void, void> {
  let nextPageToken: Uint8Array | null = null;
  while (!signal.aborted) {
    const request: GetWorkflowExecutionHistoryRequest = {
      namespace,
      execution: { workflowId: releaseWorkflowId(id) },
      waitNewEvent: true,
      nextPageToken,
    };
    try {
      const answer = await client.withDeadline(Date.now() + pollMs, () =>
        abortable(signal, (own) =>
          client.withAbortSignal(own, () => client.workflowService.getWorkflowExecutionHistory(request)),
        ),
      );
      const events = answer.history?.events ?? [];
      if (events.some(closes)) {
        yield 'closed';
        return;
      }
      if (events.some((event) => event.workflowTaskCompletedEventAttributes != null)) yield 'changed';
      if (
        answer.nextPageToken !== null &&
        answer.nextPageToken !== undefined &&
        answer.nextPageToken.length > 0
      ) {
        nextPageToken = answer.nextPageToken;
      }
    } catch (error) {
      if (!isTimeout(error)) throw error;
    }
  }
}

type HistoryEvent = NonNullable<
  NonNullable<Awaited<ReturnType<WorkflowService['getWorkflowExecutionHistory']>>['history']>['events']
>[number];
const closes = (event: HistoryEvent): boolean =>
  [
    event.workflowExecutionCompletedEventAttributes,
    event.workflowExecutionFailedEventAttributes,
    event.workflowExecutionCanceledEventAttributes,
    event.workflowExecutionTerminatedEventAttributes,
    event.workflowExecutionTimedOutEventAttributes,
    event.workflowExecutionContinuedAsNewEventAttributes,
  ].some((attributes) => attributes != null);

/** A signal of its own for each call: the client never takes its listener off again, and a stream may last for days. */
async function abortable<T>(signal: AbortSignal, work: (own: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const stop = (): void => own.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(own.signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
