import { describe, expect, it } from 'vitest';
import { temporalAnswering } from '../../test/fakes/temporal.js';
import { createApp } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';

describe('DELETE /v1/applications/{name}', () => {
  const asked: unknown[] = [];
  const app = createApp({
    config: { tokens: null, publicUrl: null, eventReaders: 1 },
    temporal: temporalAnswering({ removeApplication: async (...args) => void asked.push(args) }),
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });
  const remove = async (query: string): Promise<number> => {
    const headers = { 'sluice-actor': 'ann' };
    return (await app.request(`/v1/applications/web${query}`, { method: 'DELETE', headers })).status;
  };

  it.each([
    ['', false],
    ['?force=false', false],
    ['?force=true', true],
  ])('with %j is forced: %s', async (query, force) => {
    asked.length = 0;
    expect(await remove(query)).toBe(204);
    expect(asked).toEqual([['web', { by: 'ann', force }]]);
  });

  it.each(['?force=yes', '?forced=true'])('refuses %s', async (query) => {
    expect(await remove(query)).toBe(422);
  });
});
