/** Going on while the server is away: what may pass is waited for, what the API refuses is not. */
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, Unreachable } from './errors.js';

export interface PatienceOptions {
  readonly signal: AbortSignal;
  /** How long the server may be away before this gives up. Default 2 min. */
  readonly patienceMs?: number;
  /** Told once for each time that the server went away. */
  readonly onAway?: (why: string) => void;
}

/** A connection that ended before its answer did. */
export class StreamBroken extends Error {
  override readonly name = 'StreamBroken';
}

export class Patience {
  private awaySince: number | null = null;
  private attempts = 0;

  constructor(private readonly options: PatienceOptions) {}

  /** The server is there again; whether it stays is not known yet. */
  reached(): void {
    this.awaySince = null;
  }

  /** The server answered in full. */
  ok(): void {
    this.awaySince = null;
    this.attempts = 0;
  }

  /** Waits a little before the next try; throws the error where trying again is no use, or no longer. */
  async failed(error: unknown): Promise<void> {
    const { signal, patienceMs = 120_000, onAway } = this.options;
    if (signal.aborted) throw signal.reason;
    const why = passing(error);
    if (why === null) throw error;
    if (this.awaySince === null) onAway?.(why);
    this.awaySince ??= Date.now();
    if (Date.now() - this.awaySince > patienceMs) throw error;
    await this.pause();
  }

  /** Longer with each one in a row, up to 5 s. */
  async pause(): Promise<void> {
    const ms = Math.min(5_000, 100 * 2 ** this.attempts++);
    await delay(ms, undefined, { signal: this.options.signal });
  }

  /** Asks until there is an answer. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await question();
        this.ok();
        return answer;
      } catch (error) {
        await this.failed(error);
      }
    }
  }
}

/** Why trying again may help, or null where it cannot. */
function passing(error: unknown): string | null {
  if (error instanceof Unreachable) return error.why;
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429 ? error.message : null;
  return error instanceof StreamBroken ? error.message : null;
}
