/** Many releases of one application at the same instant, and the worker killed in the middle: nobody is lost, nobody runs beside another. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { queuePolicies, type QueuePolicy, type ReleaseInput } from '../../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { EnvironmentState } from '../../domain/queue.js';
import { hasEnded, type Phase } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { eventually } from '../rig/eventually.js';
import { replayAll } from '../rig/replay.js';
import { quick, World } from '../rig/world.js';

const count = 30;
const patienceMs = 180_000;
/** It stands still at its approval, before it has touched anything. */
const standing: ReleaseInput = { ...quick, strategy: 'rolling', approval: { required: true } };

interface Row {
  readonly id: string;
  readonly phase: Phase;
}

const left = { wait: count, supersede: 2, 'supersede-running': 1, refuse: 1 } as const satisfies Record<
  QueuePolicy,
  number
>;

describe('P6 P8: thirty releases at the same instant, the worker killed in the middle', () => {
  const worlds: World[] = [];
  const workflows: string[] = [];
  let killed: Promise<void> | null = null;
  beforeAll(async () => {
    const first = await World.create(inject('stack'));
    const beside = queuePolicies.slice(1).map(() => World.create(inject('stack'), { beside: first }));
    worlds.push(first, ...(await Promise.all(beside)));
  });
  afterAll(async () => {
    await replayAll(worlds[0]!.temporal, workflows);
    for (const world of worlds.toReversed()) await world.close();
  });

  /** Once for all, who share it. */
  const killWorker = (): Promise<void> =>
    (killed ??= worlds[0]!.worker.kill('SIGKILL').then(() => worlds[0]!.worker.start()));

  it.concurrent.each(queuePolicies)(
    '%s: each one is at work, waits, or has ended',
    async (policy) => {
      const world = worlds[queuePolicies.indexOf(policy)]!;
      await world.declare(world.application({ ...standing, queue: policy }));
      const asked = Promise.all(Array.from({ length: count }, () => taken(world)));
      const atWork = async (): Promise<boolean> => (await environmentOf(world)).running !== null;
      await eventually('one at work', atWork, patienceMs, 5);
      await killWorker();
      expect((await asked).filter((s) => s !== 202 && (policy !== 'refuse' || s !== 409))).toEqual([]);

      const all = await settled(world, count - left[policy]);
      workflows.push(
        applicationWorkflowId(world.applicationName),
        ...all.map(({ id }) => releaseWorkflowId(id)),
      );
      const open = all.filter(({ phase }) => !hasEnded(phase)).map(({ id }) => id);
      const { running, queue } = await eventually(
        'all to have their places',
        async () => {
          const seen = await environmentOf(world);
          return seen.running !== null && seen.queue.length === left[policy] - 1 ? seen : null;
        },
        patienceMs,
      );
      expect([running!, ...queue].toSorted()).toEqual(open.toSorted());
      // All leave at once but the one at work and the last, which moves up.
      const last = queue.slice(-1);
      await Promise.all(queue.slice(0, -1).map((id) => world.steer(id, 'abort')));
      for (const id of last)
        await world.until(id, 'next', (v) => v.waitingOn?.queue?.behind === running, patienceMs);
      for (const id of [running!, ...last]) {
        await world.until(id, 'asking', (v) => v.phase === 'waiting_for_approval', patienceMs);
        expect((await environmentOf(world)).running).toBe(id);
        expect((await world.steer(id, 'abort')).status).toBe(200);
        await world.ended(id, patienceMs);
      }
      const isEmpty = async (): Promise<boolean> => !(await atWork());
      await eventually('nobody to be there', isEmpty, patienceMs);
      expect((await environmentOf(world)).queue).toEqual([]);
    },
    600_000,
  );
});

/** Asks for a release, again with the same key while no worker is there to ask, as a client does. Answers the status. */
async function taken(world: World): Promise<number> {
  const body = { applications: [{ name: world.applicationName, image: 'v2' }] };
  const key = { 'idempotency-key': randomUUID() };
  return eventually(
    'an answer',
    async () => {
      const { status } = await world.call('POST', '/v1/releases', body, key);
      return status === 503 ? null : status;
    },
    patienceMs,
  );
}

async function environmentOf(world: World): Promise<EnvironmentState> {
  const handle = world.temporal.workflow.getHandle(applicationWorkflowId(world.applicationName));
  return (await handle.query(messages.application)).environments[0]!;
}

/** All of its releases, once so many have ended. */
function settled(world: World, ends: number): Promise<readonly Row[]> {
  return eventually(
    `${ends} to end`,
    async () => {
      const path = `/v1/releases?application=${world.applicationName}&limit=200`;
      const { body } = await world.call('GET', path);
      // One that was refused and asked for again with its key is there twice.
      const all = (body['items'] as Row[]).filter(
        ({ id }, i, rows) => rows.findIndex((row) => row.id === id) === i,
      );
      return all.length === count && all.filter((r) => hasEnded(r.phase)).length === ends ? all : null;
    },
    patienceMs,
  );
}
