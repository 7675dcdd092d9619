/** The queue of one application in one environment: who holds it, who waits, in order. Pure. */
import type { HistoryEntry } from './release.js';

export interface Queue {
  readonly running: string | null;
  readonly waiting: readonly string[];
}

/** Takes the turn or a place; who is there already keeps it (the same object is answered). */
export function take(queue: Queue, release: string): Queue {
  if (queue.running === release || queue.waiting.includes(release)) return queue;
  if (queue.running === null) return { ...queue, running: release };
  return { ...queue, waiting: [...queue.waiting, release] };
}

/** Leaves turn or place; the next in line gets the turn. */
export function leave(queue: Queue, release: string): Queue {
  const waiting = queue.waiting.filter((r) => r !== release);
  if (queue.running !== release) return { ...queue, waiting };
  return { running: waiting[0] ?? null, waiting: waiting.slice(1) };
}

/**
 * When the running release is asked again whether it is there: one that was terminated cannot give its turn back. Every 10 s, then less
 * often the longer the others wait. Each question is some events in its history, of which Temporal allows 50,000, and 10,000 signals.
 */
export const pingAfterMs = (waitedMs: number): number => Math.max(10_000, waitedMs / 20);

/** What an environment shows: who is there, and what the last success left. */
export function environmentAfter(
  name: string,
  queue: Queue,
  history: readonly HistoryEntry[],
): {
  name: string;
  running: string | null;
  queue: readonly string[];
  digest: string | null;
  version: string | null;
} {
  const last = history.find((h) => h.environment === name && h.phase === 'succeeded');
  return {
    name,
    running: queue.running,
    queue: queue.waiting,
    digest: last?.digest ?? null,
    version: last?.version ?? null,
  };
}
