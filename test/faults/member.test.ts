/** One member of a lane is lost while the lane has a share: the cluster that it is in cannot be reached, or somebody deletes its gray. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { expectSettled } from '../e2e/undone.js';
import { answered, Chain, waysSince, type Steady } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { WorkerProcess } from '../rig/worker-process.js';
import { say } from './rig/report.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-member-'));
/** Where c is asked for by cluster "two": the same pods and proxies as ever, by a worker and an address of the API server that only it has. */
const cluster = 'two';
let chain: Chain;
let proxy: KubeProxy;
let worker: WorkerProcess;
beforeAll(async () => {
  const stack = inject('stack');
  [chain, proxy] = await Promise.all([Chain.create(stack), KubeProxy.start(stack)]);
  const file = join(folder, 'clusters.json');
  writeFileSync(file, JSON.stringify([{ name: cluster, kubeconfig: proxy.kubeconfig }]));
  worker = await WorkerProcess.create(stack, chain.c.taskQueue, { SLUICE_CLUSTERS_FILE: file });
  await worker.start();
});
afterAll(async () => {
  await worker.kill();
  await chain.close();
  await proxy.close();
  rmSync(folder, { recursive: true, force: true });
});

type Analysis = NonNullable<ReleaseInput['analysis']> | null;

/** Failed requests that the noticing, the write and the proxies may cost; each second without a guard would cost 30. */
const most = 25;
/** Each application has two pods, so the second weight needs another one of gray. */
const steps = [
  { weight: 50, hold: '10m' },
  { weight: 100, hold: '200ms' },
];
const holdsHalf = ({ phase, applications }: ReleaseView): boolean =>
  phase === 'holding' && applications.every((one) => one.grayWeight === 50);

/** Nothing of cluster "two" is there from now on; answers what brings it back. */
function cut(): () => void {
  const { remove } = proxy.rule({}, { kind: 'drop' });
  proxy.sever();
  return remove;
}

/** Cuts it off between the two weights; answers what brings it back. */
async function cutAtHalf(id: string): Promise<() => void> {
  await chain.a.until(id, 'at 50 %', holdsHalf);
  const back = cut();
  expect((await chain.a.steer(id, 'skip')).status).toBe(200);
  return back;
}

/** The release says that it waits for the cluster, and until when. */
async function awaitsCluster(id: string, step: string): Promise<ReleaseView> {
  const awaits = ({ waitingOn, steps: taken }: ReleaseView): boolean =>
    taken.some((one) => one.state === 'running' && one.kind === step) &&
    /Cluster "two" cannot be reached/.test(waitingOn?.what ?? '');
  const view = await chain.a.until(id, `waiting for the cluster with step ${step}`, awaits);
  expect(view.waitingOn?.can).toEqual(['abort']);
  expect(Date.parse(view.waitingOn?.until ?? '')).toBeGreaterThan(Date.now());
  return view;
}

/** Through which versions the answers come from now on: untagged, tagged. Of a half some more are needed to see both. */
async function waysFromNow({ untagged, tagged }: Steady, least = 5): Promise<readonly string[][]> {
  const now = Date.now();
  await Promise.all([untagged, tagged].map((load) => answered(load, now, least)));
  return [waysSince(untagged, now), waysSince(tagged, now)];
}

async function retried(id: string, back: () => void): Promise<void> {
  back();
  expect((await chain.a.steer(id, 'retry')).status).toBe(200);
  const view = await chain.a.ended(id);
  expect(view.outcome).toMatchObject({
    phase: 'rolled_back',
    failure: { code: 'cluster_unreachable' },
    left: [],
  });
  expectSettled(view);
}

async function abandoned(id: string, back: () => void): Promise<void> {
  expect((await chain.a.steer(id, 'abandon')).status).toBe(200);
  const { outcome } = await chain.a.ended(id);
  expect(outcome).toMatchObject({ phase: 'failed', failure: { code: 'abandoned' } });
  expect(outcome?.left).toContain(`traffic of ${chain.c.applicationName} back to stable`);
  back();
  const cleaned = await eventually('all to be taken away', async () => {
    const answer = await chain.a.call('POST', '/v1/environments/prod/clean', { reason: 'test' });
    const { items, unseen } = answer.body as { items: { left: unknown }[]; unseen: unknown[] };
    return unseen.length === 0 && items.every((item) => item.left === null) ? items : null;
  });
  expect(cleaned).toHaveLength(2);
}

describe('a lane of a and c, of which c is lost', () => {
  it.each([
    ['retry ends it', retried],
    ['abandon leaves it, until the cluster is back and env clean takes it away', abandoned],
  ])(
    'P1 P3 P9: its cluster stays away: traffic goes back where it can, a person is asked for the rest; %s',
    async (_, end) => {
      const rollbackDeadline = '4s';
      await chain.settings({
        a: { steps, rollbackDeadline },
        c: { progressDeadline: '10s', rollbackDeadline },
        cluster,
      });
      const [stable, gray] = [chain.answer('v1'), chain.answer('v2')];
      const before = await chain.snapshots();
      const steady = chain.steady();
      const id = await chain.release('v2');
      const back = await cutAtHalf(id);
      await awaitsCluster(id, 'weight');
      const asking = await chain.a.until(id, 'asking for help', (v) => v.phase === 'needs_attention');
      expect(asking.waitingOn).toMatchObject({ until: null, can: ['retry', 'skip', 'abandon'] });
      const whose = `traffic of ${chain.c.applicationName} back to stable does not work`;
      expect(asking.waitingOn?.what).toContain(whose);
      expect(asking.waitingOn?.what).toMatch(/tried \d+ times, .*Cluster "two" cannot be reached/);
      expect(await waysFromNow(steady)).toEqual([[stable], [stable]]);

      await end(id, back);
      expect(await waysFromNow(steady)).toEqual([[stable], [stable]]);
      await steady.stop();
      expect([waysSince(steady.untagged), waysSince(steady.tagged)]).toEqual([
        [stable, gray],
        [stable, gray],
      ]);
      expect(await chain.snapshots()).toEqual(before);
      expect(await chain.leftovers()).toEqual([]);
    },
  );

  /** Nothing that the metrics say ends it: no check is due before the test is over. */
  const analysis: Analysis = {
    interval: '5m',
    metrics: [{ name: 'errors', builtin: 'error-rate', max: 5 }],
  };
  it.each<[string, Analysis, Analysis, boolean]>([
    ['judged', analysis, analysis, false],
    ['not measured, a is judged', analysis, null, false],
    ['not measured, nor a', null, null, false],
    ['not approved yet, with tagged requests only', analysis, analysis, true],
  ])(
    'P1 P3 P9: c is %s, and somebody deletes its gray Deployment: the lane goes back at once',
    async (_, ofA, ofC, isAsked) => {
      const approval = { required: isAsked };
      const held: ReleaseInput = { drain: '1s', steps: [{ weight: 50, hold: '10m' }], approval };
      await chain.settings({ a: { ...held, analysis: ofA }, c: { ...held, analysis: ofC } });
      const { a, c } = chain;
      const [stable, gray] = [chain.answer('v1'), chain.answer('v2')];
      const before = await chain.snapshots();
      const steady = chain.steady(20);
      const id = await chain.release('v2');
      if (isAsked) await a.until(id, 'waiting for approval', (v) => v.waitingOn?.approval !== undefined);
      else await a.until(id, 'at 50 %', holdsHalf);
      expect(await waysFromNow(steady, 20)).toEqual([isAsked ? [stable] : [stable, gray], [gray]]);
      const deleted = Date.now();
      await c.kube.delete(`/apis/apps/v1/namespaces/${c.namespace}/deployments/c-gray`);
      const view = await a.ended(id);
      expect(view.outcome).toMatchObject({
        phase: 'rolled_back',
        failure: { code: 'gray_lost' },
        left: [],
      });
      expect(view.outcome?.failure?.message).toContain('somebody deleted Deployment "c-gray"');
      expectSettled(view);
      expect(await waysFromNow(steady)).toEqual([[stable], [stable]]);
      await steady.stop();
      const records = [steady.untagged, steady.tagged].flatMap((load) => load.summary().records);
      const failed = records.filter((one) => one.failure !== undefined);
      const last = Math.max(deleted, ...failed.map((one) => one.at));
      say(
        `gray of c deleted: ${failed.length} of ${records.length} requests failed, within ${last - deleted} ms`,
      );
      expect(failed.length).toBeLessThanOrEqual(most);
      const answers = records.filter((one) => one.failure === undefined).map((one) => one.versions);
      expect(new Set(answers)).toEqual(new Set([stable, gray]));
      expect(await chain.snapshots()).toEqual(before);
      expect(await chain.leftovers()).toEqual([]);
    },
  );

  it('P1: its cluster is away between two weights and in the promotion: said, until when, and gone on with when it is back', async () => {
    await chain.settings({ a: { steps }, cluster });
    const [stable, gray] = [chain.answer('v1'), chain.answer('v2')];
    const steady = chain.steady();
    const id = await chain.release('v2');
    const back = await cutAtHalf(id);
    const away = await awaitsCluster(id, 'weight');
    expect(away.applications.map((one) => one.grayWeight)).toEqual([50, 50]);
    expect(await waysFromNow(steady, 20)).toEqual([[stable, gray], [gray]]);

    // Again with the promotion of c, whose answer is lost.
    const path = new RegExp(`/namespaces/${chain.c.namespace}/deployments/c[?]`);
    const promotion = proxy.rule({ method: 'PATCH', path }, { kind: 'lose' }, 1);
    back();
    await eventually('stable of c to be written', () => promotion.count === 1, 30_000, 5);
    const backAgain = cut();
    await awaitsCluster(id, 'promote');
    expect(await waysFromNow(steady)).toEqual([[gray], [gray]]);
    backAgain();
    const view = await chain.a.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expectSettled(view);
    expect(await waysFromNow(steady)).toEqual([[gray], [gray]]);
    await steady.stop();
    expect([waysSince(steady.untagged), waysSince(steady.tagged)]).toEqual([
      [stable, gray],
      [stable, gray],
    ]);
    expect(await chain.leftovers()).toEqual([]);
  });
});
