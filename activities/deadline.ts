/** One call with a time limit, which also ends when the caller is cancelled. */

import { setMaxListeners } from 'node:events';

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Runs `call` with a signal that aborts after `ms` milliseconds or with `outer`, whose reason is then thrown.
 * Not AbortSignal.any: on a signal that lives for days its followers pile up.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const own = new AbortController();
  // Node takes more than ten followers for a leak; these go with the call.
  setMaxListeners(0, own.signal);
  const follow = (): void => own.abort(outer?.reason);
  const timer = setTimeout(() => own.abort(new DeadlineError(`no answer within ${ms} ms`)), ms);
  outer?.addEventListener('abort', follow, { once: true });
  const ended = new Promise<never>((_, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([call(own.signal), ended]);
  } catch (error) {
    // Clients wrap an abort in errors of their own; the reason is what happened.
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', follow);
  }
}
