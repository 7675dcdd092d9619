/** Prometheus misbehaves: what nobody can judge is held and asked about, never passed, and never rolled back by itself. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { freePorts } from '../../infra/local/ports.js';
import { fakePrometheus, vector, type Answering, type FakePrometheus } from '../fakes/prometheus.js';
import { TrafficWatch } from '../rig/traffic-watch.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
/** How it answers each namespace; nothing said: well. */
const answers = new Map<string, Answering>();
let prometheus: FakePrometheus;
/** Its worker serves the others too. */
let first: World;

const counts =
  (total: number | string, errors: number | string, ageSeconds = 1): Answering =>
  (query) => {
    if (query.startsWith('time()')) return vector(ageSeconds);
    return query.includes('response_code') ? vector(errors) : vector(total);
  };
const well = counts(100, 0);
const badly = counts(20, 20);

function answerOf(query: string, time: string | null): ReturnType<Answering> {
  const namespace = [...answers.keys()].find((ns) => query.includes(ns));
  return (answers.get(namespace ?? '') ?? well)(query, time);
}

beforeAll(async () => {
  prometheus = await fakePrometheus(answerOf);
  first = await World.create(stack, {
    replicas: 1,
    workerEnv: { SLUICE_PROMETHEUS_URL: prometheus.address },
  });
});
afterAll(async () => {
  await first.close();
  await prometheus.close();
});

const judged = (change: ReleaseInput['analysis'] = {}): ReleaseInput => ({
  ...quick,
  strategy: 'canary',
  steps: [
    { weight: 50, hold: '1s' },
    { weight: 100, hold: '100ms' },
  ],
  analysis: {
    interval: '300ms',
    window: '10s',
    metrics: [{ name: 'errors', builtin: 'error-rate', max: 5, minRequests: 3 }],
    ...change,
  },
});

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const world = await World.create(stack, { replicas: 1, beside: first });
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

/** Released until it holds and asks; answers its id. */
async function held(world: World, reason: RegExp): Promise<string> {
  const id = await world.release('v2');
  const view = await world.until(id, 'asking', (v) => v.waitingOn?.can.includes('resume') === true);
  expect(view).toMatchObject({ phase: 'holding', outcome: null, applications: [{ grayWeight: 50 }] });
  expect(view.waitingOn?.what).toMatch(/^a conclusive analysis at 50 %: errors: /);
  expect(view.waitingOn?.what).toMatch(reason);
  expect(await weights(world)).toEqual({ shop: 50, 'shop-gray': 50 });
  return id;
}

async function goesOn(world: World, id: string): Promise<ReleaseView> {
  const view = await world.ended(id);
  expect(await world.leftovers()).toEqual([]);
  return view;
}

async function weights(world: World): Promise<Readonly<Record<string, number>>> {
  const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
  await watch.stop();
  return watch.routes.at(-1)!.weights[0]!;
}

describe.concurrent('P7: no data is not good data', () => {
  it.each<[string, Answering, RegExp]>([
    ['answers nothing', () => vector(), /no data: the proxy has counted no request yet, or Prometheus/],
    ['answers NaN', counts('NaN', 'NaN'), /NaN, which is no number to judge/],
    ['answers 500', () => ({ status: 500, body: 'oh no' }), /Prometheus answered 500: oh no/],
    ['has old samples only', counts(100, 0, 600), /stale: the newest sample is 600 s old/],
    ['does not answer in time', () => 'never', /cannot be asked: no answer within 5000 ms/],
    ['has seen too few requests', counts(2, 0), /2 request\(s\) in the window, at least 3 needed/],
  ])('a Prometheus that %s: holds and asks; goes on by itself when it is well', async (_, answer, reason) => {
    await inWorld(async (world) => {
      answers.set(world.namespace, answer);
      await world.declare(world.application(judged()));
      const id = await held(world, reason);
      answers.set(world.namespace, well);
      expect((await goesOn(world, id)).outcome).toMatchObject({ phase: 'succeeded', failure: null });
    });
  });

  it('a Prometheus that is away: holds and asks; goes on by itself when it is back', async () => {
    await inWorld(async (world) => {
      const [port] = await freePorts(1);
      const address = `http://127.0.0.1:${port}`;
      await world.declare(world.application(judged({ prometheus: address })));
      const id = await held(world, /cannot be asked: .*ECONNREFUSED/);
      const back = await fakePrometheus(well, port);
      expect((await goesOn(world, id)).outcome).toMatchObject({ phase: 'succeeded', failure: null });
      await back.close();
    });
  });

  it('nobody decides until the deadline: rolled back, as the policy says, and it says why', async () => {
    await inWorld(async (world) => {
      answers.set(world.namespace, () => vector());
      await world.declare(world.application(judged({ inconclusiveDeadline: '2s' })));
      const before = await world.snapshot();
      const { outcome } = await world.ended(await world.release('v2'));
      expect(outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_inconclusive' } });
      expect(await world.snapshot()).toEqual(before);
      expect(await world.leftovers()).toEqual([]);
    });
  });

  it('a person goes on although nothing is known, and that is on record', async () => {
    await inWorld(async (world) => {
      answers.set(world.namespace, (query, time) => (query.includes('gray') ? vector() : well(query, time)));
      await world.declare(world.application(judged()));
      const id = await held(world, /no data/);
      expect((await world.steer(id, 'resume', { reason: 'seen by hand' })).status).toBe(200);
      await world.until(id, 'at 100 %', (v) => v.applications[0]?.grayWeight === 100);
      answers.set(world.namespace, well);
      expect((await goesOn(world, id)).outcome).toMatchObject({ phase: 'succeeded' });
      const { steps } = await world.view(id);
      expect(steps.map((s) => s.result)).toContainEqual(expect.stringContaining('seen by hand'));
    });
  });
});

describe('a breach', () => {
  it('reaches the route before the workflow hears of it', async () => {
    await inWorld(async (world) => {
      let failedAt = 0;
      await world.declare(world.application(judged()));
      const before = await world.snapshot();
      const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
      answers.set(world.namespace, (query, time) => {
        if (failedAt === 0) failedAt = Date.now();
        return badly(query, time);
      });
      const id = await world.release('v2');
      const { outcome } = await world.ended(id);
      expect(outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
      expect(outcome?.failure?.message).toContain('errors is 100 % (20 of 20 requests), above 5 %');
      await watch.stop();
      expect(watch.violations).toEqual([]);
      const returned = watch.routes.find((r) => r.at >= failedAt && (r.weights[0]!['shop-gray'] ?? 0) === 0);
      console.log(`guard: ${returned!.at - failedAt} ms from the failing answer to weight 0`);
      // A loose bound, as the machine may be busy; on an idle one it is some ten milliseconds.
      expect(returned!.at - failedAt).toBeLessThan(3_000);
      expect(await guardedAt(world, failedAt)).toBeLessThan(await heardAt(world, id));
      expect(await world.snapshot()).toEqual(before);
      expect(await world.leftovers()).toEqual([]);
    });
  });
});

/** When the API server took the guard's write, by its own audit log. */
async function guardedAt(world: World, since: number): Promise<number> {
  const lines = (await readFile(stack.auditLog, 'utf8')).split('\n');
  const writes = lines
    .filter((line) => line.includes(`"${world.namespace}"`) && line.includes('"httproutes"'))
    .map((line) => JSON.parse(line) as { verb: string; stageTimestamp: string; stage: string })
    .filter((e) => e.verb === 'patch' && e.stage === 'ResponseComplete')
    .map((e) => Date.parse(e.stageTimestamp));
  return Math.min(...writes.filter((at) => at >= since));
}

/** When the history has the failing analysis. */
async function heardAt(world: World, id: string): Promise<number> {
  const { events } = await world.temporal.workflow.getHandle(releaseWorkflowId(id)).fetchHistory();
  const analysed = events?.find(
    (e) => e.activityTaskScheduledEventAttributes?.activityType?.name === 'analyse',
  );
  const completed = events?.find((e) =>
    e.activityTaskCompletedEventAttributes?.scheduledEventId?.eq(analysed!.eventId!),
  );
  const { seconds, nanos } = completed!.eventTime!;
  return Number(seconds) * 1_000 + (nanos ?? 0) / 1e6;
}
