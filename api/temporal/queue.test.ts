/** P6: the queue of an application under every policy, with real workflows on a real Temporal server; only the cluster is not there. */
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { QueuePolicy } from '../../domain/application.js';
import { applicationWorkflowId } from '../../domain/ids.js';
import { laneTurn, type EnvironmentState } from '../../domain/queue.js';
import { hasEnded, type ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { appOver, askAsAlice } from '../../test/rig/app.js';
import { eventually as soon } from '../../test/rig/eventually.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import type { ApplicationState } from '../../workflows/application.js';
import * as messages from '../../workflows/messages.js';
import type { App } from '../app.js';
import { views } from '../schemas/views.js';
import { openTemporal, type Temporal } from './temporal.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const eventually = <T>(what: string, condition: () => T | Promise<T>) => soon(what, condition, 90_000, 100);

let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
let app: App;

beforeAll(async () => {
  server = await startTemporalServer();
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, 'queue-test');
  app = appOver(temporal);
  worker = await server.work('queue-test', workingActivities());
});
afterAll(async () => {
  await worker.stop();
  await temporal.close();
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
  askAsAlice(app, method, path, body);

/** One application, whose releases stand still at their approval until they are let go. */
class Line {
  constructor(readonly name: string) {}

  async declare(queue: QueuePolicy, environments: readonly string[] = ['prod']): Promise<this> {
    const { status } = await ask('PUT', `/v1/applications/${this.name}`, {
      name: this.name,
      image: `r.example/${this.name}`,
      release: { queue },
      environments: environments.map((name) => ({ name, type: 'prod', namespace: name })),
    });
    if (status >= 300) throw new Error(`It was not declared: ${status}`);
    return this;
  }

  request(tag: string, more: object = {}): Promise<Answer> {
    return ask('POST', '/v1/releases', {
      applications: [{ name: this.name, image: `r.example/${this.name}:${tag}` }],
      ...more,
    });
  }

  async release(tag: string, more: object = {}): Promise<string> {
    const { status, body } = await this.request(tag, more);
    if (status !== 202) throw new Error(`It was not taken: ${JSON.stringify(body)}`);
    return String(body['id']);
  }

  /** So many at the same instant. */
  storm(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, (_, i) => this.release(`v${i}`)));
  }

  /** Waits until so many of its releases have ended, as the list tells. */
  hasEnded(count: number): Promise<unknown> {
    return eventually(`${count} to end`, async () => {
      const { body } = await ask('GET', `/v1/releases?application=${this.name}&limit=100`);
      const ended = views.ReleaseList.parse(body).items.filter((row) => hasEnded(row.phase));
      return ended.length === count;
    });
  }

  /** A release ends a moment before its application hears of it. */
  isHeldBy(release: string | null): Promise<unknown> {
    return eventually(
      `${release ?? 'nobody'} to hold it`,
      async () => (await this.environment()).running === release,
    );
  }

  async environment(name = 'prod'): Promise<EnvironmentState> {
    const { body } = await ask('GET', `/v1/applications/${this.name}`);
    return views.ApplicationView.parse(body).environments.find((e) => e.name === name)!;
  }
}

const view = async (id: string): Promise<ReleaseView> => {
  const { body } = await ask('GET', `/v1/releases/${id}`);
  views.ReleaseView.parse(body);
  return body as unknown as ReleaseView;
};
const reaches = (id: string, what: string, met: (view: ReleaseView) => boolean): Promise<ReleaseView> =>
  eventually(`${id} to be ${what}`, async () => {
    const seen = await view(id);
    return met(seen) ? seen : null;
  });
const asking = (id: string) => reaches(id, 'asking', (v) => v.phase === 'waiting_for_approval');
const ended = (id: string) => reaches(id, 'ended', (v) => v.outcome !== null);
const at = (id: string, place: number) =>
  reaches(id, `at place ${place}`, (v) => v.waitingOn?.queue?.place === place);

async function approve(id: string): Promise<void> {
  const { planHash } = await asking(id);
  const { status } = await ask('POST', `/v1/releases/${id}/decisions`, { decision: 'approve', planHash });
  expect(status).toBe(200);
  expect((await ended(id)).phase).toBe('succeeded');
}
const abort = (id: string): Promise<Answer> => ask('POST', `/v1/releases/${id}/abort`, { reason: 'tested' });
const codes = (all: readonly ReleaseView[]) =>
  all.map((v) => `${v.phase} ${v.outcome?.failure?.code ?? ''}`.trim());

describe('P6: twelve at the same instant', () => {
  it('that wait: one is at work, each other one has a place of its own, seven leave at once, the others go on in their order', async () => {
    const line = await new Line('wait-12').declare('wait');
    const ids = await line.storm(12);
    const before = await eventually('all places', async () => {
      const state = await line.environment();
      return state.queue.length === 11 ? state : null;
    });
    expect(new Set([before.running, ...before.queue])).toEqual(new Set(ids));
    await Promise.all([0, 5, 10].map((i) => at(before.queue[i]!, i + 1)));

    const leaving = before.queue.filter((_, i) => i % 3 !== 0);
    const answers = await Promise.all(leaving.map(abort));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const gone = await Promise.all(leaving.map(ended));
    expect(new Set(codes(gone))).toEqual(new Set(['cancelled aborted']));
    const rest = before.queue.filter((id) => !leaving.includes(id));
    await eventually('those behind to move up', async () => {
      const { queue } = await line.environment();
      return JSON.stringify(queue) === JSON.stringify(rest);
    });
    for (const [i, id] of rest.entries()) await at(id, i + 1);
    for (const id of [before.running!, ...rest.slice(0, 2)]) {
      await line.isHeldBy(id);
      await approve(id);
    }
  });

  it('that supersede those that wait: one is at work, the newest waits, the others end at once and name a newer one', async () => {
    const line = await new Line('supersede-12').declare('supersede');
    const ids = await line.storm(12);
    await line.hasEnded(10);
    const { running, queue } = await line.environment();
    expect(queue).toHaveLength(1);
    const all = new Map(await Promise.all(ids.map(async (id) => [id, await view(id)] as const)));
    const others = ids.filter((id) => id !== running && id !== queue[0]);
    expect(new Set(codes(others.map((id) => all.get(id)!)))).toEqual(new Set(['cancelled superseded']));
    const askedFor = (id: string): number => Date.parse(all.get(id)!.startedAt);
    for (const id of others) {
      expect(askedFor(queue[0]!)).toBeGreaterThanOrEqual(askedFor(id));
      const message = all.get(id)!.outcome!.failure!.message;
      expect(ids.some((other) => other !== id && message.includes(other))).toBe(true);
    }
    await approve(running!);
    await approve(queue[0]!);
  });

  it('that supersede the running one too: the newest is at work, the others ended', async () => {
    const line = await new Line('running-12').declare('supersede-running');
    const ids = await line.storm(12);
    await line.hasEnded(11);
    const everybody = await Promise.all(ids.map(view));
    const last = everybody.find((v) => !hasEnded(v.phase))!;
    const all = everybody.filter((v) => v.id !== last.id);
    expect(new Set(codes(all))).toEqual(new Set(['cancelled superseded']));
    const newest = Math.max(...all.map((v) => Date.parse(v.startedAt)));
    expect(Date.parse(last.startedAt)).toBeGreaterThanOrEqual(newest);
    await approve(last.id);
    await line.isHeldBy(null);
    expect((await line.environment()).queue).toEqual([]);
  });

  it('that are refused: one is taken, the others are told at once which', async () => {
    const line = await new Line('refuse-12').declare('refuse');
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => line.request(`v${i}`)));
    const taken = answers.filter(({ status }) => status === 202);
    expect(taken).toHaveLength(1);
    const id = String(taken[0]!.body['id']);
    for (const { status, body } of answers.filter((a) => !taken.includes(a))) {
      expect([status, body['code']]).toEqual([409, 'release_in_progress']);
      expect(body['detail']).toContain(id);
    }
    expect(await line.environment()).toMatchObject({ running: id, queue: [] });
    await approve(id);
  });
});

describe('hotfixes', () => {
  it('go before ordinary ones and behind earlier hotfixes; place and order can be read', async () => {
    const line = await new Line('hotfix').declare('wait');
    const first = await line.release('v1');
    const ordinary = await line.release('v2');
    await at(ordinary, 1);
    const hotfix = await line.release('v3', { hotfix: true });
    await at(hotfix, 1);
    const later = await line.release('v4', { hotfix: true });
    const waiting = await at(later, 2);
    expect(waiting.waitingOn).toMatchObject({
      what: `hotfix in prod: place 2 in the queue, behind ${hotfix}`,
      queue: { application: 'hotfix', environment: 'prod', behind: hotfix, expectedAt: null },
      can: ['abort'],
    });
    expect((await at(ordinary, 3)).waitingOn?.queue?.behind).toBe(later);
    expect(await line.environment()).toMatchObject({
      running: first,
      queue: [hotfix, later, ordinary],
      waiting: [
        { release: hotfix, urgent: true },
        { release: later, urgent: true },
        { release: ordinary, urgent: false },
      ],
    });
    const { body } = await ask('GET', '/v1/applications');
    const busy = [{ environment: 'prod', running: first, waiting: 3 }];
    expect(views.ApplicationList.parse(body).items).toContainEqual(
      expect.objectContaining({ name: 'hotfix', busy }),
    );
    for (const id of [first, hotfix, later, ordinary]) await approve(id);
  });

  it('keep their place before an ordinary release that supersedes, and supersede it themselves', async () => {
    const line = await new Line('protected').declare('supersede-running');
    const first = await line.release('v1', { hotfix: true });
    await asking(first);
    const hotfix = await line.release('v2');
    await at(hotfix, 1);
    expect((await view(first)).phase).toBe('waiting_for_approval');
    const second = await line.release('v3', { hotfix: true });
    await asking(second);
    expect(codes([await ended(first), await ended(hotfix)])).toEqual([
      'cancelled superseded',
      'cancelled superseded',
    ]);
    await approve(second);
  });
});

describe('the expected start', () => {
  it('comes from how long the last successes held the environment', async () => {
    const line = await new Line('expected').declare('wait');
    await approve(await line.release('v1'));
    await line.isHeldBy(null);
    const { body } = await ask('GET', '/v1/applications/expected');
    const [{ heldMs }] = body['history'] as [{ heldMs: number }];
    expect(heldMs).toBeGreaterThan(0);
    const first = await line.release('v2');
    await line.release('v3');
    const { since, waiting } = await eventually('one to wait', async () => {
      const state = await line.environment();
      return state.queue.length === 1 ? state : null;
    });
    // Unknown once the running one takes longer than the only one before it.
    const expected = [new Date(Date.parse(since!) + heldMs).toISOString(), null];
    expect(expected).toContain(waiting![0]!.expectedAt);
    await approve(first);
  });
});

describe('several environments', () => {
  it('give way in a later one as well; refuse only waits there; a plan takes no turn anywhere', async () => {
    const line = await new Line('stages').declare('supersede-running', ['test', 'prod']);
    const old = await line.release('v1', { environment: 'prod' });
    await asking(old);
    const through = await line.release('v2');
    const approveStep = async (id: string, step: string): Promise<void> => {
      const { planHash } = await reaches(id, `asking in ${step}`, (v) => v.step?.startsWith(step) === true);
      await ask('POST', `/v1/releases/${id}/decisions`, { decision: 'approve', planHash });
    };
    await approveStep(through, 'test');
    expect(codes([await ended(old)])).toEqual(['cancelled superseded']);
    await reaches(through, 'in prod', (v) => v.step?.startsWith('prod') === true);

    const { status } = await ask('POST', '/v1/plans', {
      applications: [{ name: 'stages', image: 'r.example/stages:v9' }],
      environment: 'prod',
      hotfix: true,
    });
    expect(status).toBe(200);
    expect(await line.environment()).toMatchObject({ running: through, queue: [] });

    await line.declare('refuse', ['test', 'prod']);
    const patient = await line.release('v3');
    await approveStep(patient, 'test');
    await at(patient, 1);
    await approve(through);
    await approve(patient);
  });

  it('one that was asked for earlier gives way to a newer one that waits where it comes to', async () => {
    const line = await new Line('late').declare('supersede', ['test', 'prod']);
    const blocking = await line.release('v1', { environment: 'prod' });
    await asking(blocking);
    const older = await line.release('v2');
    const { planHash } = await asking(older);
    const newer = await line.release('v3', { environment: 'prod' });
    await at(newer, 1);
    await ask('POST', `/v1/releases/${older}/decisions`, { decision: 'approve', planHash });
    const { outcome } = await ended(older);
    expect(outcome).toMatchObject({ phase: 'cancelled', failure: { code: 'superseded' } });
    expect(outcome?.failure?.message).toContain(newer);
    await approve(blocking);
    await approve(newer);
  });
});

describe('an application that an older worker carried over', () => {
  it('goes on with queues of ids only: nobody is lost, a hotfix goes first', async () => {
    const line = await new Line('carried').declare('wait');
    const first = await line.release('v1');
    const second = await line.release('v2');
    await at(second, 1);
    const connection = await Connection.connect({ address: server.address });
    const { workflow } = new Client({ connection });
    const workflowId = applicationWorkflowId('carried');
    const { versions, history } = await workflow.getHandle(workflowId).query(messages.application);
    await workflow.getHandle(workflowId).terminate('its next run is begun by hand');
    const queues = { prod: { running: first, waiting: [second] } };
    await workflow.start('application', {
      workflowId,
      taskQueue: 'queue-test',
      args: [{ versions, queues, history }],
    });
    await connection.close();

    const hotfix = await line.release('v3', { hotfix: true });
    await at(hotfix, 1);
    expect(await line.environment()).toMatchObject({ running: first, queue: [hotfix, second], since: null });
    for (const id of [first, hotfix, second]) {
      await line.isHeldBy(id);
      await approve(id);
    }
    await line.isHeldBy(null);
    expect(await line.environment()).toMatchObject({ queue: [], version: 'v2' });
  });
});

describe('an application that goes on in a new run', () => {
  it('takes along the queues that somebody is in, and none that is empty', async () => {
    const line = await new Line('long').declare('wait');
    const first = await line.release('v1');
    const second = await line.release('v2');
    await at(second, 1);
    const connection = await Connection.connect({ address: server.address });
    const { workflow } = new Client({ connection });
    const handle = workflow.getHandle(applicationWorkflowId('long'));
    // Somebody of each tag came and went.
    for (const tag of ['x-lane: blue', 'x-lane: gray']) {
      const turn = { release: `of ${tag}`, environment: laneTurn('prod', tag) };
      await handle.signal(messages.takeTurn, { ...turn, policy: 'wait' });
      await handle.signal(messages.endTurn, { ...turn, entry: null });
    }
    const { runId } = await handle.describe();
    // More than the server lets a history hold before it suggests a new one.
    const release = 'x'.repeat(1_500_000);
    for (let i = 0; i < 3; i++)
      await handle.signal(messages.endTurn, { release, environment: 'test', entry: null });
    await eventually('a new run', async () => (await handle.describe()).runId !== runId);
    const { events } = await handle.fetchHistory();
    const [input] = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
    await connection.close();
    const { queues } = defaultPayloadConverter.fromPayload<ApplicationState>(input!);
    expect(queues).toMatchObject({ prod: { running: first, waiting: [second] } });
    expect(Object.keys(queues)).toEqual(['prod']);

    await approve(first);
    await line.isHeldBy(second);
    await approve(second);
    await line.isHeldBy(null);
  });
});
