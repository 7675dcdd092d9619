/** What the releases of a fleet go through, and what a person does meanwhile. */
import { expect } from 'vitest';
import type { ReleaseInput } from '../../../domain/application.js';
import { releaseIdOfKey } from '../../../domain/ids.js';
import type { EndedPhase, ReleaseView } from '../../../domain/release.js';
import { eventually } from '../../rig/eventually.js';
import { quick, type World } from '../../rig/world.js';

/** A fault is no reason to give a release up: nothing here is away for longer. The drain is the usual one, which covers a proxy without its controller. */
const patient: ReleaseInput = { ...quick, progressDeadline: '3m', rollbackDeadline: '3m', drain: '5s' };
const patienceMs = 180_000;
export const pollMs = 400;

/** Judged by the real Prometheus, by a value that depends on nobody's requests. */
const analysis: ReleaseInput['analysis'] = {
  interval: '500ms',
  metrics: [{ name: 'zero', value: 'vector(0)', max: 1, minRequests: 0 }],
};

export interface Scenario {
  readonly name: string;
  readonly release: ReleaseInput;
  readonly ends: EndedPhase;
  /** Shares of gray that the route has, one after the other. */
  readonly weights: readonly number[];
  readonly drive: (world: World, id: string) => Promise<unknown>;
}

const approving = (decision: 'approve' | 'reject') => async (world: World, id: string) => {
  const { planHash } = await reaches(
    world,
    id,
    'asking for approval',
    (v) => v.waitingOn?.approval !== undefined,
  );
  const decide = (hash: string) =>
    world.call('POST', `/v1/releases/${id}/decisions`, { decision, reason: 'faults', planHash: hash });
  // P5: what was seen of another plan does not count.
  expect((await decide('0123456789abcdef')).status).toBe(409);
  const { status, body } = await decide(planHash!);
  // Its answer may have been lost: then the second one comes too late.
  if (status !== 200)
    expect(body).toMatchObject({ code: expect.stringMatching(/not_now|decision_repeated|release_ended/) });
};

const aborting = async (world: World, id: string) => {
  await reaches(world, id, 'at 50 %', (v) => v.phase === 'holding' && v.applications[0]!.grayWeight === 50);
  await queueing(world, id);
  const { status, body } = await world.steer(id, 'abort');
  if (status !== 200) expect(body).toMatchObject({ code: expect.stringMatching(/not_now|release_ended/) });
};

/** P6: another one waits while this one runs, and leaves the queue when it is told to. */
async function queueing(world: World, running: string): Promise<void> {
  const key = `${running}-behind`;
  const id = releaseIdOfKey(key);
  await ask(world, id, 'v1', key);
  await reaches(world, id, 'queued', (v) => v.phase === 'queued' && v.waitingOn !== null);
  await world.steer(id, 'abort');
  const { outcome, steps } = await reaches(world, id, 'ended', (v) => v.outcome !== null);
  expect(outcome?.phase).toBe('cancelled');
  expect(steps.filter((s) => s.startedAt !== null)).toEqual([]);
}

const judged = [10, 50, 100].map((weight) => ({ weight, hold: '1s' }));

export const scenarios: readonly Scenario[] = [
  {
    name: 'approved and promoted',
    release: { ...patient, steps: judged, approval: { required: true }, analysis },
    ends: 'succeeded',
    weights: [0, 10, 50, 100, 0],
    drive: approving('approve'),
  },
  {
    name: 'rejected',
    release: { ...patient, approval: { required: true } },
    ends: 'rolled_back',
    weights: [0],
    drive: approving('reject'),
  },
  {
    name: 'aborted at a weight',
    release: {
      ...patient,
      strategy: 'canary',
      steps: [
        { weight: 10, hold: '500ms' },
        { weight: 50, hold: '30m' },
      ],
      analysis,
    },
    ends: 'rolled_back',
    weights: [0, 10, 50, 0],
    drive: aborting,
  },
  {
    name: 'straight through',
    release: { ...patient, strategy: 'canary', steps: judged },
    ends: 'succeeded',
    weights: [0, 10, 50, 100, 0],
    drive: () => Promise.resolve(),
  },
];

/** Like World.until, but through anything that is away meanwhile, and not too often; throws at once where it ended before. */
export async function reaches(
  world: World,
  id: string,
  what: string,
  condition: (view: ReleaseView) => boolean,
): Promise<ReleaseView> {
  let last: ReleaseView | null = null;
  const view = await eventually(
    `release ${id} of ${world.namespace} to be ${what}`,
    async () => {
      const seen = (last = await world.view(id));
      return condition(seen) || seen.outcome !== null ? seen : null;
    },
    patienceMs,
    pollMs,
  ).catch((error: unknown) => {
    const { phase, waitingOn, step, steps } = last ?? {};
    throw new Error(`${String(error)}; last seen: ${JSON.stringify({ phase, waitingOn, step, steps })}`);
  });
  if (!condition(view))
    throw new Error(`${id} ended before it was ${what}: ${JSON.stringify([view.outcome, view.steps])}`);
  return view;
}

/**
 * Asks until the release has its plan. One that was accepted while the cluster was away for longer than a plan may take has failed and changed
 * nothing, and its key is free again.
 */
export async function ask(world: World, id: string, image: string, key: string): Promise<void> {
  const body = { applications: [{ name: world.applicationName, image }] };
  for (let tries = 1; ; tries++) {
    const answer = await world.call('POST', '/v1/releases', body, { 'idempotency-key': key });
    expect(answer, `answer ${JSON.stringify(answer.body)}`).toMatchObject({ status: 202, body: { id } });
    const { outcome } = await reaches(world, id, 'planned', (v) => v.planHash !== null || v.outcome !== null);
    if (outcome?.failure?.retryable !== true || outcome.phase !== 'failed' || tries > 5) return;
  }
}
