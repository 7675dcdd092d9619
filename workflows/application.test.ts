/** The application's workflow outlives its own history. */
import { Client, Connection, WithStartWorkflowOperation, WorkflowIdConflictPolicy } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Application } from '../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../domain/ids.js';
import { workingActivities } from '../test/fakes/activities.js';
import { eventually } from '../test/rig/eventually.js';
import { startTemporalServer, type TemporalServer } from '../test/rig/temporal.js';
import * as messages from './messages.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const taskQueue = 'application-test';
const web: Application = {
  name: 'web',
  image: 'registry.example/web',
  traffic: { router: 'gateway-api' },
  release: { steps: [{ weight: 100, hold: '1ms' }], drain: '1ms', analysis: null },
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
};
/** More events than the server lets a history have before it suggests to go on in a new one (4,096). */
const flood = 4_500;

let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let client: Client;

beforeAll(async () => {
  server = await startTemporalServer();
  worker = await server.work(taskQueue, workingActivities());
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
});
afterAll(async () => {
  await worker.stop();
  await client.connection.close();
  await server.stop();
});

const started = (type: string, workflowId: string, args: unknown[]) =>
  new WithStartWorkflowOperation(type, {
    workflowId,
    taskQueue,
    args,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });

async function release(id: string): Promise<void> {
  const request = {
    applications: [{ name: web.name, image: 'v2' }],
    environment: null,
    strategy: null,
    lane: null,
    reason: '',
    initiator: 'ann',
  };
  const inputs = { id, request, applications: [web], planOnly: false };
  await client.workflow.executeUpdateWithStart(messages.submit, {
    startWorkflowOperation: started('release', releaseWorkflowId(id), [inputs]),
  });
}

async function approve(id: string): Promise<void> {
  const handle = client.workflow.getHandle(releaseWorkflowId(id));
  const planHash = await eventually('an approval to be asked for', async () => {
    const view = await handle.query(messages.state);
    return view.waitingOn?.approval === undefined ? null : view.planHash;
  });
  const by = { name: 'ben', roles: ['approver' as const] };
  await handle.executeUpdate(messages.decide, { args: [{ decision: 'approve', reason: '', planHash, by }] });
}

describe('an application with a long history', () => {
  it('P6: goes on in a new run with its versions, its history, who runs and who waits; nobody is lost', async () => {
    const id = applicationWorkflowId(web.name);
    const declare = (application: Application) =>
      client.workflow.executeUpdateWithStart(messages.declare, {
        args: [{ application, by: 'ann' }],
        startWorkflowOperation: started('application', id, []),
      });
    await declare({ ...web, image: 'registry.example/old' });
    await declare(web);
    await release('first');
    await release('second');
    const handle = client.workflow.getHandle(id);
    const { runId } = await handle.describe();

    let sent = 0;
    const send = async (): Promise<void> => {
      while (sent++ < flood)
        await handle.signal(messages.endTurn, { release: 'nobody', environment: 'prod', entry: null });
    };
    await Promise.all(Array.from({ length: 40 }, send));
    await eventually('a new run', async () => (await handle.describe()).runId !== runId, 60_000);

    const view = await handle.query(messages.application);
    expect(view.versions.map((v) => v.version)).toEqual([2, 1]);
    expect(view.environments).toMatchObject([{ name: 'prod', running: 'first', queue: ['second'] }]);

    await approve('first');
    await approve('second');
    await client.workflow.result(releaseWorkflowId('second'));
    const { history, environments } = await eventually('both in the history', async () => {
      const now = await handle.query(messages.application);
      return now.history.length === 2 ? now : null;
    });
    expect(history.map((h) => [h.release, h.phase])).toEqual([
      ['second', 'succeeded'],
      ['first', 'succeeded'],
    ]);
    expect(environments).toMatchObject([{ running: null, queue: [], version: 'v2' }]);
  });
});
