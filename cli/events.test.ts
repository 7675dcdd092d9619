import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReleaseEvent } from '../domain/release.js';
import { FakeApi, problem } from '../test/fakes/sluice-api.js';
import { endedView, releaseId, sampleEvents, sampleView } from '../test/fakes/release-view.js';
import { Client } from './client.js';
import { Unreachable } from './errors.js';
import { eventsOf } from './events.js';
import { Patience, type PatienceOptions } from './patience.js';

let api: FakeApi;
beforeEach(async () => void (api = await FakeApi.start()));
afterEach(() => api.close());

async function follow(
  options: Partial<PatienceOptions> & { readonly idleMs?: number } = {},
): Promise<ReleaseEvent[]> {
  const client = new Client({ server: api.url, token: null, actor: 'ann' });
  const events: ReleaseEvent[] = [];
  const { signal } = new AbortController();
  const { idleMs, ...rest } = options;
  const patience = new Patience({ signal, ...rest });
  const following = { signal, patience, ...(idleMs === undefined ? {} : { idleMs }) };
  for await (const event of eventsOf(client, releaseId, following)) events.push(event);
  return events;
}

describe('following a release', () => {
  it('gives each event once and in order over connections that break in the middle of a message', async () => {
    const events = sampleEvents(9);
    api.release([sampleView()], events, [2, 3, 7]);
    expect(await follow()).toEqual(events);
    expect(api.asked.map((a) => a.headers['last-event-id'])).toEqual([undefined, '2', '3', '7']);
  });

  it('tells once that the server went away', async () => {
    const away: string[] = [];
    api.release([sampleView()], sampleEvents(3), [1]);
    await follow({ onAway: (why) => void away.push(why) });
    expect(away).toHaveLength(1);
  });

  it('leaves out what a server repeats that resumes too early', async () => {
    const events = sampleEvents(4);
    const lines = (some: readonly ReleaseEvent[]): string =>
      some.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('');
    let connection = 0;
    api.release([sampleView()], []).on(`GET /v1/releases/${releaseId}/events`, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(lines(connection++ === 0 ? events.slice(0, 2) : events));
    });
    expect(await follow()).toEqual(events);
  });

  it('ends when the release has ended and nothing more comes', async () => {
    api
      .release([endedView('succeeded')], [])
      .on(`GET /v1/releases/${releaseId}/events`, (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
      });
    expect(await follow()).toEqual([]);
  });

  it('takes a silent connection for dead', async () => {
    const events = sampleEvents(2);
    let connection = 0;
    api.release([sampleView()], events).on(`GET /v1/releases/${releaseId}/events`, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      if (connection++ > 0) response.end(events.map((e) => `data: ${JSON.stringify(e)}\n\n`).join(''));
    });
    expect(await follow({ idleMs: 50 })).toEqual(events);
  });

  it('does not go on where the API refuses', async () => {
    api.answer(
      `GET /v1/releases/${releaseId}/events`,
      404,
      problem('release_unknown', 404, 'no such release'),
    );
    await expect(follow()).rejects.toThrow('no such release');
  });

  it('gives up on a server that stays away longer than its patience', async () => {
    api.answer(
      `GET /v1/releases/${releaseId}/events`,
      503,
      problem('temporal_unreachable', 503, 'Temporal is away'),
    );
    await expect(follow({ patienceMs: 0 })).rejects.toThrow('Temporal is away');
    await api.close();
    await expect(follow({ patienceMs: 0 })).rejects.toBeInstanceOf(Unreachable);
  });
});
