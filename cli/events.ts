/** The events of one release from its first to its last, each once and in order, over any number of connections. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { hasEnded, type ReleaseEvent, type ReleaseView } from '../domain/release.js';
import type { Client } from './client.js';
import { ApiError, Unreachable } from './errors.js';
import { messagesOf } from './sse.js';

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** How long the server may be away before this gives up. Default 2 min. */
  readonly patienceMs?: number;
  /** A connection without a byte for so long is taken for dead. Default 60 s. */
  readonly idleMs?: number;
  /** Told once for each time that the server went away. */
  readonly onAway?: (why: string) => void;
}

/** Ends after the event `ended`, or when the release has ended and nothing more comes. Throws what the API refuses, and Unreachable. */
export async function* eventsOf(
  client: Client,
  id: string,
  options: FollowOptions,
): AsyncGenerator<ReleaseEvent> {
  const path = `/v1/releases/${encodeURIComponent(id)}`;
  let last = 0;
  let awaySince: number | null = null;
  for (let attempt = 0; ; attempt++) {
    let heard = false;
    try {
      const stream = await client.stream(`${path}/events`, {
        headers: last === 0 ? {} : { 'last-event-id': String(last) },
        signal: options.signal,
      });
      if (stream === null) return;
      awaySince = null;
      for await (const message of messagesOf(lively(stream, options.idleMs ?? 60_000))) {
        const event = JSON.parse(message.data) as ReleaseEvent;
        // A server that resumes too early repeats what is known.
        if (event.id <= last) continue;
        last = event.id;
        heard = true;
        attempt = 0;
        yield event;
        if (event.type === 'ended') return;
      }
      if (!heard && hasEnded((await client.get<ReleaseView>(path, { signal: options.signal })).phase)) return;
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      const why = passing(error);
      if (why === null) throw error;
      if (awaySince === null) options.onAway?.(why);
      awaySince ??= Date.now();
      if (Date.now() - awaySince > (options.patienceMs ?? 120_000)) throw error;
    }
    await delay(Math.min(5_000, 100 * 2 ** attempt), undefined, { signal: options.signal });
  }
}

/** Why trying again may help, or null where it cannot. */
function passing(error: unknown): string | null {
  if (error instanceof Unreachable) return error.why;
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429 ? error.message : null;
  return error instanceof StreamBroken ? error.message : null;
}

class StreamBroken extends Error {
  override readonly name = 'StreamBroken';
}

async function* lively(stream: Readable, idleMs: number): AsyncGenerator<Uint8Array> {
  const watchdog = setTimeout(() => stream.destroy(new Error(`nothing came for ${idleMs} ms`)), idleMs);
  try {
    for await (const chunk of stream) {
      watchdog.refresh();
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw new StreamBroken(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(watchdog);
    stream.destroy();
  }
}
