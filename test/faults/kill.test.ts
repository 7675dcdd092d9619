/**
 * The worker is killed at every event of a release's history, at a few of them in each release. What comes out must not differ from a
 * release that nobody disturbed. Every eighth event by default, each one with SLUICE_KILL_EVERY=1 (`npm run test:kill`).
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Actor } from '../../domain/approval.js';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseIdOfKey, releaseWorkflowId } from '../../domain/ids.js';
import type { EndedPhase, ReleaseView } from '../../domain/release.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import * as messages from '../../workflows/messages.js';
import { replayAll } from '../rig/replay.js';
import { withImage } from '../rig/snapshot.js';
import { Pool } from '../rig/pool.js';
import { quick, World } from '../rig/world.js';
import { reachesEvent, RouteWatch } from './follow.js';

const every = Number(process.env['SLUICE_KILL_EVERY'] ?? 8);
/** Releases at once: a recovery is mostly waiting, the start of a worker mostly work. */
const side = Number(process.env['SLUICE_KILL_WORLDS'] ?? 5);
/** Kills of one release, far from each other: most of what a kill costs is its release, and the later ones meet a history that was mended. */
const killsEach = 3;

interface Scenario {
  readonly title: string;
  readonly release: ReleaseInput;
  readonly ends: EndedPhase;
  /** What a person does meanwhile, by means that need no worker. */
  readonly drive: (world: World, id: string) => Promise<unknown>;
  /** Share of untagged requests on gray, as the API server saw it change. */
  readonly weights: readonly number[];
  /** How often the specification of stable is written. Default once where it succeeds. */
  readonly writes?: number;
}

/** Judged by the real Prometheus, by a value that depends on nobody's requests. */
const analysis: ReleaseInput['analysis'] = {
  interval: '200ms',
  metrics: [{ name: 'zero', value: 'vector(0)', max: 1, minRequests: 0 }],
};
/** A busy machine is no reason to give a release up. */
const patient: ReleaseInput = { ...quick, progressDeadline: '2m', rollbackDeadline: '2m' };
const patienceMs = 180_000;
const ann: Actor = { name: 'ann', roles: ['approver'] };

const scenarios: readonly Scenario[] = [
  {
    title: 'a release that succeeds',
    release: {
      ...patient,
      steps: [
        { weight: 10, hold: '300ms' },
        { weight: 50, hold: '300ms' },
        { weight: 100, hold: '300ms' },
      ],
      approval: { required: true },
      analysis,
    },
    ends: 'succeeded',
    drive: async (world, id) => {
      const { planHash } = await world.until(
        id,
        'asking for approval',
        (v) => v.waitingOn?.approval !== undefined,
        patienceMs,
      );
      const decision = { decision: 'approve', reason: 'looks good', planHash: planHash!, by: ann } as const;
      await world.temporal.workflow.getHandle(releaseWorkflowId(id)).signal(messages.approval, decision);
    },
    weights: [0, 10, 50, 100, 0],
  },
  {
    title: 'a release that is aborted at a weight',
    release: {
      ...patient,
      strategy: 'canary',
      steps: [
        { weight: 10, hold: '300ms' },
        { weight: 50, hold: '5m' },
      ],
    },
    ends: 'rolled_back',
    drive: async (world, id) => {
      const held = (v: ReleaseView): boolean => v.phase === 'holding' && v.applications[0]!.grayWeight === 50;
      await world.until(id, 'at 50 %', held, patienceMs);
      await world.temporal.workflow.getHandle(releaseWorkflowId(id)).cancel();
    },
    weights: [0, 10, 50, 0],
  },
  {
    title: 'a promotion in batches',
    release: { ...patient, strategy: 'rolling', batches: [{ pods: 1, hold: '300ms' }, { pods: '100%' }] },
    ends: 'succeeded',
    drive: () => Promise.resolve(),
    weights: [0],
    // Two pods go one after the other, and come one after the other.
    writes: 4,
  },
  {
    title: 'batches that are aborted',
    release: { ...patient, strategy: 'rolling', batches: [{ pods: 1, hold: '5m' }] },
    ends: 'rolled_back',
    drive: async (world, id) => {
      await world.until(id, 'held', (v) => v.phase === 'holding', patienceMs);
      await world.temporal.workflow.getHandle(releaseWorkflowId(id)).cancel();
    },
    weights: [0],
    writes: 2,
  },
];

interface Observed {
  readonly events: number;
  readonly routeWrites: number;
}

/** Every so many events and the last one, dealt out to as few releases as can be. */
function killings(events: number): readonly (readonly number[])[] {
  const all = Array.from({ length: events }, (_, i) => i + 1);
  const moments = all.filter((k) => (k - 1) % every === 0 || k === events);
  const releases = Math.ceil(moments.length / killsEach);
  return all.slice(0, releases).map((_, i) => moments.filter((__, m) => m % releases === i));
}

describe('P8: the worker is killed in the middle', () => {
  const worlds: World[] = [];
  let free: Pool<World>;
  let loads: Load[] = [];
  const released: string[] = [];

  beforeAll(async () => {
    while (worlds.length < side) {
      const few = Math.min(3, side - worlds.length);
      worlds.push(...(await Promise.all(Array.from({ length: few }, () => World.create(inject('stack'))))));
    }
    free = new Pool(worlds);
    loads = worlds.map((world) =>
      startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 4, timeoutMs: 20_000 }),
    );
  });
  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    if (worlds[0] !== undefined) await replayAll(worlds[0].temporal, released.map(releaseWorkflowId));
    for (const world of worlds) await world.close();
  });

  it.concurrent.each(scenarios)(
    'P1 P2 P3 P9: $title comes out the same, whichever event it is killed at',
    async (scenario) => {
      const calm = await free.with((world) => carryOut(world, scenario, []));
      const wanted = killings(calm.events);
      const problems: string[] = [];
      const survive = async (kills: readonly number[]): Promise<number> => {
        try {
          const { routeWrites } = await free.with((world) => carryOut(world, scenario, kills));
          expect(routeWrites).toBe(calm.routeWrites);
          return kills.length;
        } catch (error) {
          problems.push(`killed at events ${kills.join(', ')}: ${String(error)}`);
          console.log(problems.at(-1));
          return 0;
        }
      };
      const survived = (await Promise.all(wanted.map(survive))).reduce((sum, kills) => sum + kills, 0);
      console.log(`${scenario.title}: ${calm.events} events, ${survived} kills survived`);
      expect(problems).toEqual([]);
      expect(survived).toBe(wanted.flat().length);
      for (const load of loads) expect(load.summary().byFailure).toEqual({});
    },
    1_200_000,
  );

  /** One release of a world, its worker killed at the given events; proves all that must be true of its end. */
  async function carryOut(world: World, scenario: Scenario, kills: readonly number[]): Promise<Observed> {
    const key = randomUUID();
    const id = releaseIdOfKey(key);
    released.push(id);
    await world.declare(world.application(scenario.release));
    const [before, promotions] = await Promise.all([world.snapshot(), promotionsOf(world)]);
    const image = before['Deployment/shop']!.includes(await digestOf(world, 'v2')) ? 'v3' : 'v2';
    const route = await RouteWatch.start(world);
    const body = { applications: [{ name: world.applicationName, image }] };
    const [answer] = await Promise.all([
      world.call('POST', '/v1/releases', body, { 'idempotency-key': key }),
      killAt(world, id, kills),
      scenario.drive(world, id),
    ]);
    expect(answer, `answer ${JSON.stringify(answer.body)}`).toMatchObject({ status: 202 });
    const view = await world.ended(id, patienceMs);
    const { weights, writes } = await route.stop();
    expect(view.outcome).toMatchObject({ phase: scenario.ends, left: [] });
    expect(weights).toEqual(scenario.weights);
    await expectEnd(world, view, before);
    const { writes: stableWrites = scenario.ends === 'succeeded' ? 1 : 0 } = scenario;
    expect((await promotionsOf(world)) - promotions).toBe(stableWrites);
    return { events: await world.historyLength(id), routeWrites: writes };
  }
});

/** A history may come out some events shorter than the undisturbed one: then the kill comes at its last event. */
async function killAt(world: World, id: string, events: readonly number[]): Promise<void> {
  for (const event of events) {
    await reachesEvent(world.temporal, id, event);
    await world.worker.kill('SIGKILL');
    await world.worker.start();
  }
}

/** The user's objects are byte for byte what they were, but for the image of a success, and nothing of ours is left. */
async function expectEnd(
  world: World,
  view: ReleaseView,
  before: Awaited<ReturnType<World['snapshot']>>,
): Promise<void> {
  const image = /"image":"([^"]+)"/.exec(before['Deployment/shop']!)![1]!;
  const promoted = `${world.repository}@${view.applications[0]!.digest!}`;
  const expected = view.outcome?.phase === 'succeeded' ? withImage(before, image, promoted) : before;
  expect(await world.snapshot()).toEqual(expected);
  expect(await world.leftovers()).toEqual([]);
  expect(view.steps.filter((s) => s.state === 'running' || s.state === 'pending')).toEqual([]);
}

/** How often the specification of stable has changed. */
async function promotionsOf(world: World): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.name}`;
  const { metadata } = await world.kube.get<{ metadata: { generation: number } }>(path);
  return metadata.generation;
}

const digests = new Map<string, string>();
async function digestOf(world: World, tag: string): Promise<string> {
  const key = `${world.repository}:${tag}`;
  const known = digests.get(key) ?? (await world.image(tag)).split('@').at(-1)!;
  digests.set(key, known);
  return known;
}
