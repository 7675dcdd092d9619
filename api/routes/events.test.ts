import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporalAnswering } from '../../test/fakes/temporal.js';
import { eventually } from '../../test/rig/eventually.js';
import { createApp } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';

/** A release that does nothing, which is when a reader that went away is easily overlooked. */
let listening = 0;
async function* quiet(_id: string, signal: AbortSignal): AsyncGenerator<'changed' | 'closed', void, void> {
  listening += 1;
  yield 'changed';
  if (!signal.aborted) await once(signal, 'abort');
  listening -= 1;
}

const event = { id: 1, at: '2026-01-01T00:00:00.000Z', type: 'note', step: null, message: 'begun' } as const;
const metrics = createMetrics({ process: false });
const app = createApp({
  config: { tokens: null, publicUrl: null, eventReaders: 2 },
  temporal: temporalAnswering({
    releaseStatus: async () => ({ ended: false }),
    releaseEvents: async (_id, after) => (after === 0 ? [event] : []),
    releaseChanges: quiet,
  }),
  metrics,
  log: silentLog,
});

let server: Server;
let url: string;

beforeAll(async () => {
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server;
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/releases/a/events`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function reader(): Promise<{
  readonly status: number;
  readonly text: string;
  readonly leave: () => void;
}> {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  const chunks = response.body!.getReader();
  let text = '';
  while (!text.includes('data: ') && response.status === 200) {
    text += new TextDecoder().decode((await chunks.read()).value);
  }
  return { status: response.status, text, leave: () => stop.abort() };
}
const readers = async (): Promise<number | undefined> => (await metrics.readers.get()).values[0]?.value;

describe('the event stream over a socket', () => {
  it('lets no more readers in than it may, and notices one who leaves silently', async () => {
    const first = await reader();
    const second = await reader();
    expect(first.text).toContain(`data: ${JSON.stringify(event)}\nid: 1\n\n`);
    expect(await readers()).toBe(2);
    expect(listening).toBe(1);

    const third = await fetch(url);
    expect(third.status).toBe(503);
    expect(await third.json()).toMatchObject({ code: 'too_many_readers' });

    first.leave();
    await eventually('one place to be free', async () => (await readers()) === 1);
    const fourth = await reader();
    expect(fourth.status).toBe(200);

    second.leave();
    fourth.leave();
    await eventually('nobody to be left', async () => (await readers()) === 0 && listening === 0);
  });
});
