/**
 * Everything breaks while releases run one after the other on every application and users ask: first in a random order, then each of
 * worker, API and Temporal at events of a release's history. The short form is part of `npm test`; `npm run test:faults` is the long one,
 * with each event. SLUICE_FAULT_SEED repeats the order of a run; its timing is the machine's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { releaseWorkflowId } from '../../domain/ids.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { replayAll } from '../rig/replay.js';
import type { World } from '../rig/world.js';
import { judge, type Traffic, type Verdict } from './rig/answers.js';
import { carryOut, digestOf, overlaps, type Done } from './rig/drive.js';
import { faults, type Fault } from './rig/faults.js';
import { Fleet } from './rig/fleet.js';
import { killAtEach, moments } from './rig/moments.js';
import { schedule, seeded, seedOf, type Random } from './rig/random.js';
import { long, say, Tally } from './rig/report.js';
import { scenarios } from './rig/scenarios.js';

const size = long
  ? { applications: 20, rounds: 6, restMs: [500, 3_000], requestsPerSecond: 3, everyEvent: 1 }
  : { applications: 6, rounds: 1, restMs: [100, 400], requestsPerSecond: 4, everyEvent: 45 };
const patienceMs = long ? 1_100_000 : 300_000;
const seed = seedOf(process.env);

describe(`everything breaks while releases run (SLUICE_FAULT_SEED=${seed})`, () => {
  let fleet: Fleet;
  let loads: Load[] = [];
  /** How often the route of each scenario is written, and how long its history is, with nothing wrong. */
  const calm = new Map<string, { readonly routeWrites: number; readonly events: number }>();

  beforeAll(async () => {
    fleet = await Fleet.start({ applications: size.applications });
    const done = await Promise.all(
      scenarios.map((scenario, i) => carryOut(fleet, fleet.worlds[i]!, scenario, `${seed}-calm-${i}`)),
    );
    for (const { id, scenario, routeWrites } of done)
      calm.set(scenario, { routeWrites, events: await fleet.worlds[0]!.historyLength(id) });
    say(`${size.applications} applications are ready, seed ${seed}`);
  }, 300_000);
  afterAll(() => fleet.stop());
  beforeEach(() => {
    const { ingress: url } = fleet.stack;
    const { requestsPerSecond } = size;
    loads = fleet.worlds.map(({ host }) => startLoad({ url, host, requestsPerSecond, timeoutMs: 20_000 }));
  });
  afterEach(() => Promise.all(loads.map((load) => load.stop())));

  it(
    'P1 P2 P3 P5 P6 P7 P8 P9: in a random order, every release ends as it should, and no answer is wrong or missing',
    async () => {
      const tally = new Tally();
      const done: Done[] = [];
      const problems: string[] = [];
      const over = new AbortController();
      const random = seeded(seed);
      const lanes = (['sluice', 'cluster'] as const).map((part) => {
        const of = faults.filter((f) => f.part === part);
        const order = schedule(random, of, of.length * size.rounds);
        return inflict(order, seeded(random.between(1, 1e9)), tally, done);
      });
      const releasing = fleet.worlds.map(async (world, i) => {
        try {
          for (let round = 0; !over.signal.aborted; round++) {
            const scenario = scenarios[(i + round) % scenarios.length]!;
            done.push(await carryOut(fleet, world, scenario, `${seed}-${i}-${round}`));
          }
        } catch (error) {
          // A release that hangs keeps the turn: this application is of no more use.
          problems.push(`${world.namespace}: ${String(error)}`);
          say(problems.at(-1)!);
        }
      });
      await Promise.all(lanes);
      over.abort();
      await Promise.all(releasing);
      await expectPromises(tally, done, problems);
      expect(done.length).toBeGreaterThanOrEqual(size.applications);
    },
    patienceMs,
  );

  it(
    'P1 P2 P3 P5 P6 P8 P9: a worker, the API or Temporal killed at an event of the history, whichever it is',
    async () => {
      const tally = new Tally();
      const wanted = moments(calm.get(scenarios[0]!.name)!.events, size.everyEvent);
      const { done, problems } = await killAtEach(fleet, wanted, seed, tally);
      await expectPromises(tally, done, problems);
      expect(done.length).toBe(wanted.length);
    },
    patienceMs,
  );

  /** What must be true of all releases together, and of every answer since the test began. */
  async function expectPromises(
    tally: Tally,
    done: readonly Done[],
    problems: readonly string[],
  ): Promise<void> {
    const verdicts = await answers();
    const ids = done.map((d) => releaseWorkflowId(d.id));
    await replayAll(fleet.temporal, ids);
    say(tally.line(`seed ${seed}`, done.length, verdicts));
    const wrong = verdicts.flatMap((v) => v.wrong);
    for (const one of wrong.slice(0, 20)) say(one);
    expect(problems).toEqual([]);
    expect(wrong).toEqual([]);
    expect(fleet.worlds.flatMap((w) => fleet.watch.violations(w.namespace))).toEqual([]);
    expect(fleet.client.defects).toEqual([]);
    expect(fleet.exits, 'processes that ended by themselves').toEqual([]);
    expect(overlaps(done)).toEqual([]);
    const writes = done.filter((d) => d.routeWrites !== calm.get(d.scenario)!.routeWrites);
    expect(writes.map((d) => `${d.id}, ${d.scenario}: ${d.routeWrites} writes to the route`)).toEqual([]);
  }

  async function answers(): Promise<readonly Verdict[]> {
    return Promise.all(
      fleet.worlds.map(async (world, i) => {
        const { records } = await loads[i]!.stop();
        return judge(records, await trafficOf(world), fleet.watch, fleet.away);
      }),
    );
  }

  async function inflict(
    order: readonly Fault[],
    random: Random,
    tally: Tally,
    done: readonly Done[],
  ): Promise<void> {
    for (const fault of order) {
      const begun = Date.now();
      await fault.inflict(fleet, random);
      tally.survived(fault);
      const seconds = ((Date.now() - begun) / 1_000).toFixed(1);
      if (long) say(`${fault.name}, ${seconds} s; ${done.length} releases have ended`);
      await delay(random.between(size.restMs[0]!, size.restMs[1]!));
    }
  }
});

/** What the images of an application stand for. */
async function trafficOf(world: World): Promise<Traffic> {
  const versions = new Map<string, string>();
  for (const tag of ['v1', 'v2', 'v3']) versions.set(await digestOf(world, tag), tag);
  const versionOf = (image: string): string =>
    versions.get(image.split('@')[1] ?? '') ?? image.slice(image.lastIndexOf(':') + 1);
  return { namespace: world.namespace, name: world.name, versionOf };
}
