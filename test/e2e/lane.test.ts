/** Three applications that call each other, a -> b -> c, of which a and c are released together: one lane, on real requests. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Application, ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { fakePrometheus, vector, type FakePrometheus } from '../fakes/prometheus.js';
import { eventually } from '../rig/eventually.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled } from './undone.js';

const stable = 'a v1 -> b v1 -> c v1';
const gray = 'a v2 -> b v1 -> c v2';

let metrics: FakePrometheus;
const worlds: World[] = [];
beforeAll(async () => {
  metrics = await fakePrometheus(() => vector(0));
});
afterAll(async () => {
  for (const world of worlds.toReversed()) await world.close();
  await metrics.close();
});

interface Chain {
  readonly a: World;
  readonly b: World;
  readonly c: World;
}

/** The three, each behind a route of its own, declared with who calls whom. */
async function chain(settings: Partial<Record<'a' | 'c', ReleaseInput>> = {}): Promise<Chain> {
  const stack = inject('stack');
  const make = async (name: string, next?: World): Promise<World> => {
    const beside = worlds[0] === undefined ? {} : { beside: worlds[0] };
    const imageEnv = next === undefined ? {} : { UPSTREAM: `http://${next.host}/` };
    const world = await World.create(stack, { ...beside, name, imageEnv });
    worlds.push(world);
    return world;
  };
  const c = await make('c');
  const b = await make('b', c);
  const a = await make('a', b);
  const declare = (world: World, release: ReleaseInput, calls?: World): Promise<unknown> => {
    const dependsOn = calls === undefined ? {} : { dependsOn: [calls.applicationName] };
    return world.declare({ ...world.application(release), ...dependsOn } satisfies Application);
  };
  await declare(c, { ...quick, ...settings.c });
  await declare(b, quick, c);
  await declare(a, { ...quick, ...settings.a }, b);
  return { a, b, c };
}

const release = ({ a, c }: Chain, body: object = {}): Promise<string> =>
  a.release('', {
    applications: [a, c].map((world) => ({ name: world.applicationName, image: 'v2' })),
    ...body,
  });

/** Steady requests through a, with the tag and without. */
function steady({ a }: Chain): { readonly untagged: Load; readonly tagged: Load } {
  const options = { url: a.stack.ingress, host: a.host, requestsPerSecond: 15 };
  return { untagged: startLoad(options), tagged: startLoad({ ...options, headers: { 'x-lane': 'gray' } }) };
}

/** Which versions answered since then, whatever way each request took; none failed. */
function answersSince(load: Load, since = 0): string[] {
  const records = load.summary().records.filter((r) => r.at >= since);
  expect(records.filter((r) => r.failure !== undefined)).toEqual([]);
  return [...new Set(records.map((r) => r.versions ?? ''))].toSorted();
}

const answered = (load: Load, since: number, least = 5): Promise<unknown> =>
  eventually('more answers', () => load.summary().records.filter((r) => r.at >= since).length >= least);

const approval = { required: true };
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;

/** The applications whose stable was promoted, in the order in which that ended. */
async function promoted(world: World, id: string): Promise<string[]> {
  const { events } = await world.temporal.workflow.getHandle(releaseWorkflowId(id)).fetchHistory();
  const scheduled = new Map<string, string>();
  return (events ?? []).flatMap((event) => {
    const asked = event.activityTaskScheduledEventAttributes;
    if (asked?.activityType?.name === 'deployStable') {
      const input = JSON.parse(Buffer.from(asked.input?.payloads?.[0]?.data ?? '').toString()) as {
        target: { application: string };
      };
      scheduled.set(String(event.eventId), input.target.application);
    }
    const done = event.activityTaskCompletedEventAttributes?.scheduledEventId;
    return scheduled.get(String(done)) ?? [];
  });
}

describe('a lane of two applications with a third between them', () => {
  it('P1 P9: tagged requests take gray of both, the share grows at the entry, versions never mix, called is promoted before caller', async () => {
    const world = await chain({ a: { approval }, c: { approval } });
    const { a, b, c } = world;
    const before = await Promise.all([a, b, c].map((w) => w.snapshot()));
    const { untagged, tagged } = steady(world);
    const id = await release(world);
    const waiting = await a.until(id, 'waiting for approval', open);
    const asked = Date.now();
    await Promise.all([answered(untagged, asked), answered(tagged, asked)]);
    expect(answersSince(untagged)).toEqual([stable]);
    expect(answersSince(tagged, asked)).toEqual([gray]);
    expect(waiting.waitingOn?.what).toContain(
      `${c.applicationName} v2 in prod, ${a.applicationName} v2 in prod`,
    );

    await a.approve(id);
    const view = await a.ended(id);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await Promise.all([untagged.stop(), tagged.stop()]);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
    expect(answersSince(untagged)).toEqual([stable, gray]);
    expect(answersSince(tagged)).toEqual([stable, gray]);
    expect([answersSince(untagged, ended), answersSince(tagged, ended)]).toEqual([[gray], [gray]]);
    expect(await promoted(a, id)).toEqual([c.applicationName, a.applicationName]);

    const after = await Promise.all([a, b, c].map((w) => w.snapshot()));
    const digests = new Map(view.applications.map((one) => [one.name, one.digest]));
    const set = (w: World, i: number) =>
      withImage(before[i]!, `${w.repository}:v1`, `${w.repository}@${digests.get(w.applicationName)}`);
    expect(after).toEqual([set(a, 0), before[1], set(c, 2)]);
    expect((await Promise.all([a, b, c].map((w) => w.leftovers()))).flat()).toEqual([]);
  });

  it('P4 P9: where one of them is bad all go back, and no answer mixes versions', async () => {
    const metric = { name: 'errors', value: 'errors', max: 1, minRequests: 0 };
    const analysis = { prometheus: metrics.address, metrics: [metric], interval: '200ms', window: '5s' };
    const steps = [{ weight: 30, hold: '10m' }];
    const world = await chain({ a: { steps }, c: { analysis } });
    const { a, c } = world;
    const before = await Promise.all([a, c].map((w) => w.snapshot()));
    const { untagged, tagged } = steady(world);
    const id = await release(world);
    await a.until(
      id,
      'holding',
      (v) => v.phase === 'holding' && v.applications.some((one) => one.grayWeight === 30),
    );
    await eventually('a request that fell into the share', () => answersSince(untagged).includes(gray));
    metrics.answer = () => vector(50);
    const view = await a.ended(id);
    metrics.answer = () => vector(0);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await Promise.all([untagged.stop(), tagged.stop()]);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    expectSettled(view);
    expect(answersSince(untagged)).toEqual([stable, gray]);
    expect(answersSince(untagged, ended)).toEqual([stable]);
    expect(answersSince(tagged, ended)).toEqual([stable]);
    expect(await Promise.all([a, c].map((w) => w.snapshot()))).toEqual(before);
    expect((await Promise.all([a, c].map((w) => w.leftovers()))).flat()).toEqual([]);
  });
});
