/** When a release waits for longer than it should. Pure. */
import { milliseconds } from './duration.js';
import type { Phase, Waiting } from './release.js';

/** What is still no reason to look: of the API's settings, kept by each release that it starts. */
export interface Patience {
  /** For what has no end of its own, a pause or needs_attention; milliseconds. */
  readonly endlessMs: number;
  /** Percent of the time until the deadline of what somebody has to decide, or a place in the queue. */
  readonly share: number;
}

export const defaultPatience: Patience = { endlessMs: milliseconds('15m'), share: 50 };

/** What ends by itself may end this much late; longer means that nobody works on it. */
const lateMs = 60_000;

/** From when on a wait is longer than it should be, ISO. */
export function overdueAt(
  { since, until, can }: Pick<Waiting, 'since' | 'until' | 'can'>,
  phase: Phase,
  patience: Patience = defaultPatience,
): string {
  const begun = Date.parse(since);
  if (until === null) return at(begun + patience.endlessMs);
  const end = Date.parse(until);
  const asks = phase === 'queued' || can.includes('approve') || can.includes('resume');
  return at(asks ? begun + ((end - begun) * patience.share) / 100 : end + lateMs);
}

const at = (ms: number): string => new Date(ms).toISOString();
