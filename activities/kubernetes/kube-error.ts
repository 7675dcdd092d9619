/** What the API server answers where it does not do what was asked. */
import type { Dispatcher } from 'undici';

/** The answer of a call that failed in a way that the caller may want to tell apart. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    /** Seconds, from Retry-After. */
    readonly retryAfter: number | null,
  ) {
    super(message);
  }
}

export function errorOf(response: Dispatcher.ResponseData, text: string): KubeError {
  let reason = String(response.statusCode);
  let message = text.slice(0, 1_000);
  try {
    const status = JSON.parse(text) as { reason?: string; message?: string };
    reason = status.reason ?? reason;
    message = status.message ?? message;
  } catch {
    // A proxy answered in its own words; they are the message.
  }
  const retryAfter = Number(response.headers['retry-after']);
  return new KubeError(
    response.statusCode,
    reason,
    message,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  );
}
