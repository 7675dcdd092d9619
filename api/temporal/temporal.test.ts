/** The API against a real Temporal server and a worker with the real workflows; only the cluster is not there. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { z } from '@hono/zod-openapi';
import { Client, Connection } from '@temporalio/client';
import type { ReleaseEvent, ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { eventually } from '../../test/rig/eventually.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import { createApp, type App } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import type { Problem } from '../problems.js';
import { views } from '../schemas/views.js';
import { openTemporal, type Temporal } from './temporal.js';

// Whoever shares the machine may slow a step down; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const queue = 'api-test';
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> } | null = null;
let temporal: Temporal;
let app: App;
/** Images that the registry has not got, until a test pushes them. */
const absent = new Set<string>();
/** Where stable was written, as "application namespace". */
const written: string[] = [];

beforeAll(async () => {
  server = await startTemporalServer();
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  app = appOver(temporal);
});

afterAll(async () => {
  await worker?.stop();
  await temporal.close();
  await server.stop();
});

const appOver = (api: Temporal): App =>
  createApp({
    config: { tokens: null, publicUrl: null, eventReaders: 50 },
    temporal: async () => api,
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });

async function startWorker(): Promise<void> {
  const working = workingActivities();
  const activities = workingActivities({
    deployStable: (input) => {
      written.push(`${input.target.application} ${input.target.namespace}`);
      return working.deployStable(input);
    },
    resolveImage: (input) =>
      working.resolveImage(absent.has(input.image) ? { ...input, image: `${input.image}:missing` } : input),
  });
  worker = await server.work(queue, activities);
  await eventually('a worker to poll', async () => (await ask('GET', '/readyz')).status === 200);
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.request(path, {
    method,
    headers: { 'content-type': 'application/json', 'sluice-actor': 'alice', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** The answer, which has to be as the document says. */
async function get<T extends z.ZodType>(schema: T, path: string): Promise<z.output<T>> {
  const { status, body } = await ask('GET', path);
  expect(status).toBe(200);
  return schema.parse(body);
}

const release = (name: string, tag: string, more: object = {}) => ({
  applications: [{ name, image: `r.example/${name}:${tag}` }],
  ...more,
});
const declare = (name: string, settings: object = {}) =>
  ask('PUT', `/v1/applications/${name}`, {
    name,
    image: `r.example/${name}`,
    release: settings,
    environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  });

async function start(name: string, tag: string, more: object = {}): Promise<string> {
  const { status, body } = await ask('POST', '/v1/releases', release(name, tag, more));
  expect(status).toBe(202);
  return views.AcceptedRelease.parse(body).id;
}

const viewOf = async (id: string): Promise<ReleaseView> =>
  (await ask('GET', `/v1/releases/${id}`)).body as ReleaseView;
const reaches = (id: string, phase: string): Promise<ReleaseView> =>
  eventually(`release ${id} to be ${phase}`, async () => {
    const view = await viewOf(id);
    return view.phase === phase ? view : null;
  });

/** Its last phase is told a moment before its workflow closes. */
async function ends(id: string, phase: string): Promise<void> {
  await reaches(id, phase);
  await eventually('its workflow to close', async () => (await temporal.releaseStatus(id)).ended);
}

async function approve(id: string): Promise<Answer> {
  const { planHash } = await reaches(id, 'waiting_for_approval');
  return ask('POST', `/v1/releases/${id}/decisions`, { decision: 'approve', planHash });
}

async function eventsOf(id: string, after?: number): Promise<ReleaseEvent[]> {
  const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': String(after) };
  const text = await (await app.request(`/v1/releases/${id}/events`, { headers })).text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as ReleaseEvent);
}

describe('without a worker', () => {
  it('says that it is not ready, and why', async () => {
    const { status, body } = await ask('GET', '/readyz');
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'worker_missing', remedy: expect.stringContaining('Start a worker') });
  });

  it('does not let a declaration wait for ever', async () => {
    expect(await declare('early')).toMatchObject({
      status: 503,
      body: { code: 'worker_missing', retryable: true },
    });
  });
});

describe('with a worker', () => {
  beforeAll(startWorker, 60_000);

  it('knows no application whose workflow runs and was never told what it is', async () => {
    const connection = await Connection.connect({ address: server.address });
    const { workflow } = new Client({ connection });
    const bare = await workflow.start('application', { workflowId: 'application/bare', taskQueue: queue });
    const { status, body } = await ask('POST', '/v1/releases', release('bare', 'v1'));
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'application_unknown' } });
    expect(await declare('bare')).toMatchObject({ status: 201, body: { version: 1, created: true } });
    await bare.terminate();
    await connection.close();
  });

  it('declares, changes and leaves unchanged', async () => {
    const created = await declare('web');
    expect(created).toMatchObject({
      status: 201,
      body: { version: 1, created: true, changed: true, by: 'alice' },
    });
    views.DeclaredApplication.parse(created.body);
    expect(await declare('web')).toMatchObject({ status: 200, body: { version: 1, changed: false } });
    expect(await declare('web', { drain: '1s' })).toMatchObject({
      status: 200,
      body: { version: 2, changed: true },
    });
    expect(await declare('web')).toMatchObject({ status: 200, body: { version: 3, changed: true } });
    const view = await get(views.ApplicationView, '/v1/applications/web');
    expect(view.current.application.release).toEqual({});
    const rows = await eventually('the list', async () => {
      const list = await get(views.ApplicationList, '/v1/applications');
      return list.items.some((row) => row.name === 'web') ? list.items : null;
    });
    expect(rows).toContainEqual({
      name: 'web',
      image: 'r.example/web',
      version: 3,
      environments: ['prod'],
      busy: [],
      template: null,
    });
  });

  it('names the applications that are known, and the nearest', async () => {
    const { status, body } = await ask('POST', '/v1/releases', release('wep', 'v1'));
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'application_unknown', remedy: expect.stringContaining('"web"') });
  });

  it('plans, and leaves no release behind', async () => {
    const { status, body } = await ask('POST', '/v1/plans', release('web', 'v1'));
    expect(status).toBe(200);
    const plan = views.PlanAnswer.parse(body);
    expect(plan.planHash).toBe(plan.plan.hash);
    expect(plan.changes).toHaveLength(1);
    expect((await get(views.ReleaseList, '/v1/releases?application=web')).items).toEqual([]);
  });

  it('answers one release to ten requests with one key at once, and to one long after', async () => {
    await declare('key');
    const key = { 'idempotency-key': 'ten-at-once' };
    const body = release('key', 'v1');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask('POST', '/v1/releases', body, key)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = new Set(answers.map((answer) => (answer.body as { id: string }).id));
    expect(ids.size).toBe(1);
    const [id] = [...ids];
    const list = await eventually('the list', async () => {
      const { items } = await get(views.ReleaseList, '/v1/releases?application=key');
      return items.length > 0 ? items : null;
    });
    expect(list.map((row) => row.id)).toEqual([id]);
    const counted = await (await app.request('/metrics')).text();
    expect(counted).toContain('sluice_releases_started_total{application="key"} 1');

    expect(await approve(id!)).toMatchObject({ status: 200, body: { accepted: true } });
    await ends(id!, 'succeeded');
    const late = await ask('POST', '/v1/releases', body, key);
    expect(late).toMatchObject({ status: 202, body: { id, phase: 'succeeded' } });
  });

  it('refuses a key that belongs to another body, while it runs and after', async () => {
    await declare('other');
    const key = { 'idempotency-key': 'another-body' };
    const first = await ask('POST', '/v1/releases', release('other', 'v1'), key);
    const { id } = first.body as { id: string };
    const second = await ask('POST', '/v1/releases', release('other', 'v2'), key);
    expect(second).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect((second.body as Problem).detail).toContain(id);
    expect((await viewOf(id)).applications[0]?.version).toBe('v1');
    await ask('POST', `/v1/releases/${id}/abort`, { reason: 'tested' });
    await ends(id, 'cancelled');
    const third = await ask('POST', '/v1/releases', release('other', 'v2'), key);
    expect(third).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('takes the same key again after a refusal, once the reason is mended', async () => {
    await declare('mended');
    const key = { 'idempotency-key': 'mended' };
    const body = release('mended', 'v1');
    absent.add('r.example/mended:v1');
    for (const attempt of [1, 2, 3]) {
      const refusal = await ask('POST', '/v1/releases', body, key);
      expect([attempt, refusal.status]).toEqual([attempt, 422]);
      expect(refusal.body).toMatchObject({
        code: 'release_refused',
        errors: [{ pointer: '/applications/0/image', code: 'image_unknown' }],
      });
    }
    absent.clear();
    const accepted = await ask('POST', '/v1/releases', body, key);
    expect(accepted).toMatchObject({ status: 202 });
    const { id } = accepted.body as { id: string };
    await reaches(id, 'waiting_for_approval');
    const rows = await eventually('the new run in the list', async () => {
      const { items } = await get(views.ReleaseList, '/v1/releases?application=mended');
      return items[0]?.status === 'running' ? items : null;
    });
    expect(rows.map((row) => row.id)).toEqual([id]);
  });

  it('answers 409 where the policy refuses a second release, and names the first', async () => {
    await declare('busy', { queue: 'refuse' });
    const first = await start('busy', 'v1');
    const { status, body } = await ask('POST', '/v1/releases', release('busy', 'v2'));
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'release_in_progress', detail: expect.stringContaining(first) });
    const removal = await ask('DELETE', '/v1/applications/busy');
    expect(removal).toMatchObject({ status: 409, body: { code: 'application_busy' } });
    await ask('POST', `/v1/releases/${first}/abort`, {});
    await reaches(first, 'cancelled');
    expect(
      await eventually('the removal', async () => {
        const { status: removed } = await ask('DELETE', '/v1/applications/busy');
        return removed === 204 ? removed : null;
      }),
    ).toBe(204);
    expect(await ask('GET', '/v1/applications/busy')).toMatchObject({ status: 404 });
    expect(await declare('busy')).toMatchObject({ status: 201, body: { version: 1 } });
  });

  it('lists by every filter, page by page, each release once', async () => {
    await declare('pages', { approval: { required: false } });
    const ids: string[] = [];
    for (const tag of ['v1', 'v2', 'v3']) {
      const id = await start('pages', tag, { reason: `because of ${tag}` });
      await ends(id, 'succeeded');
      ids.unshift(id);
    }
    const path = '/v1/releases?application=pages&environment=prod&phase=succeeded';
    await eventually('three ended ones', async () => {
      const { items } = await get(views.ReleaseList, path);
      return items.filter((row) => row.status === 'completed').length === 3;
    });
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 4 && (page === 0 || cursor !== null); page++) {
      const answer: z.output<typeof views.ReleaseList> = await get(
        views.ReleaseList,
        `${path}&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...answer.items.map((row) => row.id));
      cursor = answer.cursor;
    }
    expect(seen).toEqual(ids);
    const [row] = (await get(views.ReleaseList, path)).items;
    expect(row).toMatchObject({
      phase: 'succeeded',
      applications: ['pages'],
      images: ['r.example/pages:v3'],
      initiator: 'alice',
      reason: 'because of v3',
      status: 'completed',
    });
    expect((await get(views.ReleaseList, '/v1/releases?application=pages&phase=failed')).items).toEqual([]);
  });

  it('lists applications page by page, sorted by name', async () => {
    const pages: string[][] = [];
    for (const name of ['page-c', 'page-a', 'page-b']) await declare(name);
    for (let cursor: string | null = 'page-'; cursor !== null;) {
      const answer: z.output<typeof views.ApplicationList> = await get(
        views.ApplicationList,
        `/v1/applications?limit=2&cursor=${cursor}`,
      );
      pages.push(answer.items.map((row) => row.name));
      cursor = answer.cursor;
    }
    expect(pages.flat().slice(0, 3)).toEqual(['page-a', 'page-b', 'page-c']);
    expect(pages.flat()).toEqual(pages.flat().toSorted());
    expect(pages.slice(0, -1).every((page) => page.length === 2)).toBe(true);
  });

  it.each([['abc'], ['deadbeefAAAA'], ['%00']])('refuses the cursor %s', async (cursor) => {
    const answer = await ask('GET', `/v1/releases?cursor=${cursor}`);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_field' } });
  });

  it('answers a decision and steering at once: counted, or why not', async () => {
    await declare('steered');
    const id = await start('steered', 'v1');
    const view = views.ReleaseView.parse(await reaches(id, 'waiting_for_approval'));
    const decide = (decision: object, actor = 'alice') =>
      ask('POST', `/v1/releases/${id}/decisions`, decision, { 'sluice-actor': actor });
    expect(await decide({ decision: 'approve', planHash: 'old' })).toMatchObject({
      status: 409,
      body: { code: 'decision_stale', errors: [{ pointer: '/planHash' }] },
    });
    expect(await ask('POST', `/v1/releases/${id}/skip`)).toMatchObject({
      status: 409,
      body: { code: 'not_now' },
    });
    expect(await ask('POST', `/v1/releases/${id}/pause`, { reason: 'lunch' })).toMatchObject({ status: 200 });
    expect(await ask('POST', `/v1/releases/${id}/resume`)).toMatchObject({
      status: 200,
      body: { accepted: true },
    });
    const reject = { decision: 'reject', reason: 'slow', planHash: view.planHash };
    expect(await decide(reject, 'bob')).toMatchObject({ status: 200, body: { accepted: true } });
    const ended = await eventually('the end', async () => {
      const now = await viewOf(id);
      return now.endedAt === null ? null : now;
    });
    expect(ended.decisions).toMatchObject([
      { decision: 'reject', reason: 'slow', by: { name: 'bob' }, counted: true },
    ]);
    expect(await ask('POST', `/v1/releases/${id}/abort`)).toMatchObject({
      status: 409,
      body: { code: 'release_ended', detail: expect.stringContaining(ended.phase) },
    });
    expect(await decide(reject)).toMatchObject({ status: 409, body: { code: 'release_ended' } });
  });

  it('lets an application be declared anew in a release, which keeps the version that it began with', async () => {
    const declareIn = (suffix: string) =>
      ask('PUT', '/v1/applications/kept', {
        name: 'kept',
        image: 'r.example/kept',
        environments: [
          { name: 'test', type: 'test', namespace: `test${suffix}` },
          {
            name: 'prod',
            type: 'prod',
            namespace: `prod${suffix}`,
            release: { approval: { required: false } },
          },
        ],
      });
    const namespacesIn = (view: unknown): string[] =>
      (view as Pick<ReleaseView, 'plan'>).plan!.stages.flatMap((s) => s.targets.map((t) => t.namespace));
    expect(await declareIn('')).toMatchObject({ status: 201, body: { version: 1 } });
    const id = await start('kept', 'v1');
    const { planHash } = await reaches(id, 'waiting_for_approval');
    expect(await declareIn('-new')).toMatchObject({ status: 200, body: { version: 2, changed: true } });
    expect(await ask('GET', '/v1/applications/kept')).toMatchObject({
      body: { current: { version: 2 }, environments: [{ running: id }, {}] },
    });
    expect(await approve(id)).toMatchObject({ status: 200 });
    await ends(id, 'succeeded');
    const view = await viewOf(id);
    expect(view.planHash).toBe(planHash);
    expect(namespacesIn(view)).toEqual(['test', 'prod']);
    expect(written.filter((place) => place.startsWith('kept '))).toEqual(['kept test', 'kept prod']);
    const { body } = await ask('POST', '/v1/plans', release('kept', 'v2'));
    expect(namespacesIn(body)).toEqual(['test-new', 'prod-new']);
  });

  it.each([
    ['GET', '', undefined],
    ['GET', '/events', undefined],
    ['POST', '/abort', {}],
    ['POST', '/decisions', { decision: 'approve', planHash: 'x' }],
  ])('%s /v1/releases/nothere%s: there is none', async (method, rest, body) => {
    const answer = await ask(method, `/v1/releases/nothere${rest}`, body);
    expect(answer).toMatchObject({ status: 404, body: { code: 'release_unknown' } });
  });

  it('tells of a release whose workflow was terminated, and what it may have left', async () => {
    await declare('cut');
    const id = await start('cut', 'v1');
    await reaches(id, 'waiting_for_approval');
    const events = eventsOf(id);
    const client = new Client({ connection: await Connection.connect({ address: server.address }) });
    await client.workflow.getHandle(`release/${id}`).terminate('by an operator');
    await client.connection.close();
    expect((await events).at(-1)).toMatchObject({ type: 'phase' });
    const view = await viewOf(id);
    expect(view).toMatchObject({
      phase: 'failed',
      endedAt: expect.stringMatching(/Z$/),
      waitingOn: null,
      outcome: { failure: { code: 'release_terminated' }, left: ['cut-gray in shop'] },
    });
    expect(view.outcome?.failure?.message).toContain('waiting_for_approval');
    const rows = await eventually('the list', async () => {
      const { items } = await get(views.ReleaseList, '/v1/releases?application=cut');
      return items[0]?.status === 'terminated' ? items : null;
    });
    expect(rows[0]).toMatchObject({ id, phase: 'failed' });
    const late = await ask('POST', `/v1/releases/${id}/abort`);
    expect(late).toMatchObject({ status: 409, body: { code: 'release_ended' } });
  });

  it('streams events to many readers until the end, and resumes without a gap', async () => {
    await declare('stream');
    const id = await start('stream', 'v1');
    const readers = Array.from({ length: 20 }, () => eventsOf(id));
    await approve(id);
    const [first, ...others] = await Promise.all(readers);
    expect(first!.map((event) => event.id)).toEqual(first!.map((_, i) => i + 1));
    expect(first!.at(-1)).toMatchObject({ type: 'ended', message: 'succeeded' });
    for (const event of first!) views.ReleaseEvent.parse(event);
    for (const other of others) expect(other).toEqual(first);
    expect(await eventsOf(id, 3)).toEqual(first!.slice(3));
    await ends(id, 'succeeded');
    const headers = { 'last-event-id': String(first!.length) };
    expect((await app.request(`/v1/releases/${id}/events`, { headers })).status).toBe(204);
    const wrong = await app.request(`/v1/releases/${id}/events`, { headers: { 'last-event-id': 'x' } });
    expect(wrong.status).toBe(422);
  });
});

describe('when the worker is gone again', () => {
  let running: string;
  let ended: string;

  beforeAll(async () => {
    await declare('gone');
    running = await start('gone', 'v1', { reason: 'to be seen' });
    await reaches(running, 'waiting_for_approval');
    await declare('over', { approval: { required: false } });
    ended = await start('over', 'v1');
    await ends(ended, 'succeeded');
    await worker?.stop();
    worker = null;
  });

  it('says so within seconds, although Temporal still remembers the worker', async () => {
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, body: { code: 'worker_missing' } });
  });

  it('reads an ended release whole', async () => {
    const view = await viewOf(ended);
    expect(view).toMatchObject({ id: ended, phase: 'succeeded', outcome: { failure: null } });
    expect(view.steps.length).toBeGreaterThan(0);
  });

  it('reads of a running release what Temporal knows, and says that it is not all', async () => {
    const view = await get(views.ReleaseView, `/v1/releases/${running}`);
    expect(view).toMatchObject({
      id: running,
      partial: true,
      phase: 'waiting_for_approval',
      reason: 'to be seen',
      initiator: 'alice',
      environment: 'prod',
      applications: [{ name: 'gone', version: 'r.example/gone:v1' }],
      waitingOn: { what: expect.stringContaining('approve') },
    });
  });

  it("is in nobody else's way, who shares the server but not the workers", async () => {
    const api = openTemporal({ TEMPORAL_ADDRESS: server.address }, 'of-another-team');
    const their = await server.work('of-another-team', workingActivities());
    const get = async (path: string) => appOver(api).request(path);
    try {
      await eventually('their worker to poll', async () => (await get('/readyz')).status === 200);
      expect(await (await get('/v1/applications')).json()).toEqual({ items: [], cursor: null });
    } finally {
      await their.stop();
      await api.close();
    }
  });

  it('goes on where it was when a worker is back', async () => {
    await startWorker();
    expect(await approve(running)).toMatchObject({ status: 200 });
    expect((await reaches(running, 'succeeded')).reason).toBe('to be seen');
  });
});

describe('when something is wrong with Temporal', () => {
  it('says where it was looked for when nobody is there', async () => {
    const nowhere = openTemporal({ TEMPORAL_ADDRESS: '127.0.0.1:1' }, queue);
    const response = await appOver(nowhere).request('/v1/releases');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({
      code: 'temporal_unreachable',
      remedy: expect.stringContaining('TEMPORAL_ADDRESS'),
    });
    await nowhere.close();
  });

  it('names a namespace that is not there', async () => {
    const env = { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'nowhere' };
    const other = openTemporal(env, queue);
    const response = await appOver(other).request('/v1/applications');
    expect((await response.json()) as Problem).toMatchObject({ code: 'temporal_unreachable', status: 503 });
    await other.close();
  });

  it('prints the command that registers missing search attributes', async () => {
    const bare = await startTemporalServer({ attributes: false });
    const api = openTemporal({ TEMPORAL_ADDRESS: bare.address }, queue);
    const problem = (await (await appOver(api).request('/readyz')).json()) as Problem;
    expect(problem).toMatchObject({ code: 'search_attributes_missing', status: 503 });
    expect(problem.remedy).toContain(
      'temporal operator search-attribute create --name SluiceApplications --type KeywordList',
    );
    expect(problem.remedy).toContain('--name SluiceWeight --type Int');
    await api.close();
    await bare.stop();
  });
});
