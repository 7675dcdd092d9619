import { describe, expect, it } from 'vitest';
import { failure } from '../../domain/failures.js';
import { environmentRow } from '../../test/fakes/environment-view.js';
import { startedAt } from '../../test/fakes/release-view.js';
import { temporalAnswering } from '../../test/fakes/temporal.js';
import { createApp, type App } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import { throwFailure } from '../problems.js';
import { views } from '../schemas/views.js';
import type { Temporal } from '../temporal/temporal.js';

const appWith = (answers: Partial<Temporal>): App =>
  createApp({
    config: { tokens: null, publicUrl: null, eventReaders: 1 },
    temporal: temporalAnswering(answers),
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });

describe('GET /v1/environments', () => {
  it('answers a page as the document says', async () => {
    const items = [{ name: 'prod', types: ['prod'], applications: 2, running: ['r1'], waiting: 1 }] as const;
    const asked: object[] = [];
    const app = appWith({
      listEnvironments: async (page) => {
        asked.push(page);
        return { items, cursor: 'prod' };
      },
    });
    const response = await app.request('/v1/environments?limit=1&cursor=eu');
    expect(views.EnvironmentList.parse(await response.json())).toEqual({ items, cursor: 'prod' });
    expect(asked).toEqual([{ limit: 1, cursor: 'eu' }]);
  });
});

describe('GET /v1/environments/{name}', () => {
  it('answers rows as the document says, also of what could not be looked at', async () => {
    const items = [
      environmentRow({ running: { release: 'r2', phase: null, since: null } }),
      environmentRow({ application: 'far', released: null, live: null, unseen: 'the cluster is away' }),
    ];
    const page = { name: 'prod', at: startedAt, items, cursor: null };
    const asked: unknown[] = [];
    const app = appWith({
      readEnvironment: async (...args) => {
        asked.push(args);
        return page;
      },
    });
    const response = await app.request('/v1/environments/prod');
    expect(views.EnvironmentView.parse(await response.json())).toEqual(page);
    expect(asked).toEqual([['prod', { limit: 50 }]]);
  });

  it('is a problem where no application declares it', async () => {
    const unknown = failure('environment_not_declared', { environment: 'prd', known: ['prod', 'test'] });
    const app = appWith({ readEnvironment: async () => throwFailure(unknown) });
    const response = await app.request('/v1/environments/prd');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 'environment_not_declared',
      detail: 'No application declares an environment "prd"; known: prod, test.',
    });
  });

  it.each(['limit=0', 'limit=201', 'live=no'])('refuses ?%s', async (query) => {
    expect((await appWith({}).request(`/v1/environments/prod?${query}`)).status).toBe(422);
  });
});

describe('POST /v1/environments/{name}/clean', () => {
  const asked: unknown[] = [];
  const app = appWith({
    cleanEnvironment: async (...args) => {
      asked.push(args);
      return { name: 'prod', dryRun: true, items: [], unseen: [] };
    },
  });
  const clean = (body: object): Promise<Response> =>
    Promise.resolve(
      app.request('/v1/environments/prod/clean', {
        method: 'POST',
        body: JSON.stringify({ dryRun: true, ...body }),
        headers: { 'content-type': 'application/json', 'sluice-actor': 'ann' },
      }),
    );

  it.each([
    [{}, null],
    [{ namespace: 'shop' }, { cluster: 'default', namespace: 'shop' }],
    [
      { namespace: 'shop', cluster: 'eu' },
      { cluster: 'eu', namespace: 'shop' },
    ],
  ])('%j looks at %j as well', async (body, spot) => {
    asked.length = 0;
    expect((await clean(body)).status).toBe(200);
    expect(asked).toEqual([['prod', { dryRun: true, reason: '', by: 'ann', spot }]]);
  });

  it('refuses a cluster without a namespace', async () => {
    const response = await clean({ cluster: 'eu' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ pointer: '/namespace' }] });
  });
});
