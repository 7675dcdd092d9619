/** Many readers of a release's events, one conversation with Temporal: events are asked for once and kept while somebody reads. */
import type { ReleaseEvent } from '../domain/release.js';
import type { Temporal } from './temporal/temporal.js';

type Source = Pick<Temporal, 'releaseEvents' | 'releaseChanges'>;

export interface EventHub {
  /** Readers now, of all releases. */
  readonly readers: number;
  /**
   * Events with an id above `after`, as they happen; ends when the release has ended or the signal aborts. While Temporal or the worker is
   * away it waits.
   */
  follow(id: string, after: number, signal: AbortSignal): AsyncGenerator<ReleaseEvent, void, void>;
}

/** How long to wait after an error before asking again. */
const pauseMs = 1_000;

export function createEventHub(temporal: () => Promise<Source>): EventHub {
  const feeds = new Map<string, Feed>();
  let readers = 0;
  return {
    get readers() {
      return readers;
    },
    async *follow(id, after, signal) {
      const feed = feeds.get(id) ?? new Feed(id, temporal);
      feeds.set(id, feed);
      readers += 1;
      feed.readers += 1;
      try {
        yield* feed.read(after, signal);
      } finally {
        readers -= 1;
        feed.readers -= 1;
        if (feed.readers === 0) {
          feed.stop();
          if (feeds.get(id) === feed) feeds.delete(id);
        }
      }
    },
  };
}

class Feed {
  readers = 0;
  private readonly events: ReleaseEvent[] = [];
  private ended = false;
  private wake: () => void = () => {};
  private changed = new Promise<void>((resolve) => (this.wake = resolve));
  private readonly stopping = new AbortController();
  private running = false;

  constructor(
    private readonly id: string,
    private readonly temporal: () => Promise<Source>,
  ) {}

  async *read(after: number, signal: AbortSignal): AsyncGenerator<ReleaseEvent, void, void> {
    if (!this.running) {
      this.running = true;
      void this.run();
    }
    let last = after;
    while (!signal.aborted) {
      // Ids count up from 1 without a gap, so an id is also a place in the list.
      for (; last < this.events.length && !signal.aborted; last++) yield this.events[last]!;
      if (this.ended) return;
      await either(this.changed, signal);
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !this.ended) {
      try {
        await this.listen(signal);
      } catch {
        await pause(pauseMs, signal);
      }
    }
  }

  private async listen(signal: AbortSignal): Promise<void> {
    const source = await this.temporal();
    for await (const change of source.releaseChanges(this.id, signal)) {
      const fresh = await source.releaseEvents(this.id, this.events.length);
      this.events.push(...fresh);
      this.ended = change === 'closed' || fresh.some((event) => event.type === 'ended');
      if (fresh.length > 0 || this.ended) this.tell();
      if (this.ended) return;
    }
  }

  private tell(): void {
    const wake = this.wake;
    this.changed = new Promise((resolve) => (this.wake = resolve));
    wake();
  }
}

async function either(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([promise, aborted]);
  signal.removeEventListener('abort', stop);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
