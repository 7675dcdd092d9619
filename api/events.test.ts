import { describe, expect, it } from 'vitest';
import type { ReleaseEvent } from '../domain/release.js';
import { eventually } from '../test/rig/eventually.js';
import { createEventHub } from './events.js';
import type { Temporal } from './temporal/temporal.js';

const eventOf = (id: number, type: ReleaseEvent['type'] = 'step'): ReleaseEvent => ({
  id,
  at: '2026-01-01T00:00:00.000Z',
  type,
  step: null,
  message: `event ${id}`,
});

/** A release whose events a test makes, and who is told what was asked. */
class Source {
  readonly log: ReleaseEvent[] = [];
  asked = 0;
  listening = 0;
  failing = 0;
  private tell: (change: 'changed' | 'closed') => void = () => {};

  add(type: ReleaseEvent['type'] = 'step'): void {
    this.log.push(eventOf(this.log.length + 1, type));
    this.tell('changed');
  }

  close(): void {
    this.tell('closed');
  }

  readonly temporal = async (): Promise<Pick<Temporal, 'releaseEvents' | 'releaseChanges'>> => ({
    releaseEvents: async (_id, after) => {
      this.asked += 1;
      if (this.failing-- > 0) throw new Error('no worker');
      return this.log.slice(after);
    },
    releaseChanges: (_id, signal) => this.changes(signal),
  });

  private async *changes(signal: AbortSignal): AsyncGenerator<'changed' | 'closed', void, void> {
    this.listening += 1;
    try {
      const pending: ('changed' | 'closed')[] = ['changed'];
      let wake = (): void => {};
      this.tell = (change) => {
        pending.push(change);
        wake();
      };
      while (!signal.aborted) {
        for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
          yield next;
          if (next === 'closed') return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    } finally {
      this.listening -= 1;
    }
  }
}

const never = (): AbortSignal => new AbortController().signal;

async function idsOf(events: AsyncIterable<ReleaseEvent>): Promise<number[]> {
  const ids: number[] = [];
  for await (const event of events) ids.push(event.id);
  return ids;
}

describe('the event hub', () => {
  it('gives all events from the first, and ends with the release', async () => {
    const source = new Source();
    source.add();
    const ids = idsOf(createEventHub(source.temporal).follow('a', 0, never()));
    await eventually('the hub to listen', () => source.asked > 0);
    source.add();
    source.add('ended');
    expect(await ids).toEqual([1, 2, 3]);
  });

  it.each([
    [0, [1, 2, 3]],
    [1, [2, 3]],
    [3, []],
    [99, []],
  ])('resumes after %i without a gap', async (after, expected) => {
    const source = new Source();
    source.add();
    source.add();
    source.add('ended');
    expect(await idsOf(createEventHub(source.temporal).follow('a', after, never()))).toEqual(expected);
  });

  it('ends although nobody said "ended", when the workflow is closed', async () => {
    const source = new Source();
    source.add();
    const ids = idsOf(createEventHub(source.temporal).follow('a', 0, never()));
    await eventually('the hub to listen', () => source.asked > 0);
    source.close();
    expect(await ids).toEqual([1]);
  });

  it('asks once for a hundred readers, each of whom gets everything', async () => {
    const source = new Source();
    source.add();
    const hub = createEventHub(source.temporal);
    const readers = Array.from({ length: 100 }, () => idsOf(hub.follow('a', 0, never())));
    await eventually('the readers', () => hub.readers === 100);
    await eventually('the hub to listen', () => source.asked > 0);
    source.add('ended');
    expect(new Set((await Promise.all(readers)).map(String))).toEqual(new Set(['1,2']));
    expect(source.asked).toBeLessThanOrEqual(3);
    expect(hub.readers).toBe(0);
  });

  it('lets go of Temporal with its last reader', async () => {
    const source = new Source();
    const hub = createEventHub(source.temporal);
    const stop = new AbortController();
    const ids = idsOf(hub.follow('a', 0, stop.signal));
    await eventually('the hub to listen', () => source.listening === 1);
    stop.abort();
    expect(await ids).toEqual([]);
    await eventually('the hub to let go', () => source.listening === 0);
  });

  it('goes on where it was when the worker was away', async () => {
    const source = new Source();
    source.add();
    source.failing = 1;
    const ids = idsOf(createEventHub(source.temporal).follow('a', 0, never()));
    await eventually('the hub to ask again', () => source.asked > 1);
    source.add('ended');
    expect(await ids).toEqual([1, 2]);
  });
});
