/** The events of one release from its first to its last, each once and in order, over any number of connections. */
import type { Readable } from 'node:stream';
import { hasEnded, type ReleaseEvent, type ReleaseView } from '../domain/release.js';
import type { Client } from './client.js';
import { StreamBroken, type Patience } from './patience.js';
import { messagesOf } from './sse.js';

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly patience: Patience;
  /** A connection without a byte for so long is taken for dead. Default 60 s. */
  readonly idleMs?: number;
}

/** Ends after the event `ended`, or when the release has ended and nothing more comes. Throws what the API refuses, and Unreachable. */
export async function* eventsOf(
  client: Client,
  id: string,
  { signal, patience, idleMs = 60_000 }: FollowOptions,
): AsyncGenerator<ReleaseEvent> {
  const path = `/v1/releases/${encodeURIComponent(id)}`;
  let last = 0;
  for (;;) {
    const before = last;
    try {
      const headers: Record<string, string> = last === 0 ? {} : { 'last-event-id': String(last) };
      const stream = await client.stream(`${path}/events`, { headers, signal });
      if (stream === null) return;
      patience.reached();
      for await (const message of messagesOf(lively(stream, idleMs))) {
        const event = JSON.parse(message.data) as ReleaseEvent;
        // A server that resumes too early repeats what is known.
        if (event.id <= last) continue;
        last = event.id;
        patience.ok();
        yield event;
        if (event.type === 'ended') return;
      }
      if (last === before && hasEnded((await client.get<ReleaseView>(path, { signal })).phase)) return;
      await patience.pause();
    } catch (error) {
      await patience.failed(error);
    }
  }
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
