/** The order of the stages through the real workflows and a real Temporal server; only the clusters are not there. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { hasEnded, type ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { eventually } from '../../test/rig/eventually.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import type { ApplicationView } from '../../workflows/messages.js';
import { createApp, type App } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import { openTemporal, type Temporal } from './temporal.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const queue = 'stages-test';
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
let app: App;
/** What was looked at, as "application environment". */
const looks: string[] = [];

const people = { ann: ['admin'], rob: ['releaser'], eve: ['releaser', 'approver'] } as const;
type Person = keyof typeof people;

beforeAll(async () => {
  server = await startTemporalServer();
  const working = workingActivities();
  const observe: typeof working.observe = async (input) => {
    looks.push(`${input.application.name} ${input.environment}`);
    return working.observe(input);
  };
  worker = await server.work(queue, workingActivities({ observe }));
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  const tokens = Object.entries(people).map(([name, roles]) => ({
    name,
    roles,
    digest: createHash('sha256').update(`token-of-${name}`).digest(),
  }));
  app = createApp({
    config: { tokens, publicUrl: null, eventReaders: 50 },
    temporal: async () => temporal,
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });
});
afterAll(async () => {
  await worker.stop();
  await temporal.close();
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(who: Person, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await app.request(path, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer token-of-${who}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const plain: ReleaseInput = { strategy: 'rolling', approval: { required: false } };
/** Declares test and prod; answers what the tests do with the application. */
async function shop(name: string, prod: ReleaseInput = {}) {
  const environments = [
    { name: 'test', type: 'test', namespace: 'shop-test' },
    { name: 'prod', type: 'prod', namespace: 'shop', release: prod },
  ];
  const path = `/v1/applications/${name}`;
  await call('ann', 'PUT', path, { name, image: `r.example/${name}`, release: plain, environments });
  const body = (tag: string, more: object) => ({
    applications: [{ name, image: `r.example/${name}:${tag}` }],
    ...more,
  });
  const view = async (id: string): Promise<ReleaseView> =>
    (await call('rob', 'GET', `/v1/releases/${id}`)).body as unknown as ReleaseView;
  const until = async (id: string, what: string, met: (v: ReleaseView) => boolean): Promise<ReleaseView> => {
    await eventually(`${id} to be ${what}`, async () => met(await view(id)), 30_000);
    return view(id);
  };
  const ask = (tag: string, more: object = {}, who: Person = 'rob') =>
    call(who, 'POST', '/v1/releases', body(tag, more));
  const started = ({ status, body: answer }: Answer): string => {
    if (status !== 202) throw new Error(`${status} ${JSON.stringify(answer)}`);
    return String(answer['id']);
  };
  /** Ended, and in the history of the application. */
  const ended = async (id: string): Promise<ReleaseView> => {
    const last = await until(id, 'ended', (v) => hasEnded(v.phase));
    const stages = last.plan?.stages.length ?? 0;
    const known = async () => (await history()).filter((h) => h.release === id).length === stages;
    await eventually('the application to know', known);
    return last;
  };
  const history = async () => ((await call('rob', 'GET', path)).body as unknown as ApplicationView).history;
  return {
    ask,
    plan: (tag: string, more: object = {}, who: Person = 'rob') =>
      call(who, 'POST', '/v1/plans', body(tag, more)),
    start: async (tag: string, more: object = {}, who: Person = 'rob') => started(await ask(tag, more, who)),
    undo: async (id: string, more: object = {}) =>
      ended(started(await call('rob', 'POST', `/v1/releases/${id}/rollback`, more))),
    until,
    ended,
    history,
    released: async (tag: string, more: object = {}) => ended(started(await ask(tag, more))),
    events: async (id: string): Promise<string> => {
      const text = await (
        await app.request(`/v1/releases/${id}/events`, {
          headers: { authorization: 'Bearer token-of-rob' },
        })
      ).text();
      return text;
    },
  };
}

describe('the order of the stages', () => {
  it('refuses a version that has not passed the environment before, and says what to do', async () => {
    const { ask, plan, history } = await shop('refused');
    for (const refused of [
      await plan('v2', { environment: 'prod' }),
      await ask('v2', { environment: 'prod' }),
    ]) {
      expect(refused.status).toBe(422);
      expect(refused.body).toMatchObject({ errors: [{ pointer: '/environment', code: 'stage_not_passed' }] });
      expect(JSON.stringify(refused.body)).toContain(
        'refused v2 has not passed test, as it has to before prod',
      );
      expect(JSON.stringify(refused.body)).toContain('sluice release refused@v2 -e test');
    }
    expect(await history()).toEqual([]);
  });

  it('lets pass what passed before, by the same bytes, and says by which release', async () => {
    const { released, plan, ask } = await shop('passing');
    const first = await released('v2', { environment: 'test' });
    const { status, body } = await plan('v2', { environment: 'prod' });
    expect(status).toBe(200);
    expect(body['plan']).toMatchObject({
      stages: [{ gates: [{ environment: 'test', passed: 'before', release: first.id }] }],
    });
    expect((await ask('v3', { environment: 'prod' })).status).toBe(422);
    expect((await released('v2', { environment: 'prod' })).outcome?.phase).toBe('succeeded');
  });

  it('a release through all stages passes them by itself', async () => {
    const { start, ended, history, events } = await shop('whole');
    const id = await start('v2');
    const { outcome, plan } = await ended(id);
    expect(outcome?.phase).toBe('succeeded');
    expect(plan?.stages.map((s) => s.gates?.map((g) => g.passed))).toEqual([undefined, ['here']]);
    expect((await history()).map((h) => h.environment)).toEqual(['prod', 'test']);
    expect(await events(id)).toContain('whole passes test before, in this release.');
    // The cluster of a stage that is done may be away.
    const seen = looks.filter((look) => look.startsWith('whole '));
    expect(seen.toSorted()).toEqual(['whole prod', 'whole prod', 'whole test']);
  });

  it('an override needs a reason and the role approver, and is recorded', async () => {
    const { ask, plan, start, ended, history, events } = await shop('overridden');
    const silent = await ask('v2', { environment: 'prod', override: true }, 'eve');
    expect(silent.status).toBe(422);
    expect(silent.body['errors']).toMatchObject([{ pointer: '/reason' }]);
    const override = { environment: 'prod', override: true, reason: 'the shop is down' };
    for (const forbidden of [await ask('v2', override, 'rob'), await plan('v2', override, 'rob')]) {
      expect(forbidden.status).toBe(403);
      expect(forbidden.body).toMatchObject({ code: 'forbidden' });
    }
    const id = await start('v2', override, 'eve');
    expect((await ended(id)).outcome?.phase).toBe('succeeded');
    expect(await history()).toMatchObject([{ release: id, overrode: ['test'], reason: 'the shop is down' }]);
    expect(await events(id)).toContain('has not passed test: overridden by eve: the shop is down');
  });

  it('a rollback needs no pass', async () => {
    const { start, ended, undo, released, ask } = await shop('back');
    const override = { environment: 'prod', override: true, reason: 'before there was a test' };
    await ended(await start('v1', override, 'eve'));
    const { id } = await released('v2');
    const back = await undo(id, { environment: 'prod' });
    expect(back.outcome).toMatchObject({ phase: 'succeeded' });
    expect(back.plan?.stages.map((s) => s.gates)).toEqual([undefined]);
    // What was rolled back in prod only has still passed test.
    expect((await ask('v2', { environment: 'prod' })).status).toBe(202);
  });

  it('what counts is what the application knows when its turn comes', async () => {
    const { released, start, until, ended, undo, history } = await shop('late', {
      approval: { required: true },
    });
    await released('v1', { environment: 'test' });
    const tested = await released('v2', { environment: 'test' });
    const busy = await start('v1', { environment: 'prod' });
    await until(busy, 'asking', (v) => v.phase === 'waiting_for_approval');
    const waiting = await start('v2', { environment: 'prod' });
    await until(waiting, 'waiting', (v) => v.waitingOn?.queue !== undefined);

    expect((await undo(tested.id)).outcome?.phase).toBe('succeeded');
    await call('rob', 'POST', `/v1/releases/${busy}/abort`, { reason: 'make way' });
    const { outcome, steps } = await ended(waiting);
    expect(outcome).toMatchObject({ phase: 'failed', failure: { code: 'stage_not_passed' } });
    expect(steps.filter((s) => s.startedAt !== null)).toEqual([]);
    // It passes when it has been released there again.
    await released('v2', { environment: 'test' });
    const again = await start('v2', { environment: 'prod' });
    await until(again, 'asking', (v) => v.phase === 'waiting_for_approval');
    await call('rob', 'POST', `/v1/releases/${again}/abort`, { reason: 'seen enough' });
    await ended(again);
    expect((await history()).filter((h) => h.environment === 'prod' && h.phase === 'succeeded')).toEqual([]);
  });
});
