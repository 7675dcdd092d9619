/** A newer version during a release, under real requests: the older one gives way without a failed or a wrong answer. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import type { Load } from '../../infra/local/load.js';
import { withImage } from '../rig/snapshot.js';
import { eventually } from '../rig/eventually.js';
import { TrafficWatch } from '../rig/traffic-watch.js';
import { quick, World } from '../rig/world.js';
import { during, expectSettled, lightLoad, promotionBegun } from './undone.js';

interface Case {
  readonly where: string;
  readonly image: string;
  readonly release: ReleaseInput;
  readonly when: (view: ReleaseView) => boolean;
  /** Gray's share as the API server saw it change, of both releases. */
  readonly weights: readonly number[];
  /** Whether the older one is waited for, because it changes stable already. */
  readonly waitedFor?: boolean;
}

/** Its pods take long enough for a newer release to come meanwhile, on a busy machine too; or longer than anybody waits. */
const slow = 'slow';
const stuck = 'stuck';
const long: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 50, hold: '5m' }] };
const whole: ReleaseInput = { ...quick, strategy: 'canary', steps: [{ weight: 100, hold: '200ms' }] };

const cases: readonly Case[] = [
  {
    where: 'while gray is deployed',
    image: stuck,
    release: { ...quick, progressDeadline: '5m' },
    when: (view) => view.phase === 'deploying' && during('deploy-gray')(view),
    weights: [0, 100, 0],
  },
  {
    where: 'while approval is waited for',
    image: 'v2',
    release: { ...quick, approval: { required: true } },
    when: (view) => view.waitingOn?.approval !== undefined,
    weights: [0, 100, 0],
  },
  {
    where: 'at a weight',
    image: 'v2',
    release: long,
    when: (view) => view.phase === 'holding' && view.applications[0]?.grayWeight === 50,
    weights: [0, 50, 0, 100, 0],
  },
  {
    where: 'while stable is promoted',
    image: slow,
    release: whole,
    when: (view) => view.phase === 'promoting',
    weights: [0, 100, 0, 100, 0],
    waitedFor: true,
  },
];

const givesWay = { phase: 'rolled_back', left: [], failure: { code: 'superseded' } };
const goesOn = { phase: 'succeeded', left: [], failure: null };

describe('P1 P6: a newer release supersedes the running one', () => {
  const worlds: World[] = [];
  beforeAll(async () => {
    const first = await World.create(inject('stack'));
    const beside = cases.slice(1).map(() => World.create(inject('stack'), { beside: first }));
    worlds.push(first, ...(await Promise.all(beside)));
    await worlds[0]!.image(stuck, { START_MS: '600000' });
    await worlds[3]!.image(slow, { START_MS: '6000' });
  });
  afterAll(async () => {
    for (const world of worlds.toReversed()) await world.close();
  });

  it.concurrent.each(cases.map((c, i) => [c.where, c, i] as const))(
    '%s: no failed answer, none of a version that has no share, and the objects are clean',
    async (_, given, i) => {
      const world = worlds[i]!;
      const before = await world.snapshot();
      const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
      const load = lightLoad(world);
      await world.declare(world.application(given.release));
      const older = await world.release(given.image);
      // It keeps what was declared when it began.
      await world.declare(world.application({ ...whole, queue: 'supersede-running' }));
      await world.until(older, given.where, given.when);
      if (given.waitedFor === true) await promotionBegun(world);
      const newer = await world.release('v3');

      const first = await world.ended(older);
      expect(first.outcome).toMatchObject(given.waitedFor === true ? goesOn : givesWay);
      const told = (await world.events(older)).map((e) => e.message);
      expect(told.filter((message) => message.startsWith(`Release ${newer} is newer`))).toHaveLength(1);
      const second = await world.ended(newer);
      expect(second.outcome).toMatchObject({ phase: 'succeeded', left: [] });
      expectSettled(first);
      expectSettled(second);
      // The turn passed only when the older one had ended.
      const began = second.steps.find((s) => s.kind === 'deploy-gray')?.startedAt;
      expect(Date.parse(began!)).toBeGreaterThanOrEqual(Date.parse(first.endedAt!));

      await answersFrom(load, 'v3');
      const [{ byFailure, records }] = await Promise.all([load.stop(), watch.stop()]);
      expect(byFailure).toEqual({});
      expect(watch.violations).toEqual([]);
      const shares = sharesOf(watch);
      expect(shares.map(({ weight }) => weight)).toEqual(given.weights);
      expect(wrongAnswers(records, shares, given)).toEqual([]);
      expect(await world.leftovers()).toEqual([]);
      const promoted = `${world.repository}@${second.applications[0]!.digest!}`;
      expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, promoted));
    },
    240_000,
  );
});

/** Waits until a few answers in a row come from that version. */
async function answersFrom(load: Load, version: string): Promise<void> {
  await eventually(`answers from ${version}`, () => {
    const last = load.summary().records.slice(-5);
    return last.length === 5 && last.every((r) => r.version === version);
  });
}

interface Share {
  readonly at: number;
  readonly weight: number;
}

/** Gray's share each time that it changed. */
function sharesOf(watch: TrafficWatch): readonly Share[] {
  const all = watch.routes.map(({ at, weights }) => ({
    at,
    weight: Math.max(...weights.map((rule) => rule['shop-gray'] ?? 0)),
  }));
  return all.filter(({ weight }, i) => weight !== all[i - 1]?.weight);
}

/** A proxy on a busy machine may learn of a route so much later than the API server. */
const settleMs = 5_000;

/** Answers of a version at a time when it had no share: the older one's after traffic had left it, the newer one's before it had any. */
function wrongAnswers(
  records: Awaited<ReturnType<Load['stop']>>['records'],
  shares: readonly Share[],
  { image, waitedFor }: Case,
): string[] {
  const newerFrom = shares.at(-2)!.at;
  const olderHad = shares.slice(0, -2).filter(({ weight }) => weight > 0);
  const olderFrom = olderHad[0]?.at ?? Infinity;
  // Promoted, it is stable until the newer one is.
  const olderUntil =
    waitedFor === true ? Infinity : shares.findLast(({ weight, at }) => weight === 0 && at < newerFrom)!.at;
  return records
    .filter(({ version, at, tookMs }) => {
      if (version === 'v3') return at + tookMs < newerFrom;
      if (version === image) return at + tookMs < olderFrom || at > olderUntil + settleMs;
      return version !== 'v1';
    })
    .map(({ version, at }) => `${version} at ${at}`);
}
