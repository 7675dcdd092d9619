import { describe, expect, it } from 'vitest';
import { laneList, laneView } from '../../test/fakes/lane-list.js';
import { temporalAnswering } from '../../test/fakes/temporal.js';
import { createApp, type App } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import { views } from '../schemas/views.js';
import type { Temporal } from '../temporal/temporal.js';

const appWith = (answers: Partial<Temporal>): App =>
  createApp({
    config: { tokens: null, publicUrl: null, eventReaders: 1 },
    temporal: temporalAnswering(answers),
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });

describe('GET /v1/lanes', () => {
  it.each([
    ['', undefined],
    ['?environment=prod', 'prod'],
  ])('answers as the document says to %j', async (query, environment) => {
    const unseen = [{ environment: 'prod', application: 'far', why: 'the cluster is away' }];
    const list = { ...laneList(laneView(), laneView({ tag: null, entries: [] })), unseen };
    const asked: unknown[] = [];
    const app = appWith({
      listLanes: async (...args) => {
        asked.push(...args);
        return list;
      },
    });
    const response = await app.request(`/v1/lanes${query}`);
    expect(views.LaneList.parse(await response.json())).toEqual(list);
    expect(asked).toEqual([environment]);
  });

  it.each(['environment=', 'environment=Prod', 'limit=1'])('refuses ?%s', async (query) => {
    expect((await appWith({}).request(`/v1/lanes?${query}`)).status).toBe(422);
  });
});
