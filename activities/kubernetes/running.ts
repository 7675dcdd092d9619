/** The activity that runs, as the functions of this folder see it. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { elapsedClock } from '../clock.js';

export interface Running {
  /** Aborts when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** When the first attempt was scheduled, ms since the epoch: what is newer was made by somebody after us. */
  readonly since: number;
  /** Sets the status that the heartbeats carry, a short sentence for people. */
  readonly say: (status: string) => void;
  /**
   * How much of a time that counts from `since` is left; at least half a minute, or all of it where that is shorter, so that a
   * worker that was away can still look.
   */
  readonly left: (ms: number) => number;
  /** Whether such a time is over and this is not the first look: then nothing that may pass is waited for any more. */
  readonly isOver: (ms: number) => boolean;
  /** How long ago the first attempt was scheduled, ms; a clock that is set meanwhile does not change it. */
  readonly elapsed: () => number;
}

/** Well below the heartbeat timeout of six seconds. */
const beatMs = 1_000;
const leastMs = 30_000;

/** Runs the work of an activity under heartbeats that say how far it is. */
export async function beating<T>(first: string, work: (running: Running) => Promise<T>): Promise<T> {
  const context = Context.current();
  // Every request follows the cancellation, which Node takes for a leak above ten.
  setMaxListeners(0, context.cancellationSignal);
  let status = first;
  const beat = (): void => context.heartbeat(status);
  const say = (text: string): void => {
    status = text;
    beat();
  };
  beat();
  const timer = setInterval(beat, beatMs);
  const since = context.info.scheduledTimestampMs;
  const elapsed = elapsedClock(context.info);
  const left = (ms: number): number => Math.max(Math.min(ms, leastMs), ms - elapsed());
  const isOver = (ms: number): boolean => context.info.attempt > 1 && elapsed() >= ms;
  try {
    return await work({ signal: context.cancellationSignal, since, say, left, isOver, elapsed });
  } finally {
    clearInterval(timer);
  }
}

/** Lets connections end; the time counts from when the activity was first scheduled. */
export async function drained({ elapsed, signal, say }: Running, ms: number): Promise<void> {
  const left = ms - elapsed();
  if (left <= 0) return;
  say('connections drain');
  await delay(left, undefined, { signal });
}
