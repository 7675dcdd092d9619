/** /v1/releases/{id}/events: server-sent events that resume without a gap and end with the release. */
import { streamSSE } from 'hono/streaming';
import { failure } from '../../domain/failures.js';
import type { App, AppDeps } from '../app.js';
import type { EventHub } from '../events.js';
import { throwFailure } from '../problems.js';
import { describe } from './describe.js';

/** A comment so often, so that proxies and readers know that the stream lives. */
const heartbeatMs = 15_000;

export function eventRoutes(app: App, { temporal, config, metrics }: AppDeps, hub: EventHub): void {
  let readers = 0;
  const count = (change: 1 | -1): void => {
    readers += change;
    metrics.readers.set(readers);
  };
  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/releases/{id}/events',
      summary: 'Events as they happen: id is the number, data a ReleaseEvent; ends with the release',
      tag: 'releases',
      role: 'viewer',
      headers: { 'Last-Event-ID': 'Id of the last event that was read; only later ones come.' },
      answers: {
        200: { description: 'text/event-stream', schema: 'ReleaseEvent', type: 'text/event-stream' },
        204: { description: 'The release has ended and there is nothing after Last-Event-ID' },
      },
      problems: [404, 422, 503],
    }),
    async (c) => {
      const id = c.req.param('id');
      const after = lastEventId(c.req.header('last-event-id'));
      const api = await temporal();
      const { ended } = await api.releaseStatus(id);
      // 204 tells an EventSource not to come back.
      if (ended && after > 0 && (await api.releaseEvents(id, after)).length === 0) return c.body(null, 204);
      if (readers >= config.eventReaders) {
        return throwFailure(failure('too_many_readers', { limit: config.eventReaders }));
      }
      count(1);
      c.header('x-accel-buffering', 'no');
      return streamSSE(c, async (stream) => {
        const stop = new AbortController();
        stream.onAbort(() => stop.abort());
        c.req.raw.signal.addEventListener('abort', () => stop.abort(), { once: true });
        const heartbeat = setInterval(() => void stream.write(': still here\n\n'), heartbeatMs);
        const events = hub.follow(id, after, stop.signal);
        try {
          await stream.write(': events follow\n\nretry: 1000\n\n');
          for await (const event of events) {
            await stream.writeSSE({ id: String(event.id), data: JSON.stringify(event) });
          }
        } finally {
          clearInterval(heartbeat);
          stop.abort();
          count(-1);
        }
      });
    },
  );
}

function lastEventId(header: string | undefined): number {
  if (header === undefined || header === '') return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  return throwFailure(
    failure('invalid_field', {
      what: `Last-Event-ID ${JSON.stringify(header.slice(0, 40))} is not the id of an event.`,
      remedy: 'Send the id of the last event, a whole number, or nothing.',
    }),
  );
}
