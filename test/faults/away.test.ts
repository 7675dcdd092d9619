/** No worker for a while, at the moments when somebody else is waited for: the queue, the application, a person. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Actor } from '../../domain/approval.js';
import type { ReleaseInput } from '../../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { eventually } from '../rig/eventually.js';
import { replay } from '../rig/replay.js';
import { quick, World } from '../rig/world.js';

const plain: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 100, hold: '200ms' }] };
const asking: ReleaseInput = { ...plain, strategy: 'gray', approval: { required: true } };
const ann: Actor = { name: 'ann', roles: ['approver'] };

describe('P8: a worker that is away', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(inject('stack'));
  });
  afterAll(async () => {
    await replay(world.temporal, applicationWorkflowId(world.applicationName));
    await world.close();
  });

  const application = (): Promise<messages.ApplicationView> =>
    world.temporal.workflow
      .getHandle(applicationWorkflowId(world.applicationName))
      .query(messages.application);
  /** How many releases the application remembers. */
  const remembered = async (): Promise<number> => (await application()).history.length;

  const restart = async (): Promise<void> => {
    await world.worker.kill('SIGKILL');
    await world.worker.start();
  };
  const approveBySignal = (id: string, planHash: string): Promise<void> =>
    world.temporal.workflow
      .getHandle(releaseWorkflowId(id))
      .signal(messages.approval, { decision: 'approve', reason: 'fine', planHash, by: ann });
  const asksForApproval = (id: string): Promise<ReleaseView> =>
    world.until(id, 'asking for approval', (v) => v.waitingOn?.approval !== undefined);

  it('P6: killed while the application takes requests and while they wait in its queue, no turn is lost and none given twice', async () => {
    await world.declare(world.application(asking));
    const first = await world.release('v2');
    const { planHash } = await asksForApproval(first);
    await world.declare(world.application(plain));

    const handle = world.temporal.workflow.getHandle(applicationWorkflowId(world.applicationName));
    const { historyLength: calm } = await handle.describe();
    const requests = Promise.all(['v3', 'v2'].map((image) => world.request(image)));
    await eventually(
      'the application to be asked',
      async () => (await handle.describe()).historyLength > calm,
    );
    await restart();
    const answers = await requests;
    expect(answers.map((a) => a.status)).toEqual([202, 202]);
    const waiting = answers.map((a) => String(a.body['id']));
    await eventually(
      'both to wait',
      async () => (await application()).environments[0]?.queue.length === 2,
      60_000,
    );

    await restart();
    await approveBySignal(first, planHash!);
    const views = [];
    for (const id of [first, ...waiting]) views.push(await world.ended(id));
    expect(views.map((v) => v.outcome?.phase)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const { environments, history } = await application();
    expect(environments[0]).toMatchObject({ running: null, queue: [] });
    expect(history.map((h) => h.release).toSorted()).toEqual([first, ...waiting].toSorted());
    expect(overlaps(views)).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('two requests in the same moment with the same key are one release', async () => {
    await world.declare(world.application(plain));
    const before = await remembered();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all([world.request('v3', {}, key), world.request('v3', {}, key)]);
    expect(answers.map((a) => a.status)).toEqual([202, 202]);
    const [one, other] = answers.map((a) => String(a.body['id']));
    expect(one).toBe(other);
    expect((await world.ended(one!)).outcome?.phase).toBe('succeeded');
    // The workflow ends when the application has been told, a moment after the outcome can be read.
    await world.temporal.workflow.result(releaseWorkflowId(one!));
    expect(await remembered()).toBe(before + 1);
  });

  it('a decision that is sent while no worker runs counts once one is there', async () => {
    await world.declare(world.application(asking));
    const id = await world.release('v2');
    const { planHash } = await asksForApproval(id);
    await world.worker.kill('SIGKILL');
    await approveBySignal(id, planHash!);
    await world.worker.start();
    const view = await world.ended(id);
    expect(view.outcome?.phase).toBe('succeeded');
    expect(view.decisions).toMatchObject([{ counted: true, by: { name: 'ann' } }]);
  });
});

/** Pairs of releases of which one began a step before the other had ended its last. */
function overlaps(views: readonly ReleaseView[]): string[] {
  const spans = views
    .map(({ id, steps }) => ({
      id,
      from: steps
        .map((s) => s.startedAt ?? '')
        .filter(Boolean)
        .toSorted()[0]!,
      to: steps
        .map((s) => s.endedAt ?? '')
        .toSorted()
        .at(-1)!,
    }))
    .toSorted((a, b) => a.from.localeCompare(b.from));
  return spans.flatMap((span, i) => {
    const next = spans[i + 1];
    return next !== undefined && next.from < span.to ? [`${span.id} and ${next.id}`] : [];
  });
}
