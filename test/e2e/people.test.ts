/** What people decide: approvals, pauses, doubts, and who may go first. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { fakePrometheus, vector, type FakePrometheus } from '../fakes/prometheus.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, stableOf } from './undone.js';

const canary: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 50, hold: '500ms' }] };
const asked: ReleaseInput = {
  ...quick,
  steps: [{ weight: 100, hold: '200ms' }],
  approval: { required: true },
};

let metrics: FakePrometheus;
const worlds: World[] = [];
beforeAll(async () => {
  const stack = inject('stack');
  metrics = await fakePrometheus(() => vector(0));
  const first = await World.create(stack);
  const beside = [1, 2, 3].map(() => World.create(stack, { beside: first }));
  worlds.push(first, ...(await Promise.all(beside)));
});
afterAll(async () => {
  for (const world of worlds.toReversed()) await world.close();
  await metrics.close();
});

const asking = (world: World, id: string): Promise<ReleaseView> =>
  world.until(id, 'waiting for approval', (v) => v.waitingOn?.approval !== undefined);

const steering = async (world: World, id: string): Promise<string[]> =>
  (await world.events(id)).filter((e) => e.type === 'steering').map((e) => e.message);

describe('P5 P11: approvals', () => {
  it('P2: two of the named people who saw the plan approve; stable is untouched until then, and gets the digest that was gray', async () => {
    const world = worlds[0]!;
    const approval = {
      required: true,
      quorum: 2,
      approvers: ['ann', 'bob', 'tester'],
      separationOfDuties: true,
    };
    await world.declare(world.application({ ...asked, approval }));
    const before = await world.snapshot();
    const { generation } = (await stableOf(world)).metadata;
    const id = await world.release('v2');
    const { planHash, applications } = await asking(world, id);
    const decide = async (who: string, hash = planHash) => {
      const body = { decision: 'approve', reason: `${who} looked`, planHash: hash };
      const answer = await world.steer(id, 'decisions', body, who);
      return [answer.status, answer.body['code'] ?? 'counted'];
    };
    expect(await decide('ann', 'an older plan')).toEqual([409, 'decision_stale']);
    expect(await decide('tester')).toEqual([403, 'decision_not_allowed']);
    expect(await decide('carl')).toEqual([403, 'decision_not_allowed']);
    expect((await world.view(id)).decisions).toEqual([]);
    expect(await decide('ann')).toEqual([200, 'counted']);
    expect(await decide('ann')).toEqual([409, 'decision_repeated']);
    const signalled = {
      decision: 'approve',
      reason: 'in a hurry',
      planHash,
      by: { name: 'carl', roles: ['approver'] },
    };
    const handle = world.temporal.workflow.getHandle(releaseWorkflowId(id));
    await handle.signal('approval', signalled);
    const waiting = await world.until(id, 'told of both', (v) => v.decisions.length === 2);
    expect(waiting.waitingOn?.approval).toMatchObject({ quorum: 2 });
    // Somebody moves the tag meanwhile.
    const moved = await world.image('v2', { MOVED: 'yes' });
    expect(moved).not.toBe(applications[0]!.digest);
    expect((await stableOf(world)).metadata.generation).toBe(generation);
    await handle.signal('approval', { ...signalled, by: { name: 'bob', roles: ['approver'] } });

    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
    expect(view.decisions.map((d) => [d.by.name, d.counted])).toEqual([
      ['ann', true],
      ['carl', false],
      ['bob', true],
    ]);
    expect(view.decisions[0]).toMatchObject({ reason: 'ann looked', at: expect.stringMatching(/^\d{4}-/) });
    expect(view.decisions[1]!.why).toContain('carl');
    const gray = `${world.repository}@${applications[0]!.digest}`;
    expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, gray));
    expect(await world.leftovers()).toEqual([]);
    const late = { decision: 'reject', reason: 'too late', planHash };
    expect(await world.steer(id, 'decisions', late)).toMatchObject({
      status: 409,
      body: { code: 'release_ended' },
    });
  });

  it('P3: a rejection and an expired deadline undo, a deadline that approves by policy goes on', async () => {
    const ends = async (world: World, approval: object, act: (id: string) => Promise<unknown>) => {
      await world.declare(world.application({ ...asked, approval: { required: true, ...approval } }));
      const before = await world.snapshot();
      const id = await world.release('v2');
      await act(id);
      const view = await world.ended(id);
      expectSettled(view);
      expect(await world.leftovers()).toEqual([]);
      const same = JSON.stringify(await world.snapshot()) === JSON.stringify(before);
      return { phase: view.phase, code: view.outcome?.failure?.code, same, view };
    };
    const nothing = async (): Promise<void> => undefined;
    const [rejected, expired, approved] = await Promise.all([
      ends(worlds[1]!, {}, async (id) => {
        const { planHash } = await asking(worlds[1]!, id);
        const body = { decision: 'reject', reason: 'too slow', planHash };
        expect((await worlds[1]!.steer(id, 'decisions', body, 'ann')).status).toBe(200);
      }),
      ends(worlds[2]!, { deadline: '1s' }, nothing),
      ends(worlds[3]!, { deadline: '1s', onDeadline: 'approve' }, nothing),
    ]);
    expect(rejected).toMatchObject({ phase: 'rolled_back', code: 'approval_rejected', same: true });
    expect(rejected.view.outcome?.failure?.message).toBe('ann rejected the release: too slow');
    expect(expired).toMatchObject({ phase: 'rolled_back', code: 'approval_expired', same: true });
    expect(approved).toMatchObject({ phase: 'succeeded', same: false });
    expect(approved.view.steps.find((s) => s.kind === 'approval')?.result).toContain('approved by policy');
  });
});

describe('pause and resume', () => {
  it('holds the weight until somebody resumes; what fails meanwhile still rolls back', async () => {
    const [calm, broken] = [worlds[1]!, worlds[2]!];
    const paused = async (world: World, release: ReleaseInput): Promise<string> => {
      await world.declare(world.application(release));
      const id = await world.release('v3');
      await world.until(id, 'at 50 %', (v) => v.applications[0]?.grayWeight === 50);
      expect((await world.steer(id, 'pause', { reason: 'lunch' }, 'ann')).status).toBe(200);
      expect((await world.steer(id, 'pause', { reason: 'lunch' }, 'bob')).status).toBe(409);
      const view = await world.until(id, 'paused', (v) => v.waitingOn?.what.includes('resume') === true);
      expect(view).toMatchObject({ paused: true, waitingOn: { until: null } });
      expect(view.waitingOn?.can).toEqual(['resume', 'weight', 'promote', 'abort']);
      expect(view.applications[0]?.grayWeight).toBe(50);
      return id;
    };
    const value = { name: 'errors', value: 'errors', max: 1, minRequests: 0 };
    const analysis = { prometheus: metrics.address, metrics: [value], interval: '200ms', window: '5s' };
    const hold: ReleaseInput = { ...canary, steps: [{ weight: 50, hold: '10s' }] };
    const [first, second] = await Promise.all([paused(calm, hold), paused(broken, { ...hold, analysis })]);
    metrics.answer = () => vector(50);
    const failed = await broken.ended(second);
    expect(failed.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    expectSettled(failed);
    expect(failed.evidence.some((e) => e.kind === 'analysis' && e.summary.startsWith('fail'))).toBe(true);
    expect(await broken.leftovers()).toEqual([]);

    expect((await calm.steer(first, 'resume', { reason: 'back' }, 'bob')).status).toBe(200);
    expect((await calm.ended(first)).outcome).toMatchObject({ phase: 'succeeded' });
    expect(await steering(calm, first)).toEqual(['ann: pause, lunch', 'bob: resume, back']);
  });
});

describe('P7: no traffic on gray', () => {
  const doubtful = (more: object): ReleaseInput => ({
    ...canary,
    analysis: { interval: '300ms', window: '5s', inconclusiveDeadline: '10m', ...more },
  });
  const doubting = async (world: World, more: object, image: string): Promise<string> => {
    await world.declare(world.application(doubtful(more)));
    const id = await world.release(image);
    const view = await world.until(id, 'in doubt', (v) => v.waitingOn?.can.includes('resume') === true);
    expect(view).toMatchObject({ phase: 'holding', applications: [{ grayWeight: 50 }] });
    expect(view.waitingOn?.what).toMatch(/a conclusive analysis at 50 %: .*request/);
    expect(Date.parse(view.waitingOn?.until ?? '')).toBeGreaterThan(Date.now() - 60_000);
    return id;
  };

  it('is inconclusive: it holds and asks; a person goes on or aborts, or the policy decides at the deadline', async () => {
    const [going, ending, back, pass] = worlds as [World, World, World, World];
    const results = await Promise.all([
      (async () => {
        const id = await doubting(going, {}, 'v3');
        expect((await going.steer(id, 'resume', { reason: 'it is night' }, 'ann')).status).toBe(200);
        const view = await going.ended(id);
        expect(view.steps.find((s) => s.kind === 'hold')?.result).toBe(
          'ann went on although inconclusive: it is night',
        );
        expect(await steering(going, id)).toEqual(['ann: resume, it is night']);
        return view;
      })(),
      (async () => {
        const id = await doubting(ending, {}, 'v2');
        expect((await ending.steer(id, 'abort', { reason: 'no data' }, 'bob')).status).toBe(200);
        return ending.ended(id);
      })(),
      doubting(back, { inconclusiveDeadline: '10s' }, 'v2').then((id) => back.ended(id)),
      doubting(pass, { inconclusiveDeadline: '10s', onInconclusive: 'pass' }, 'v3').then((id) =>
        pass.ended(id),
      ),
    ]);
    for (const view of results) expectSettled(view);
    expect(results.map((v) => [v.phase, v.outcome?.failure?.code])).toEqual([
      ['succeeded', undefined],
      ['rolled_back', 'aborted'],
      ['rolled_back', 'analysis_inconclusive'],
      ['succeeded', undefined],
    ]);
    expect(results[3].steps.find((s) => s.kind === 'hold')?.result).toContain('passed by policy');
  });
});

describe('P6: one release at a time', () => {
  it('the next waits at a place that can be read, leaves at once when it is aborted, and goes on after the first', async () => {
    const world = worlds[0]!;
    await world.declare(world.application(asked));
    const first = await world.release('v2');
    await asking(world, first);
    const place = (id: string, what: string): Promise<ReleaseView> =>
      world.until(id, what, (v) => v.waitingOn?.what.includes(what) === true);
    const second = await world.release('v3');
    await place(second, `place 1 in the queue, behind ${first}`);
    const third = await world.release('v3');
    const waiting = await place(third, `place 2 in the queue, behind ${second}`);
    expect(waiting).toMatchObject({ phase: 'queued', waitingOn: { can: ['abort'] } });
    expect((await world.steer(second, 'abort', { reason: 'not today' }, 'ann')).status).toBe(200);
    expect((await world.ended(second)).outcome).toMatchObject({
      phase: 'cancelled',
      failure: { code: 'aborted' },
    });
    await place(third, `place 1 in the queue, behind ${first}`);
    expect((await world.view(first)).phase).toBe('waiting_for_approval');
    await world.approve(first);
    expect((await world.ended(first)).outcome).toMatchObject({ phase: 'succeeded' });
    expect((await world.approve(third)).status).toBe(200);
    const view = await world.ended(third);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
  });

  it('is refused where the policy says so, and the same key may be used again afterwards', async () => {
    const world = worlds[1]!;
    await world.declare(world.application({ ...asked, queue: 'refuse' }));
    const first = await world.release('v2');
    await asking(world, first);
    const headers = { 'idempotency-key': `${world.namespace}-again` };
    const refused = await world.request('v1', {}, headers);
    expect(refused).toMatchObject({ status: 409, body: { code: 'release_in_progress' } });
    expect(String(refused.body['detail'])).toContain(first);
    await world.steer(first, 'abort');
    await world.ended(first);
    const taken = await world.request('v1', {}, headers);
    expect(taken.status).toBe(202);
    const id = String(taken.body['id']);
    expect((await world.approve(id)).status).toBe(200);
    expect((await world.ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
  });
});
