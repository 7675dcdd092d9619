/** Decisions that come twice, too early, too late, out of order, from another plan, or a hundred at once; and one request ten thousand times. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Actor, Decision } from '../../domain/approval.js';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseIdOfKey, releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { eventually } from '../rig/eventually.js';
import type { Answer } from '../rig/answer.js';
import { quick, World } from '../rig/world.js';
import { schedule, seeded, seedOf } from './rig/random.js';
import { long, say } from './rig/report.js';

const seed = seedOf(process.env);
const stale = '0123456789abcdef';

describe(`P5: decisions in every disorder (SLUICE_FAULT_SEED=${seed})`, () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(inject('stack'), { replicas: 1 });
  });
  afterAll(() => world.close());

  const asking = (quorum: number): ReleaseInput => ({
    ...quick,
    steps: [{ weight: 100, hold: '100ms' }],
    approval: { required: true, quorum },
  });
  const open = (id: string): Promise<ReleaseView> =>
    world.until(id, 'asking for approval', (v) => v.waitingOn?.approval !== undefined);
  const begin = async (quorum: number): Promise<{ readonly id: string; readonly hash: string }> => {
    await world.declare(world.application(asking(quorum)));
    const id = await world.release('v2');
    return { id, hash: (await open(id)).planHash! };
  };

  const approver = (name: string): Actor => ({ name, roles: ['approver'] });
  const tryUpdate = (
    id: string,
    decision: Decision['decision'],
    planHash: string,
    who: string,
  ): Promise<Answer> => world.steer(id, 'decisions', { decision, reason: 'seen', planHash }, who);
  /** Comes again where it is told to. */
  const byUpdate = (...given: Parameters<typeof tryUpdate>): Promise<Answer> =>
    eventually(
      'the decision to be answered',
      async () => {
        const answer = await tryUpdate(...given);
        return answer.status === 503 ? null : answer;
      },
      60_000,
    );
  const bySignal = (
    id: string,
    decision: Decision['decision'],
    planHash: string,
    who: string,
  ): Promise<void> =>
    world.temporal.workflow
      .getHandle(releaseWorkflowId(id))
      .signal(messages.approval, { decision, reason: 'seen', planHash, by: approver(who) });
  const counted = ({ decisions }: ReleaseView): readonly string[] =>
    decisions.filter((d) => d.counted).map((d) => `${d.by.name} ${d.decision}`);

  it('the same approval a hundred times at once, as update and as signal, counts once', async () => {
    const { id, hash } = await begin(2);
    const sent = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        i % 2 === 0 ? tryUpdate(id, 'approve', hash, 'ann') : bySignal(id, 'approve', hash, 'ann'),
      ),
    );
    const statuses = sent.flatMap((answer) => (answer === undefined ? [] : [answer.status]));
    expect(statuses.filter((s) => s === 200).length).toBeLessThanOrEqual(1);
    // 503: Temporal takes only so many updates of one workflow at a time, and says to come again.
    expect(statuses.filter((s) => ![200, 409, 503].includes(s))).toEqual([]);
    expect(await byUpdate(id, 'approve', hash, 'ann')).toMatchObject({
      status: 409,
      body: { code: 'decision_repeated' },
    });
    const waiting = await world.until(id, 'known', (v) => v.decisions.length > 0);
    expect(counted(waiting)).toEqual(['ann approve']);
    expect(waiting.phase).toBe('waiting_for_approval');
    expect((await byUpdate(id, 'approve', hash, 'bob')).status).toBe(200);
    const ended = await world.ended(id);
    expect(ended.outcome?.phase).toBe('succeeded');
    expect(counted(ended)).toEqual(['ann approve', 'bob approve']);
  });

  it('too early, from another plan, after the rejection and after the end: none of them counts', async () => {
    await world.declare(world.application(asking(1)));
    await world.image('slow', { START_MS: '5000' });
    const id = await world.release('slow');
    const { planHash } = await world.until(id, 'deploying', (v) => v.phase === 'deploying');
    await bySignal(id, 'approve', planHash!, 'ann');
    expect(await byUpdate(id, 'approve', planHash!, 'ann')).toMatchObject({
      status: 409,
      body: { code: 'not_now' },
    });
    expect(counted(await open(id))).toEqual([]);

    await bySignal(id, 'approve', stale, 'ann');
    const old = await byUpdate(id, 'approve', stale, 'ann');
    expect(old).toMatchObject({ status: 409, body: { code: 'decision_stale' } });
    expect((await world.view(id)).phase).toBe('waiting_for_approval');

    const [rejected] = await Promise.all([
      byUpdate(id, 'reject', planHash!, 'ann'),
      world
        .until(id, 'rejected', (v) => counted(v).length > 0)
        .then(() => byUpdate(id, 'approve', planHash!, 'bob')),
    ]);
    expect(rejected.status).toBe(200);
    const { outcome } = await world.ended(id);
    expect(outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'approval_rejected' } });
    await world.temporal.workflow.result(releaseWorkflowId(id));
    const late = await byUpdate(id, 'approve', planHash!, 'bob');
    expect(late).toMatchObject({ status: 409, body: { code: 'release_ended' } });
    expect(counted(await world.view(id))).toEqual(['ann reject']);
    expect(await world.leftovers()).toEqual([]);
  });

  it('many people at once, in any order, with right and stale hashes: what counted is what decided', async () => {
    const random = seeded(seed);
    const people = ['ann', 'bob', 'cat', 'dan', 'eve'];
    for (let round = 0; round < (long ? 15 : 2); round++) {
      const { id, hash } = await begin(3);
      const wishes = people.flatMap((who) => [
        { who, decision: 'approve' as const, hash },
        { who, decision: 'approve' as const, hash },
        { who, decision: 'approve' as const, hash: stale },
        { who, decision: 'reject' as const, hash: random.next() < 0.2 ? hash : stale },
      ]);
      await Promise.all(
        schedule(random, wishes, wishes.length).map((w) =>
          random.next() < 0.5
            ? byUpdate(id, w.decision, w.hash, w.who)
            : bySignal(id, w.decision, w.hash, w.who).catch(() => undefined),
        ),
      );
      const view = await world.ended(id);
      const all = counted(view);
      const approvals = all.filter((d) => d.endsWith('approve'));
      expect(new Set(approvals).size).toBe(approvals.length);
      // What comes in the same moment as the last one needed still counts, and one rejection is enough.
      const ends = all.length > approvals.length ? 'rolled_back' : 'succeeded';
      expect(view.outcome?.phase).toBe(ends);
      expect(ends === 'rolled_back' || approvals.length >= 3).toBe(true);
      expect(view.decisions.every((d) => !d.counted || d.planHash === hash)).toBe(true);
    }
  });
});

describe('P8: one request, sent again and again', () => {
  const count = long ? 10_000 : 300;
  const atOnce = 40;
  let world: World;
  beforeAll(async () => {
    world = await World.create(inject('stack'), { replicas: 1 });
  });
  afterAll(() => world.close());

  it(
    `${count} times with the same key is one release`,
    async () => {
      await world.declare(
        world.application({ ...quick, strategy: 'canary', steps: [{ weight: 50, hold: '1s' }] }),
      );
      const key = randomUUID();
      const body = { applications: [{ name: world.applicationName, image: 'v2' }] };
      const statuses = new Map<number, number>();
      const ids = new Set<unknown>();
      let left = count;
      const sender = async (): Promise<void> => {
        while (left-- > 0) {
          const answer = await world.call('POST', '/v1/releases', body, { 'idempotency-key': key });
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          ids.add(answer.body['id']);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, sender));
      say(`${count} requests with one key: ${ids.size} release(s)`);
      expect([...statuses]).toEqual([[202, count]]);
      expect([...ids]).toEqual([releaseIdOfKey(key)]);
      const other = { applications: [{ name: world.applicationName, image: 'v3' }] };
      expect(await world.call('POST', '/v1/releases', other, { 'idempotency-key': key })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
      expect((await world.ended(releaseIdOfKey(key))).outcome?.phase).toBe('succeeded');
      await world.temporal.workflow.result(releaseWorkflowId(releaseIdOfKey(key)));
      const { body: application } = await world.call('GET', `/v1/applications/${world.applicationName}`);
      expect(application['history']).toHaveLength(1);
      expect(await world.leftovers()).toEqual([]);
    },
    long ? 900_000 : 120_000,
  );
});
