/** The application's workflow outlives its own history. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import * as messages from '../../workflows/messages.js';
import { eventually } from '../rig/eventually.js';
import { quick, World } from '../rig/world.js';

/** More than the server lets a history hold before it suggests to go on in a new one (4 MiB), in messages of this size; bytes. */
const flood = 5 * 2 ** 20;
const message = 50_000;

describe('an application with a long history', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(inject('stack'));
  });
  afterAll(() => world.close());

  it('P6: goes on in a new run with its versions, its history, who runs and who waits; nobody is lost', async () => {
    await world.declare(world.application({ ...quick, drain: '300ms' }));
    await world.declare(world.application({ ...quick, approval: { required: true } }));
    const first = await world.release('v2');
    const ordinary = [];
    for (const tag of ['v3', 'v1', 'v3']) ordinary.push(await world.release(tag));
    const hotfixes = [];
    for (const tag of ['v3', 'v1']) hotfixes.push(await world.release(tag, { hotfix: true }));
    const waiting = [...hotfixes, ...ordinary];
    const handle = world.temporal.workflow.getHandle(applicationWorkflowId(world.applicationName));
    const { runId } = await handle.describe();

    let sent = 0;
    const nobody = { release: `nobody-${'x'.repeat(message)}`, environment: 'prod', entry: null };
    const send = async (): Promise<void> => {
      while ((sent += message) < flood) await handle.signal(messages.endTurn, nobody);
    };
    await Promise.all(Array.from({ length: 10 }, send));
    await eventually('a new run', async () => (await handle.describe()).runId !== runId, 60_000);

    const view = await handle.query(messages.application);
    expect(view.versions.map((v) => v.version)).toEqual([2, 1]);
    expect(view.environments).toMatchObject([{ name: 'prod', running: first, queue: waiting }]);
    expect(view.environments[0]?.waiting?.map((w) => w.urgent)).toEqual([true, true, false, false, false]);

    // Another one is still told from an ordinary one that waits, and one that leaves is gone at once.
    const last = await world.release('v2', { hotfix: true });
    const place = (id: string, n: number) =>
      world.until(id, `at place ${n}`, (v) => v.waitingOn?.queue?.place === n);
    await place(last, 3);
    await place(ordinary[2]!, 6);
    for (const id of [hotfixes[1]!, ...ordinary]) expect((await world.steer(id, 'abort')).status).toBe(200);
    await place(last, 2);

    for (const id of [first, hotfixes[0]!, last]) {
      expect((await world.approve(id)).status).toBe(200);
      expect((await world.ended(id)).outcome?.phase).toBe('succeeded');
      await world.temporal.workflow.result(releaseWorkflowId(id));
    }
    const after = await handle.query(messages.application);
    expect(after.history.filter((h) => h.phase === 'succeeded').map((h) => h.release)).toEqual([
      last,
      hotfixes[0],
      first,
    ]);
    expect(after.history.filter((h) => h.phase === 'cancelled')).toHaveLength(4);
    expect(after.environments).toMatchObject([{ running: null, queue: [], version: 'v2' }]);
  }, 300_000);
});
