/**
 * A worker is killed again and again while applications that call each other are released as one lane: all three of them, and in the long
 * form also two with the third between them, three that are judged and approved, and three that are aborted. The long form
 * (SLUICE_FAULTS=long) kills at each event;
 * SLUICE_KILL_EVERY says at every how many.
 */
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { EndedPhase, ReleaseView } from '../../domain/release.js';
import type { Load } from '../../infra/local/load.js';
import { expectSettled, stableOf } from '../e2e/undone.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { withImage, type Snapshot } from '../rig/snapshot.js';
import type { World } from '../rig/world.js';
import { reachesEvent } from './follow.js';
import { long, say } from './rig/report.js';

/** Events between two kills of a release: the later ones meet a history that was mended. */
const apart = 40;
const every = Number(process.env['SLUICE_KILL_EVERY'] ?? (long ? 1 : apart));
const isLong = every < apart;
/** One release each, whose first kill comes at that event. */
const offsets = isLong ? Array.from({ length: Math.ceil(apart / every) }, (_, i) => 1 + i * every) : [17];
const patienceMs = 180_000;

interface Scenario {
  readonly title: string;
  /** Else a and c. */
  readonly isWhole: boolean;
  readonly ends: EndedPhase;
  readonly release?: ReleaseInput;
}

/** By real queries of the real Prometheus, however few requests there are. */
const judged: ReleaseInput = {
  analysis: {
    interval: '100ms',
    window: '5s',
    metrics: [{ name: 'zero', value: 'vector(0)', max: 1, minRequests: 0 }],
  },
  approval: { required: true },
  verify: '300ms',
};

const scenarios: readonly Scenario[] = [
  { title: 'a lane of three', isWhole: true, ends: 'succeeded' },
  { title: 'a lane of three that is judged and approved', isWhole: true, ends: 'succeeded', release: judged },
  { title: 'a lane of two with a third between them', isWhole: false, ends: 'succeeded' },
  {
    title: 'a lane of three that is aborted at a weight',
    isWhole: true,
    ends: 'rolled_back',
    release: {
      steps: [
        { weight: 10, hold: '300ms' },
        { weight: 50, hold: '5m' },
      ],
    },
  },
];

describe('P8: a lane of which the worker is killed', () => {
  const chains: Chain[] = [];
  afterAll(async () => {
    for (const chain of chains) await chain.close();
  });

  it.concurrent.each(isLong ? scenarios : scenarios.slice(0, 1))(
    'P1 P2 P3 P9: $title ends as one that nobody disturbed, and no answer mixes versions or fails',
    async (scenario) => {
      const { title, isWhole, ends, release = {} } = scenario;
      // In the long form there are many lanes, of four drains each.
      const patient = { progressDeadline: '2m', rollbackDeadline: '2m', drain: '1s' } as const;
      const own = { ...patient, ...release };
      const chain = await Chain.create(inject('stack'), { a: own, b: own, c: own });
      chains.push(chain);
      const answer = (version: string): string => chain.answer(version, isWhole ? version : 'v1');
      let [kills, from, to] = [0, 'v1', 'v2'];
      for (const offset of offsets) {
        const [before, written] = await Promise.all([chain.snapshots(), promotionsOf(chain)]);
        const { untagged, tagged, stop } = chain.steady(8);
        const id = await (isWhole ? chain.releaseAll(to) : chain.release(to));
        const aborting = ends === 'rolled_back' ? abortInShare(chain, id, untagged, answer(to)) : null;
        const approving = release === judged ? approved(chain, id) : null;
        const [survived] = await Promise.all([killed(chain, id, offset), aborting, approving]);
        kills += survived;
        const view = await chain.a.ended(id, patienceMs);
        const ended = Date.now();
        await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
        await stop();
        expect(view.outcome).toMatchObject({ phase: ends, left: [] });
        expectSettled(view);
        const both = [answer(from), answer(to)].toSorted();
        expect([waysSince(untagged), waysSince(tagged)]).toEqual([both, both]);
        if (ends === 'succeeded') [from, to] = [to, from];
        const stable = [answer(from)];
        expect([waysSince(untagged, ended), waysSince(tagged, ended)]).toEqual([stable, stable]);
        const expected = ends === 'succeeded' ? promoted(chain.worlds, before, view) : before;
        expect(await chain.snapshots()).toEqual(expected);
        const times = chain.worlds.map((world) => (ends === 'succeeded' && isIn(view, world) ? 1 : 0));
        expect((await promotionsOf(chain)).map((count, i) => count - written[i]!)).toEqual(times);
        expect(await chain.leftovers()).toEqual([]);
        if (isLong) say(`${title}: ${kills} kills survived, the first at event ${offset} of the last lane`);
      }
      say(`${title}: ${kills} kills survived by ${offsets.length} lanes, no answer mixed or missing`);
    },
    isLong ? 3_600_000 : 300_000,
  );
});

/** Kills at every so many events until the release has ended; answers how often. */
async function killed({ a, c }: Chain, id: string, offset: number): Promise<number> {
  for (let kills = 0; ; kills++) {
    await reachesEvent(a.temporal, id, offset + kills * apart);
    const { status } = await a.temporal.workflow.getHandle(releaseWorkflowId(id)).describe();
    if (status.name !== 'RUNNING') return kills;
    await c.worker.kill('SIGKILL');
    await c.worker.start();
  }
}

/** Again where the worker was killed before it answered; a decision that counted already is not needed any more. */
async function approved({ a }: Chain, id: string): Promise<void> {
  const asks = ({ waitingOn }: ReleaseView): boolean => waitingOn?.approval !== undefined;
  const { planHash } = await a.until(id, 'waiting for approval', asks, patienceMs);
  const decision = { decision: 'approve', reason: 'test', planHash };
  await eventually(
    'the approval',
    async () => (await a.steer(id, 'decisions', decision)).status === 200 || !asks(await a.view(id)),
    patienceMs,
  );
}

/** By means that need no worker. */
async function abortInShare({ a }: Chain, id: string, untagged: Load, gray: string): Promise<void> {
  const isShared = (view: ReleaseView): boolean => view.applications.every((one) => one.grayWeight === 50);
  await a.until(id, 'at 50 %', (view) => view.phase === 'holding' && isShared(view), patienceMs);
  await eventually('a request in the share', () => waysSince(untagged).includes(gray));
  await a.temporal.workflow.getHandle(releaseWorkflowId(id)).cancel();
}

/** How often the specification of each stable has changed. */
const promotionsOf = ({ worlds }: Chain): Promise<number[]> =>
  Promise.all(worlds.map(async (world) => (await stableOf(world)).metadata.generation));

const digestIn = ({ applications }: ReleaseView, { applicationName }: World): string | null | undefined =>
  applications.find((one) => one.name === applicationName)?.digest;
const isIn = (view: ReleaseView, world: World): boolean => digestIn(view, world) !== undefined;

/** As before, but for the images of what was released. */
function promoted(worlds: readonly World[], before: readonly Snapshot[], view: ReleaseView): Snapshot[] {
  return worlds.map((world, i) => {
    const taken = before[i]!;
    if (!isIn(view, world)) return taken;
    const [, image = ''] = /"image":"([^"]+)"/.exec(taken[`Deployment/${world.name}`]!) ?? [];
    return withImage(taken, image, `${world.repository}@${digestIn(view, world)}`);
  });
}
