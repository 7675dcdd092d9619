/** What people do to a release on its way: another weight, more time, no more waiting; and what makes no sense. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { fakePrometheus, vector, type FakePrometheus } from '../fakes/prometheus.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled, expectUntouched, lightLoad } from './undone.js';

/** Holds that only end when somebody says so. */
const slow: ReleaseInput = {
  ...quick,
  strategy: 'canary',
  steps: [10, 25, 50].map((weight) => ({ weight, hold: '10m' })),
};

let metrics: FakePrometheus;
const worlds: World[] = [];
beforeAll(async () => {
  const stack = inject('stack');
  metrics = await fakePrometheus(() => vector(0));
  const first = await World.create(stack);
  worlds.push(first, ...(await Promise.all([1, 2].map(() => World.create(stack, { beside: first })))));
});
afterAll(async () => {
  for (const world of worlds.toReversed()) await world.close();
  await metrics.close();
});

const holding = (world: World, id: string, weight: number): Promise<ReleaseView> =>
  world.until(
    id,
    `holding ${weight} %`,
    (v) => v.phase === 'holding' && v.applications[0]?.grayWeight === weight && v.waitingOn !== null,
  );
const steer = async (world: World, id: string, verb: string, body: object = {}): Promise<unknown[]> => {
  const answer = await world.steer(id, verb, { reason: 'test', ...body }, 'ann');
  return [answer.status, answer.body['code'] ?? answer.body['detail'] ?? 'accepted'];
};
const accepted = [200, 'accepted'];
const walked = ({ steps }: ReleaseView): string[] =>
  steps.filter((s) => s.kind === 'weight' || s.kind === 'hold').map((s) => `${s.summary}: ${s.state}`);

describe('steering a release that holds', () => {
  it('P1 P11: weights up and down, more time, skip and promote: traffic follows at once, all is on record, no answer fails', async () => {
    const world = worlds[0]!;
    await world.declare(world.application(slow));
    const before = await world.snapshot();
    const load = lightLoad(world);
    const id = await world.release('v2');
    const held = await holding(world, id, 10);
    expect(held.waitingOn).toMatchObject({ what: 'the hold at 10 % to end' });
    expect(held.waitingOn?.can).toEqual(['pause', 'skip', 'extend', 'weight', 'promote', 'abort']);

    expect(await steer(world, id, 'extend', { duration: '1h' })).toEqual(accepted);
    const longer = await world.view(id);
    expect(Date.parse(longer.waitingOn!.until!) - Date.parse(held.waitingOn!.until!)).toBe(3_600_000);

    expect(await steer(world, id, 'weight', { weight: 40 })).toEqual(accepted);
    await holding(world, id, 40);
    expect(await steer(world, id, 'weight', { weight: 5 })).toEqual(accepted);
    await holding(world, id, 5);
    // From 5 % the plan goes on with its first weight again.
    expect(await steer(world, id, 'skip')).toEqual(accepted);
    await holding(world, id, 10);

    expect(await steer(world, id, 'pause')).toEqual(accepted);
    expect(await steer(world, id, 'weight', { weight: 30 })).toEqual(accepted);
    const paused = await world.until(
      id,
      'paused at 30 %',
      (v) => v.applications[0]?.grayWeight === 30 && v.waitingOn?.until === null,
    );
    expect(paused).toMatchObject({
      paused: true,
      waitingOn: { can: ['resume', 'weight', 'promote', 'abort'] },
    });
    expect(await steer(world, id, 'promote')).toEqual(accepted);

    const view = await world.ended(id);
    await load.stop();
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
    expect(load.summary()).toMatchObject({ failed: 0 });
    const { digest } = view.applications[0]!;
    expect(await world.snapshot()).toEqual(
      withImage(before, `${world.repository}:v1`, `${world.repository}@${digest}`),
    );
    expect(await world.leftovers()).toEqual([]);
    expect(walked(view).filter((step) => step.startsWith('25 %') || step.startsWith('50 %'))).toEqual([
      '25 % of traffic to gray: skipped',
      '50 % of traffic to gray: skipped',
    ]);
    const said = (await world.events(id)).filter((e) => e.type === 'steering').map((e) => e.message);
    expect(said).toEqual([
      'ann: extend 1h, test',
      'ann: weight 40 %, test',
      'ann: weight 5 %, test',
      'ann: skip, test',
      'ann: pause, test',
      'ann: weight 30 %, test',
      'ann: promote, test',
    ]);
  });

  it('P4: a weight that somebody set is judged and guarded like a planned one', async () => {
    const world = worlds[1]!;
    const value = { name: 'errors', value: 'errors', max: 1, minRequests: 0 };
    const analysis = { prometheus: metrics.address, metrics: [value], interval: '200ms', window: '5s' };
    await world.declare(world.application({ ...slow, analysis }));
    const before = await world.snapshot();
    const load = lightLoad(world);
    const id = await world.release('v2');
    await holding(world, id, 10);
    expect(await steer(world, id, 'weight', { weight: 77 })).toEqual(accepted);
    const held = await holding(world, id, 77);
    expect(held.waitingOn?.what).toContain('judged every 200ms');
    metrics.answer = () => vector(50);
    const view = await world.ended(id);
    metrics.answer = () => vector(0);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    expectSettled(view);
    await expectUntouched(world, before, load);
    await load.stop();
    expect(load.summary()).toMatchObject({ failed: 0 });
  });
});

describe('steering that makes no sense', () => {
  it('P2 P5: is refused with the reason, and changes nothing: before the gates, in the promotion, after the end', async () => {
    const world = worlds[2]!;
    await world.declare(
      world.application({ ...slow, strategy: 'gray', approval: { required: true, deadline: '1h' } }),
    );
    const id = await world.release('v2');
    const asking = await world.until(id, 'asking', (v) => v.waitingOn?.approval !== undefined);
    expect(asking.waitingOn?.can).toEqual(['approve', 'reject', 'extend', 'abort']);
    for (const [verb, body] of [
      ['weight', { weight: 50 }],
      ['promote', {}],
      ['skip', {}],
      ['resume', {}],
      ['retry', {}],
    ] as const) {
      expect(await steer(world, id, verb, body)).toEqual([409, 'not_now']);
    }
    const why = await world.steer(id, 'promote', { reason: 'in a hurry' });
    expect(why.body['detail']).toContain('only after this step: wait for 1 approval(s)');
    expect((await world.steer(id, 'weight', { weight: 101 })).status).toBe(422);
    expect((await world.steer(id, 'weight', { weight: 9.5 })).status).toBe(422);
    expect((await world.steer(id, 'extend', { duration: 'a while' })).status).toBe(422);
    expect((await world.steer(id, 'extend', {})).status).toBe(422);
    expect((await world.view(id)).applications[0]?.grayWeight).toBe(0);

    expect(await steer(world, id, 'extend', { duration: '2h' })).toEqual(accepted);
    const { waitingOn } = await world.view(id);
    expect(Date.parse(waitingOn!.until!) - Date.parse(asking.waitingOn!.until!)).toBe(7_200_000);
    expect((await world.approve(id)).status).toBe(200);
    await holding(world, id, 10);
    expect(await steer(world, id, 'abort')).toEqual(accepted);
    expect(await steer(world, id, 'weight', { weight: 50 })).toEqual([409, 'not_now']);
    expectSettled(await world.ended(id));
    expect(await steer(world, id, 'promote')).toEqual([409, 'release_ended']);
  });
});
