/** Two of three applications that call each other are released together: one lane, on real requests. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Deployment } from '../../activities/kubernetes/objects.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { HistoryEntry, ReleaseView } from '../../domain/release.js';
import { fakePrometheus, vector, type FakePrometheus } from '../fakes/prometheus.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { withImage, type Snapshot } from '../rig/snapshot.js';
import type { World } from '../rig/world.js';
import { during, expectSettled, promotionBegun, stableOf } from './undone.js';

const stable = 'a v1 -> b v1 -> c v1';
const gray = 'a v2 -> b v1 -> c v2';

let metrics: FakePrometheus;
/** Of the second one requests are on their way for longer than a proxy needs to learn a route. */
let chain: Chain;
let slow: Chain;
/** Of the third one b passes no tag on: that is asked again and again for half a minute, meanwhile the others go on. */
let losing: Chain;
beforeAll(async () => {
  const stack = inject('stack');
  metrics = await fakePrometheus(() => vector(0));
  chain = await Chain.create(stack);
  slow = await Chain.create(stack, { beside: chain.c, delayMs: 2_000 });
  losing = await Chain.create(stack, { beside: chain.c });
  await losesTheTag(losing.b);
});
afterAll(async () => {
  await losing.close();
  await slow.close();
  await chain.close();
  await metrics.close();
});

const approval = { required: true };
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;

/** The applications whose stable was promoted, in the order in which that ended. */
async function promoted(world: World, id: string): Promise<string[]> {
  const { events } = await world.temporal.workflow.getHandle(releaseWorkflowId(id)).fetchHistory();
  const scheduled = new Map<string, string>();
  return (events ?? []).flatMap((event) => {
    const asked = event.activityTaskScheduledEventAttributes;
    if (asked?.activityType?.name === 'deployStable') {
      const text = Buffer.from(asked.input?.payloads?.[0]?.data ?? '').toString();
      const { target } = JSON.parse(text) as { target: { application: string } };
      scheduled.set(String(event.eventId), target.application);
    }
    const done = event.activityTaskCompletedEventAttributes?.scheduledEventId;
    return scheduled.get(String(done)) ?? [];
  });
}

/** Of the released container. */
async function variablesOf(world: World, name: string): Promise<Record<string, string>> {
  const path = `/apis/apps/v1/namespaces/${world.namespace}/deployments/${name}`;
  const { spec } = await world.kube.get<Deployment>(path);
  const env = spec.template.spec!.containers![0]!['env'] as { name: string; value: string }[];
  return Object.fromEntries(env.map((variable) => [variable.name, variable.value]));
}

/** From now on its stable passes no tag on; it is still v1. */
async function losesTheTag(world: World): Promise<void> {
  await world.image('losing', { VERSION: 'v1', PASSES_ON: 'baggage' });
  const { namespace, name, repository } = world;
  const containers = [{ name: 'app', image: `${repository}:losing` }];
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  await world.kube.patch(path, 'strategic', { spec: { template: { spec: { containers } } } });
  await eventually('all pods to be new', async () => {
    const { metadata, status } = await stableOf(world);
    const isSeen = status?.observedGeneration === metadata.generation;
    return (
      isSeen && [status.updatedReplicas, status.availableReplicas, status.replicas].every((n) => n === 2)
    );
  });
}

describe.concurrent('a lane of two applications with a third between them', () => {
  it.sequential('P9: where the pods of one never become ready nothing of either is left, and nobody noticed', async () => {
    await chain.settings({ c: { progressDeadline: '3s' } });
    const { a, c } = chain;
    await c.image('slow', { START_MS: '600000' });
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const view = await a.ended(await chain.release('v2', 'slow'));
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'workload_not_ready' } });
    expectSettled(view);
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([[stable], [stable]]);
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P1 P9: there is no share while what it comes to behind the entry has no pod, and all goes back', async () => {
    await chain.settings({ a: { approval }, c: { approval } });
    const { a, c } = chain;
    const before = await chain.snapshots();
    const { untagged, stop } = chain.steady();
    const id = await chain.release();
    await a.until(id, 'waiting for approval', open);
    await c.kube.patch(`/apis/apps/v1/namespaces/${c.namespace}/deployments/c-gray`, 'merge', {
      spec: { replicas: 0 },
    });
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${c.namespace}/endpointslices`;
    await eventually('no endpoint of c-gray', async () => {
      const selector = 'labelSelector=kubernetes.io%2Fservice-name%3Dc-gray';
      const { items } = await c.kube.get<{ items: { endpoints?: unknown[] | null }[] }>(
        `${slices}?${selector}`,
      );
      return items.every(({ endpoints }) => (endpoints ?? []).length === 0);
    });
    await a.approve(id);
    const view = await a.ended(id);
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'endpoints_missing' } });
    expectSettled(view);
    expect(waysSince(untagged)).toEqual([stable]);
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P2 P9: with an approval each no share moves before both said yes, and one no takes both back', async () => {
    await chain.settings({ a: { approval }, c: { approval } });
    const { a, c } = chain;
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const applications = [a, c].map(({ applicationName: name }) => ({ name, image: 'v2' }));
    const id = await a.release('v2', { applications, approveEach: true });
    const asksFor = (world: World) => (v: ReleaseView) =>
      open(v) && v.waitingOn?.what.includes(`approve ${world.applicationName} v2 in prod`) === true;
    const first = await a.until(id, 'waiting for approval of c', asksFor(c));
    expect(first.waitingOn?.what).not.toContain(a.applicationName);
    await a.approve(id);
    const { planHash } = await a.until(id, 'waiting for approval of a', asksFor(a));
    const asked = Date.now();
    await Promise.all([answered(untagged, asked), answered(tagged, asked)]);
    expect([waysSince(untagged), waysSince(tagged, asked)]).toEqual([[stable], [gray]]);
    const no = { decision: 'reject', reason: 'not yet', planHash };
    expect((await a.steer(id, 'decisions', no)).status).toBe(200);
    const view = await a.ended(id);
    expect(view.outcome).toMatchObject({
      phase: 'rolled_back',
      failure: { code: 'approval_rejected' },
      left: [],
    });
    expectSettled(view);
    await stop();
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([[stable], [stable, gray]]);
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P1 P9: an abort while they are promoted takes all back', async () => {
    await chain.settings();
    const { a, c } = chain;
    // Long enough to be seen promoting.
    await c.image('late', { VERSION: 'v2', START_MS: '1500' });
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release('v2', 'late');
    await a.until(id, 'promoting', during('promote'));
    await promotionBegun(c);
    expect((await a.steer(id, 'abort')).status).toBe(200);
    const view = await a.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
    expectSettled(view);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    for (const load of [untagged, tagged]) {
      expect(waysSince(load)).toEqual([stable, gray]);
      expect(waysSince(load, ended)).toEqual([stable]);
    }
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P1 P4 P9: an abort while gray of both is removed gives gray everything once more, and takes all back', async () => {
    await chain.settings({ a: { drain: '3s' }, c: { drain: '3s' } });
    const { a } = chain;
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release();
    await a.until(id, 'cleaning up', during('cleanup'));
    const promoted = Date.now();
    await Promise.all([answered(untagged, promoted), answered(tagged, promoted)]);
    expect((await a.steer(id, 'abort')).status).toBe(200);
    const view = await a.ended(id, 120_000);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    expectSettled(view);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    for (const load of [untagged, tagged]) {
      expect(waysSince(load)).toEqual([stable, gray]);
      expect(waysSince(load, ended)).toEqual([stable]);
    }
    expect(await chain.snapshots()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P1 P9: tagged requests take gray of both, the share grows at the entry, versions never mix, and a rollback takes both back', async () => {
    const group = { env: 'CONSUMER_GROUP', value: 'orders-{{lane}}' };
    const filter = { env: 'MESSAGE_TAG' };
    const consumers = [{ name: 'orders', group, filter }];
    await chain.settings({ a: { approval }, c: { approval }, consumers });
    const { a, b, c } = chain;
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release();
    const waiting = await a.until(id, 'waiting for approval', open);
    const asked = Date.now();
    await Promise.all([answered(untagged, asked), answered(tagged, asked)]);
    expect(waysSince(untagged)).toEqual([stable]);
    expect(waysSince(tagged, asked)).toEqual([gray]);
    const both = `${c.applicationName} v2 in prod, ${a.applicationName} v2 in prod`;
    expect(waiting.waitingOn?.what).toContain(both);
    const probed = waiting.evidence.find((e) => e.kind === 'probe');
    const unverified = `not verified: the consumers of ${c.applicationName} are not declared, so gray may take messages that are meant for stable`;
    expect(probed?.summary).toBe(`tagged: ${gray}; untagged: ${stable}; ${unverified}`);
    expect(probed?.data).toMatchObject({ verified: false, undeclared: [c.applicationName] });
    expect(waiting.steps.find((s) => s.kind === 'probe')?.result).toContain(unverified);
    expect(waiting.plan?.warnings.join()).toContain(`The lane in prod will be ${unverified}`);
    expect(await variablesOf(a, 'a-gray')).toMatchObject({
      CONSUMER_GROUP: 'orders-gray',
      MESSAGE_TAG: 'gray',
    });
    expect(await variablesOf(a, 'a')).not.toHaveProperty('CONSUMER_GROUP');
    for (const { applicationName } of [a, c]) {
      const { body } = await a.call(
        'GET',
        `/v1/releases?application=${applicationName}&phase=waiting_for_approval`,
      );
      expect(body['items']).toMatchObject([{ id, applications: [a.applicationName, c.applicationName] }]);
    }

    await a.approve(id);
    const view = await a.ended(id);
    const promotedAt = Date.now();
    await Promise.all([answered(untagged, promotedAt), answered(tagged, promotedAt)]);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
    expect([waysSince(untagged, promotedAt), waysSince(tagged, promotedAt)]).toEqual([[gray], [gray]]);
    expect(await promoted(a, id)).toEqual([c.applicationName, a.applicationName]);
    const digests = new Map(view.applications.map((one) => [one.name, one.digest]));
    const isSet = (world: World, taken: Snapshot): Snapshot => {
      const { repository, applicationName } = world;
      return withImage(taken, `${repository}:v1`, `${repository}@${digests.get(applicationName)}`);
    };
    expect(await chain.snapshots()).toEqual([isSet(a, before[0]!), before[1], isSet(c, before[2]!)]);

    const back = await a.rollback(id);
    expect(back).toMatchObject({ status: 202 });
    const undone = await a.ended(String(back.body['id']));
    const undoneAt = Date.now();
    await Promise.all([answered(untagged, undoneAt), answered(tagged, undoneAt)]);
    await stop();
    expect(undone.outcome).toMatchObject({ phase: 'succeeded' });
    expect(undone.applications.map((one) => one.digest)).toEqual(
      await Promise.all([c, a].map((world) => world.image('v1'))),
    );
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([
      [stable, gray],
      [stable, gray],
    ]);
    expect([waysSince(untagged, undoneAt), waysSince(tagged, undoneAt)]).toEqual([[stable], [stable]]);
    expect((await b.snapshot())['Deployment/b']).toEqual(before[1]!['Deployment/b']);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.sequential('P4 P9: where one of them is bad all go back, and no request mixes versions, however long it is on its way', async () => {
    const metric = { name: 'errors', value: 'errors', max: 1, minRequests: 0 };
    const analysis = { prometheus: metrics.address, metrics: [metric], interval: '200ms', window: '5s' };
    await slow.settings({ a: { steps: [{ weight: 30, hold: '10m' }], drain: '3s' }, c: { analysis } });
    const { a } = slow;
    const before = await slow.snapshots();
    const { untagged, tagged, stop } = slow.steady();
    const id = await slow.release();
    const shared = (v: ReleaseView): boolean => v.applications.some((one) => one.grayWeight === 30);
    await a.until(id, 'holding', (v) => v.phase === 'holding' && shared(v));
    await eventually('a request that fell into the share', () => waysSince(untagged).includes(gray));
    metrics.answer = () => vector(50);
    const view = await a.ended(id);
    metrics.answer = () => vector(0);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    expectSettled(view);
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([
      [stable, gray],
      [stable, gray],
    ]);
    expect([waysSince(untagged, ended), waysSince(tagged, ended)]).toEqual([[stable], [stable]]);
    expect(await slow.snapshots()).toEqual(before);
    expect(await slow.leftovers()).toEqual([]);
  });

  it.sequential('P4 P9: one of them that is bad goes back alone where its team said so, and the other goes on to its end', async () => {
    const metric = { name: 'errors', value: 'errors', max: 1, minRequests: 0 };
    const analysis = { prometheus: metrics.address, metrics: [metric], interval: '200ms', window: '5s' };
    const steps = [
      { weight: 30, hold: '10m' },
      { weight: 100, hold: '0s' },
    ] as const;
    await chain.settings({ a: { steps }, c: { onFailure: 'alone', analysis } });
    const { a, c } = chain;
    const [before, , beforeC] = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release();
    const shared = (v: ReleaseView): boolean => v.applications.some((one) => one.grayWeight === 30);
    await a.until(id, 'holding', (v) => v.phase === 'holding' && shared(v));
    metrics.answer = () => vector(50);
    const failureOf = ({ applications }: ReleaseView, { applicationName }: World) =>
      applications.find((one) => one.name === applicationName)?.failure;
    const goesOn = (v: ReleaseView): boolean =>
      failureOf(v, c) !== undefined && v.waitingOn?.can.includes('skip') === true;
    await a.until(id, 'holding without c', goesOn);
    expect((await a.steer(id, 'skip')).status).toBe(200);
    const view = await a.ended(id);
    metrics.answer = () => vector(0);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expectSettled(view);
    expect(failureOf(view, c)).toMatchObject({ code: 'analysis_failed' });
    expect(failureOf(view, a)).toBeUndefined();
    expect(view.plan?.warnings.join()).toContain(
      `If ${c.applicationName} fails in prod before the promotion`,
    );
    const only = 'a v2 -> b v1 -> c v1';
    for (const load of [untagged, tagged]) {
      expect([stable, only, gray]).toEqual(expect.arrayContaining(waysSince(load)));
      expect(waysSince(load, ended)).toEqual([only]);
    }
    const [after, , afterC] = await chain.snapshots();
    const { stableImage, image } = view.plan!.stages[0]!.targets.find(
      (t) => t.application === a.applicationName,
    )!;
    expect(after).toEqual(withImage(before!, stableImage!, image.reference));
    expect(afterC).toEqual(beforeC);
    expect(await chain.leftovers()).toEqual([]);
    const entry = await eventually('the entry in the history of c', async () => {
      const { body } = await c.call('GET', `/v1/applications/${c.applicationName}`);
      return (body['history'] as HistoryEntry[]).find(({ release }) => release === id);
    });
    expect(entry.phase).toBe('rolled_back');
    expect(await a.ended(String((await a.rollback(id)).body['id']))).toMatchObject({
      outcome: { phase: 'succeeded' },
      applications: [{ name: a.applicationName }],
    });
  });

  it.sequential('P1: what is on its way to stable when gray gets everything never meets the next application promoted', async () => {
    await slow.settings({ a: { steps: [{ weight: 50, hold: '3s' }], drain: '3s' } });
    const { untagged, tagged, stop } = slow.steady();
    const view = await slow.a.ended(await slow.release());
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([
      [stable, gray],
      [stable, gray],
    ]);
    expect([waysSince(untagged, ended), waysSince(tagged, ended)]).toEqual([[gray], [gray]]);
  });
});

describe.concurrent('a lane with an application in it that loses the tag', () => {
  it('P2 P9: goes back before anybody is asked, and says whose part it is', async () => {
    const approval = { required: true };
    await losing.settings({ a: { approval }, c: { approval } });
    const { a } = losing;
    const before = await losing.snapshots();
    const { untagged, tagged, stop } = losing.steady(5);
    const id = await losing.release();
    const view = await a.ended(id);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    const lost = 'a v2 -> b v1 -> c v1';
    const why = `the tag did not come to c: with it and without, version v1 answered (${lost}). a or b did not pass it on.`;
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'probe_failed' }, left: [] });
    expect(view.outcome?.failure?.message).toContain(why);
    expectSettled(view);
    expect(view.steps.find(({ kind }) => kind === 'approval')).toMatchObject({
      state: 'skipped',
      startedAt: null,
    });
    expect(view.decisions).toEqual([]);
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([[stable], [stable, lost]]);
    expect(waysSince(tagged, ended)).toEqual([stable]);
    expect(await losing.snapshots()).toEqual(before);
    expect(await losing.leftovers()).toEqual([]);
  });
});
