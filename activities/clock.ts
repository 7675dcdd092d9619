/** Time for activities. The wall clock of a worker may be wrong, or set by hours in the middle of a wait. */
import type { Info } from '@temporalio/activity';

/** For durations: milliseconds of a clock that nobody sets. */
export const uptimeMs = (): number => performance.now();

/** A task begins so soon after it was scheduled, unless a clock is wrong or the workers are behind. */
const plausibleMs = 10_000;

/**
 * What time it is for Temporal, whose clock the times in an activity's input come from; ms since the epoch. The worker's own clock is
 * believed at the begin of an attempt where it fits the moment at which Temporal scheduled it, and never again.
 */
export function temporalClock(
  { currentAttemptScheduledTimestampMs: scheduled }: Pick<Info, 'currentAttemptScheduledTimestampMs'>,
  wallMs: () => number = Date.now,
  upMs: () => number = uptimeMs,
): () => number {
  const own = wallMs();
  const fits = own > scheduled - 1_000 && own < scheduled + plausibleMs;
  const offset = (fits ? own : scheduled) - upMs();
  return () => offset + upMs();
}

/** How long ago the activity was first scheduled, by Temporal's clock up to this attempt; ms. */
export function elapsedClock(
  info: Pick<Info, 'scheduledTimestampMs' | 'currentAttemptScheduledTimestampMs'>,
  upMs: () => number = uptimeMs,
): () => number {
  const before = Math.max(0, info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs);
  const begun = upMs();
  return () => before + upMs() - begun;
}
