/** Lanes of many applications through the real workflows and a real Temporal server; only the clusters are not there. */
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, Connection, defaultPayloadConverter } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GrayInput, WorkloadInput } from '../../activities/contract.js';
import { CatalogueError, toApplicationFailure } from '../../activities/failure.js';
import { failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { Target } from '../../domain/target.js';
import type { Verdict } from '../../domain/analysis.js';
import type { ReleaseInput } from '../../domain/application.js';
import type { HistoryEntry, ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { exampleTarget } from '../../test/fakes/target.js';
import { appOver, askAsAlice } from '../../test/rig/app.js';
import { eventually } from '../../test/rig/eventually.js';
import { record } from '../../test/rig/histories.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import type { App } from '../app.js';
import { Watch } from '../../activities/metrics/watch.js';
import { openTemporal, type Temporal } from './temporal.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const queue = 'lanes-test';
const noWorker = failure('cluster_unknown', { cluster: 'eu', known: [] });
const away = failure('cluster_unreachable', { cluster: 'default', why: 'it is away' });
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
let connection: Connection;
let client: Client;
let app: App;
/** What activities were asked for, as "activity application", in the order in which they ended. */
let done: string[] = [];
/** What each analysis was asked, as "application since". */
let judgedSince: string[] = [];
/** Applications whose route an earlier release has left its note on. */
const leftAt = new Set<string>();
/** Applications that fail while gray of the other one is there. */
const spoilt = new Map<string, string>();
/** Applications whose verdict comes after the first of the others is known. */
const slow = new Set<string>();
/** Applications whose route cannot be taken in hand. */
const unfit = new Set<string>();
/** The routes that each analysis guards. */
let guarded: string[][] = [];
/** Applications without a stable version. */
const fresh = new Set<string>();
/** Applications whose gray is gone once there is a share. */
const unready = new Set<string>();
/** What the analysis of an application says, where it does not pass; of "<application> paused" the one that guards a pause. */
const verdicts = new Map<string, Verdict>();
/** Routes that were given back but for the tag, which they go on taking off. */
let stripped: string[] = [];
/** Applications whose gray somebody has deleted. */
const deleted = new Set<string>();
const watching = {
  returnToStable: () => Promise.resolve(),
  grayGone: async ({ application, gray }: Target, signal: AbortSignal): Promise<string | null> => {
    while (!signal.aborted && !deleted.has(application)) await delay(20);
    return signal.aborted ? null : `somebody deleted Deployment "${gray}"`;
  },
};
/** Applications whose route is gone once there is a share. */
const lost = new Set<string>();
/** Applications whose route cannot be given back. */
const stuck = new Set<string>();
/** Applications whose route cannot be given back, whoever tries again. */
const stuckFor = new Set<string>();
/** Applications whose promotion takes until they are taken out. */
const held = new Set<string>();
/** Applications of whose gray something stays, the first time that it is removed. */
const lasting = new Set<string>();
/** Applications whose gray never becomes ready. */
const broken = new Set<string>();

beforeAll(async () => {
  server = await startTemporalServer();
  const working = workingActivities();
  const noted =
    <I extends { readonly target: Target }, R>(name: string, act: (input: I) => Promise<R>) =>
    async (input: I): Promise<R> => {
      if (name === 'deployGray' && broken.has(input.target.application)) {
        const why = 'no room';
        throw toApplicationFailure(
          new CatalogueError(failure('workload_not_ready', { workload: input.target.gray, why })),
        );
      }
      const result = await act(input);
      done.push(`${name} ${input.target.application}`);
      return result;
    };
  worker = await server.work(
    queue,
    workingActivities({
      deployGray: noted('deployGray', (input: GrayInput) => working.deployGray(input)),
      deployStable: noted('deployStable', async (input: WorkloadInput) => {
        const { cancellationSignal, heartbeat } = Context.current();
        while (held.has(input.target.application)) {
          heartbeat();
          await delay(20, undefined, { signal: cancellationSignal });
        }
        return working.deployStable(input);
      }),
      revertStable: noted('revertStable', (input: WorkloadInput) => working.revertStable(input)),
      removeGray: noted('removeGray', (input: WorkloadInput) => {
        if (!lasting.delete(input.target.application)) return working.removeGray(input);
        const remaining = failure('objects_remain', { what: '1 pods' });
        throw toApplicationFailure(new CatalogueError({ ...remaining, retryable: false }));
      }),
      observe: async (input) => {
        const { name } = input.application;
        const route = { ...exampleTarget().route!, route: name };
        const note = leftAt.has(input.guest === undefined ? name : `${name} guest`);
        const held = note ? { held: { release: 'earlier', route } } : {};
        const result = { ...(await working.observe(input)), ...held };
        const { observation } = result;
        if (observation === null || !fresh.has(observation.application)) return result;
        const nothing = {
          exists: false,
          stableImage: null,
          stableDigest: null,
          replicas: 0,
          readyReplicas: 0,
        };
        return { ...result, observation: { ...observation, ...nothing } };
      },
      analyse: async (input) => {
        guarded.push((input.guard?.routes ?? []).map((route) => route.route));
        const { application } = input.target;
        if (application === 'unseen21') throw toApplicationFailure(new CatalogueError(noWorker));
        if (input.settings === null) return new Watch(watching, input, Context.current()).run();
        judgedSince.push(`${application} ${input.since}`);
        if (slow.has(application)) await eventually('the verdict of another one', isJudged);
        const verdictOf = (name: string): Verdict =>
          spoilt.has(name) && !done.includes(`removeGray ${spoilt.get(name)}`)
            ? 'fail'
            : (verdicts.get(name) ?? 'pass');
        const { cancellationSignal, heartbeat } = Context.current();
        // As a guard does, until it is let go.
        while (input.until === null && verdictOf(`${application} paused`) === 'pass') {
          heartbeat();
          await delay(20, undefined, { signal: cancellationSignal });
        }
        const verdict = verdictOf(input.until === null ? `${application} paused` : application);
        // Doubt is not told before the time is over: what it takes counts against its deadline.
        if (verdict === 'inconclusive' && input.until !== null)
          await delay(Date.parse(input.until) - Date.now(), undefined, { signal: cancellationSignal });
        const trafficRestored = verdict === 'fail';
        return { ...(await working.analyse(input)), verdict, trafficRestored, why: `it is a ${verdict}` };
      },
      prepareRoute: async (input) => {
        if (unfit.has(input.route.route)) {
          const context = { kind: 'R', route: input.route.route, why: 'it is odd.' };
          throw toApplicationFailure(new CatalogueError(failure('route_unfit', context)));
        }
        // It is tried again, until the failure of the other one lets it go.
        const isAway = unfit.size > 0 && done.every((line) => !line.startsWith('removeGray'));
        if (isAway) throw toApplicationFailure(new CatalogueError(away));
        done.push(`prepareRoute ${input.route.route}`);
        return working.prepareRoute(input);
      },
      setTraffic: async (input) => {
        const hollow = (input.behind ?? []).find(({ application }) => unready.has(application));
        if (hollow !== undefined && input.traffic.gray > 10)
          return { ...(await working.setTraffic(input)), unready: hollow };
        if (lost.has(input.route.route) && input.traffic.gray > 10) {
          const why = 'it was deleted.';
          throw toApplicationFailure(
            new CatalogueError(failure('route_lost', { kind: 'R', route: 'r', why })),
          );
        }
        done.push(`setTraffic ${input.route.route} ${input.traffic.gray}`);
        return { ...(await working.setTraffic(input)), after: input.traffic };
      },
      restoreRoute: async (input) => {
        if (stuckFor.has(input.route.route)) {
          const context = { kind: 'R', route: input.route.route, why: 'it is odd.' };
          throw toApplicationFailure(new CatalogueError(failure('route_unfit', context)));
        }
        if (stuck.has(input.route.route)) throw toApplicationFailure(new CatalogueError(away));
        if (input.strips === true) stripped.push(input.route.route);
        done.push(`restoreRoute ${input.route.route}${input.release === 'earlier' ? ' of earlier' : ''}`);
        return working.restoreRoute(input);
      },
    }),
  );
  connection = await Connection.connect({ address: server.address });
  client = new Client({ connection });
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  app = appOver(temporal);
});
afterAll(async () => {
  await worker.stop();
  await temporal.close();
  await connection.close();
  await server.stop();
});

/** The release whose activity asks knows a verdict. */
async function isJudged(): Promise<boolean> {
  const { workflowId } = Context.current().info.workflowExecution!;
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const all = events ?? [];
  const analyses = all
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'analyse')
    .map((event) => String(event.eventId));
  const first = all.findIndex((event) =>
    analyses.includes(String(event.activityTaskCompletedEventAttributes?.scheduledEventId)),
  );
  return first >= 0 && all.slice(first).some((event) => event.workflowTaskCompletedEventAttributes != null);
}

async function ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const { status, body: answer } = await askAsAlice(app, method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/**
 * Declares applications with whom they call, and releases all of them; answers the view at the end, and the length of the history.
 * @param weights with an approval before them where there are five, as of a release whose history has a limit
 */
async function released(
  calls: Readonly<Record<string, readonly string[]>>,
  weights: readonly number[] = [10, 50, 100],
): Promise<{ readonly view: ReleaseView; readonly events: number }> {
  done = [];
  const steps = weights.map((weight) => ({ weight, hold: '50ms' }));
  const required = weights.length === 5;
  for (const [name, dependsOn] of Object.entries(calls)) {
    await ask('PUT', `/v1/applications/${name}`, {
      name,
      image: `r.example/${name}`,
      dependsOn,
      traffic: { router: 'istio' },
      release: { steps, approval: { required }, drain: '0s' },
      environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
    });
  }
  const applications = Object.keys(calls).map((name) => ({ name, image: `r.example/${name}:v2` }));
  const { id } = await ask('POST', '/v1/releases', { applications });
  if (required) {
    const path = `/v1/releases/${String(id)}`;
    const { planHash } = await eventually('the approval', async () => {
      const seen = (await ask('GET', path)) as unknown as ReleaseView;
      return seen.waitingOn?.approval === undefined ? null : seen;
    });
    await ask('POST', `${path}/decisions`, { decision: 'approve', reason: 'test', planHash });
  }
  const handle = client.workflow.getHandle(releaseWorkflowId(String(id)));
  await eventually(
    'the release to end',
    async () => (await handle.describe()).status.name !== 'RUNNING',
    100_000,
  );
  const view = (await ask('GET', `/v1/releases/${String(id)}`)) as unknown as ReleaseView;
  const { historyLength } = await handle.describe();
  return { view, events: historyLength };
}

const places = (what: string): number[] => done.flatMap((line, i) => (line === what ? [i] : []));
/** A chain: each calls the next. */
const chain = (prefix: string, length: number): Record<string, readonly string[]> =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [`${prefix}${i}`, i + 1 < length ? [`${prefix}${i + 1}`] : []]),
  );
/** One that calls all the others, which call nobody. */
const star = (prefix: string, length: number): Record<string, readonly string[]> => {
  const others = Array.from({ length: length - 1 }, (_, i) => `${prefix}${i + 1}`);
  return { [`${prefix}0`]: others, ...Object.fromEntries(others.map((name) => [name, []])) };
};

describe('a lane of many applications', () => {
  it.each([
    ['ten in a chain', 10, chain('chain', 10)],
    ['fifty around one', 50, star('star', 50)],
  ])('%s: ends well, and its history stays small', async (_, count, calls) => {
    const { view, events } = await released(calls, [5, 10, 25, 50, 100]);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expect(view.applications).toHaveLength(count);
    expect(done.filter((line) => line.startsWith('deployStable'))).toHaveLength(count);
    expect(events).toBeLessThan(120 + 60 * (count - 1));
  });

  it('deploys and promotes called before caller, and gives the routes back the other way round', async () => {
    const { view } = await released({ front: ['middle'], middle: ['back'], back: [] });
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    const order = (what: string, names: readonly string[]): void => {
      const at = names.map((name) => places(`${what} ${name}`)[0]!);
      expect(at).toEqual(at.toSorted((a, b) => a - b));
    };
    for (const what of ['deployGray', 'deployStable']) order(what, ['back', 'middle', 'front']);
    order('restoreRoute', ['front', 'middle', 'back']);
    expect(
      done.filter((line) => line.startsWith('setTraffic')).filter((line) => !line.endsWith(' 0')),
    ).toEqual(['setTraffic front 10', 'setTraffic front 50', 'setTraffic front 100']);
  });

  it('takes stable of all back where it is aborted during their promotion, callers before what they call', async () => {
    held.add('first17');
    const id = await start({
      first17: { dependsOn: ['next17'] },
      next17: { dependsOn: ['last17'] },
      last17: {},
    });
    await eventually('the others to be promoted', () => done.includes('deployStable next17'));
    await ask('POST', `/v1/releases/${id}/abort`, { reason: 'test' });
    expect((await ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    held.clear();
    expect(done.filter((line) => /deployStable|revertStable|restoreRoute/.test(line)).slice(0, 6)).toEqual([
      'deployStable last17',
      'deployStable next17',
      'revertStable first17',
      'revertStable next17',
      'revertStable last17',
      'restoreRoute first17',
    ]);
  });

  it.each([
    ['by a person', (id: string) => ask('POST', `/v1/releases/${id}/abort`, { reason: 'test' })],
    ['in Temporal', (id: string) => client.workflow.getHandle(releaseWorkflowId(id)).cancel()],
  ])(
    'P4: is aborted %s while traffic goes back to the promoted stable: gray of all carries it first',
    async (by, abort) => {
      const n = by === 'in Temporal' ? 23 : 26;
      const [first, last] = [`first${n}`, `last${n}`];
      stuck.add(last);
      const id = await start({ [first]: { dependsOn: [last] }, [last]: {} });
      await eventually('traffic to go back', () => done.includes(`restoreRoute ${first}`));
      done = [];
      await abort(id);
      await eventually('the abort to be taken', async () => (await view(id)).phase === 'rolling_back');
      stuck.clear();
      expect((await ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
      await record(client, releaseWorkflowId(id), 'rolled-back-lane-after-its-promotion');
      const of = (what: string): string[] => [`${what} ${first}`, `${what} ${last}`];
      expect(done.slice(-16)).toEqual(
        [
          ...of('restoreRoute'),
          ...of('deployGray').toReversed(),
          `prepareRoute ${first}`,
          `prepareRoute ${last}`,
          `setTraffic ${last} 0`,
          `setTraffic ${first} 0`,
          `setTraffic ${first} 100`,
          ...of('revertStable'),
          ...of('restoreRoute'),
          `restoreRoute ${first}`,
          `removeGray ${first}`,
          `restoreRoute ${last}`,
          `removeGray ${last}`,
        ].slice(-16),
      );
    },
  );

  it('P1: is carried through where its gray does not go at once', async () => {
    lasting.add('last24');
    const id = await start({ first24: { dependsOn: ['last24'] }, last24: {} });
    expect((await ended(id)).outcome).toMatchObject({ phase: 'succeeded', left: [] });
    await record(client, releaseWorkflowId(id), 'succeeded-lane-carried-through');
    expect(done.filter((line) => line.startsWith('revertStable'))).toEqual([]);
    expect(done).toContain('removeGray last24');
  });

  it('P1: what an earlier one left is given back before anything of it is there, the entry first, then after a drain the rest', async () => {
    for (const name of ['first27', 'last27']) leftAt.add(name);
    const release = { drain: '300ms' };
    const members = { dependsOn: ['next27'], release };
    const id = await start({
      first27: members,
      next27: { dependsOn: ['last27'], release },
      last27: { release },
    });
    expect((await ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
    expect(done.slice(0, 5)).toEqual([
      'restoreRoute first27 of earlier',
      'restoreRoute last27 of earlier',
      'deployGray last27',
      'deployGray next27',
      'deployGray first27',
    ]);
    expect(done.filter((line) => line.endsWith('of earlier'))).toHaveLength(2);
    expect((await toldBy(id)).filter((text) => text.includes('earlier'))).toEqual([
      'give first27 back for release earlier',
      'requests with the tag of release earlier end',
      'give last27 back for release earlier',
    ]);
  });

  it('P1: does not begin where what an earlier one left cannot be given back', async () => {
    leftAt.add('odd28').add('deep28');
    stuckFor.add('odd28');
    const seen = await ended(await start({ odd28: { dependsOn: ['deep28'] }, deep28: {} }));
    stuckFor.clear();
    expect(seen.outcome).toMatchObject({ phase: 'failed', failure: { code: 'route_unfit' } });
    expect(done).toEqual([]);
  });

  it('leaves to its deployment what an earlier release of one application alone left', async () => {
    leftAt.add('alone29');
    expect((await ended(await start({ alone29: {} }))).outcome).toMatchObject({ phase: 'succeeded' });
    expect(done.filter((line) => line.endsWith('of earlier'))).toEqual([]);
  });

  it('P6: has the turn in the environment that comes first, also where the first application is not in it', async () => {
    const ofBoth = { dependsOn: [], environments: ['test', 'prod'] };
    const seen = await ended(await start({ lead18: { dependsOn: ['both18'] }, both18: ofBoth }));
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    await expectHistory('both18', ['prod succeeded', 'test succeeded']);
  });

  it('no entry passes a weight before all have it', async () => {
    await released({ left: ['shared'], right: ['shared'], shared: [] });
    for (const [weight, next] of [
      [10, 50],
      [50, 100],
    ]) {
      const have = ['left', 'right'].flatMap((name) => places(`setTraffic ${name} ${weight}`));
      const pass = ['left', 'right'].flatMap((name) => places(`setTraffic ${name} ${next}`));
      expect([have.length, pass.length]).toEqual([2, 2]);
      expect(Math.max(...have)).toBeLessThan(Math.min(...pass));
    }
  });

  it('P4: guards the routes that have a share, and no other', async () => {
    fresh.add('newcomer');
    guarded = [];
    const { view } = await released({ entry: ['inside', 'newcomer'], inside: [], newcomer: [] });
    fresh.clear();
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expect(done[0]).toBe('deployStable newcomer');
    expect(new Set(guarded.map((routes) => routes.join(', ')))).toEqual(new Set(['entry']));
  });

  it('P1: the share does not grow where what its requests come to behind the entry is not there', async () => {
    unready.add('hollow');
    const { view } = await released({ rim: ['hollow'], hollow: [] });
    unready.clear();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'endpoints_missing' } });
    expect(done.filter((line) => /deployStable|setTraffic rim [1-9]/.test(line))).toEqual([
      'setTraffic rim 10',
    ]);
  });

  it('takes gray of all away where one does not come up, and promotes none', async () => {
    broken.add('bad');
    const { view } = await released({ good: [], bad: [], caller: ['good', 'bad'] });
    broken.clear();
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'workload_not_ready' } });
    expect(done.filter((line) => /deployStable|setTraffic|deployGray caller/.test(line))).toEqual([]);
    expect(places('removeGray good')).toHaveLength(1);
    expect(places('removeGray bad')).toHaveLength(1);
  });
});

interface Member {
  readonly dependsOn?: readonly string[];
  readonly release?: ReleaseInput;
  readonly environments?: readonly string[];
}
const judged: ReleaseInput = {
  analysis: {
    interval: '50ms',
    inconclusiveDeadline: '200ms',
    metrics: [{ name: 'errors', value: 'x', max: 1 }],
  },
};

async function start(members: Readonly<Record<string, Member>>, approveEach = false): Promise<string> {
  done = [];
  judgedSince = [];
  for (const [name, { dependsOn = [], release, environments = ['prod'] }] of Object.entries(members)) {
    await ask('PUT', `/v1/applications/${name}`, {
      name,
      image: `r.example/${name}`,
      dependsOn,
      traffic: { router: 'istio' },
      release: {
        steps: [10, 50].map((weight) => ({ weight, hold: '50ms' })),
        approval: { required: approveEach },
        drain: '0s',
        ...release,
      },
      environments: environments.map((type) => ({ name: type, type, namespace: type })),
    });
  }
  const applications = Object.keys(members).map((name) => ({ name, image: `r.example/${name}:v2` }));
  return String((await ask('POST', '/v1/releases', { applications, approveEach }))['id']);
}
const view = async (id: string): Promise<ReleaseView> =>
  (await ask('GET', `/v1/releases/${id}`)) as unknown as ReleaseView;
const ended = (id: string): Promise<ReleaseView> =>
  eventually(
    'the release to end',
    async () => ((one) => (one.outcome === null ? null : one))(await view(id)),
    60_000,
  );
/** What the history tells people. */
async function toldBy(id: string): Promise<readonly string[]> {
  const { events } = await client.workflow.getHandle(releaseWorkflowId(id)).fetchHistory();
  return (events ?? []).flatMap(({ userMetadata }) => {
    const summary = userMetadata?.summary;
    return summary == null ? [] : [defaultPayloadConverter.fromPayload<string>(summary)];
  });
}
/** Until an event says so. */
async function told(id: string, text: string): Promise<void> {
  const { body } = await app.request(`/v1/releases/${id}/events`);
  const decoder = new TextDecoder();
  let seen = '';
  for await (const chunk of body!) {
    seen += decoder.decode(chunk as Uint8Array, { stream: true });
    if (seen.includes(text)) return;
  }
  expect(seen).toContain(text);
}
const failures = ({ applications }: ReleaseView): Record<string, string | null> =>
  Object.fromEntries(applications.map(({ name, failure: why }) => [name, why?.code ?? null]));
/** Told after the end. */
const expectHistory = (name: string, entries: readonly string[]): Promise<unknown> =>
  eventually(`history of ${name}: ${entries.join(', ')}`, async () => {
    const { history } = (await ask('GET', `/v1/applications/${name}`)) as { history: HistoryEntry[] };
    const told = history.map((entry) => `${entry.environment} ${entry.phase}`);
    return told.toSorted().join() === entries.join();
  });
const written = (): string[] =>
  done.filter((line) => /deployStable|removeGray|setTraffic .* [1-9]/.test(line));

describe('one of a lane that fails and goes back alone', () => {
  it('in its deployment: the others are deployed again, and released', async () => {
    broken.add('weak1');
    const seen = await ended(
      await start({
        lead1: { dependsOn: ['weak1', 'strong'] },
        weak1: { release: { onFailure: 'alone' } },
        strong: {},
      }),
    );
    broken.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expect(failures(seen)).toEqual({ lead1: null, strong: null, weak1: 'workload_not_ready' });
    expect(written().slice(0, -2)).toEqual([
      'removeGray weak1',
      'setTraffic lead1 10',
      'setTraffic lead1 50',
      'setTraffic lead1 100',
      'deployStable strong',
      'deployStable lead1',
    ]);
    expect(written().slice(-2).toSorted()).toEqual(['removeGray lead1', 'removeGray strong']);
    await expectHistory('weak1', ['prod rolled_back']);
    await expectHistory('lead1', ['prod succeeded']);
  });

  it.each(['fail', 'inconclusive'] as const)(
    'in a hold whose analysis says %s: its route is given back, and the weight is set and held again',
    async (verdict) => {
      verdicts.set('weak2', verdict);
      const weak = { release: { ...judged, onFailure: 'alone' } as const };
      const seen = await ended(await start({ lead2: { dependsOn: ['weak2'] }, weak2: weak }));
      verdicts.clear();
      expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
      const code = verdict === 'fail' ? 'analysis_failed' : 'analysis_inconclusive';
      expect(failures(seen)).toEqual({ lead2: null, weak2: code });
      // At once, and after the drain.
      expect(places('restoreRoute weak2')).toHaveLength(2);
      expect(places('restoreRoute weak2')[1]!).toBeLessThan(places('removeGray weak2')[0]!);
      expect(written().slice(0, 4)).toEqual([
        'setTraffic lead2 10',
        'removeGray weak2',
        'setTraffic lead2 10',
        'setTraffic lead2 50',
      ]);
      expect(places('deployStable weak2')).toEqual([]);
      await record(client, releaseWorkflowId(seen.id), 'succeeded-lane-without-one');
    },
  );

  it('when its route is lost among others that are written at once', async () => {
    lost.add('weak8');
    const seen = await ended(
      await start({ strong8: {}, lead8: {}, weak8: { release: { onFailure: 'alone' } } }),
    );
    lost.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded', left: [] });
    expect(failures(seen)).toEqual({ lead8: null, strong8: null, weak8: 'route_lost' });
    const shares = done.filter((line) => /setTraffic (lead|weak)8 [1-9]|removeGray weak8/.test(line));
    expect(new Set(shares.slice(0, 2))).toEqual(new Set(['setTraffic lead8 10', 'setTraffic weak8 10']));
    expect(shares.slice(2).filter((line) => line.includes('weak8'))).toEqual(['removeGray weak8']);
    expect(shares.at(-1)).toBe('setTraffic lead8 100');
  });

  it('in the look at tagged requests: they are let in again before the others are looked at', async () => {
    verdicts.set('weak9', 'fail');
    const release = { ...judged, verify: '50ms' };
    const weak = { release: { ...release, onFailure: 'alone' } as const };
    const seen = await ended(await start({ lead9: { dependsOn: ['weak9'], release }, weak9: weak }));
    verdicts.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead9: null, weak9: 'analysis_failed' });
    const tags = places('setTraffic lead9 0');
    expect(tags).toHaveLength(2);
    expect(tags[1]!).toBeGreaterThan(places('removeGray weak9')[0]!);
    expect(places('setTraffic lead9 10')).toHaveLength(1);
  });

  it('and not whom it has spoilt, nor by what that answered before', async () => {
    verdicts.set('weak10', 'fail');
    spoilt.set('lead10', 'weak10');
    slow.add('weak10');
    const weak = { release: { ...judged, onFailure: 'alone' } as const };
    const lead = { dependsOn: ['weak10'], release: judged };
    const seen = await ended(await start({ lead10: lead, weak10: weak }));
    verdicts.clear();
    spoilt.clear();
    slow.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead10: null, weak10: 'analysis_failed' });
    const [first, ...later] = judgedSince.filter((line) => line.startsWith('lead10 '));
    expect(later.length).toBeGreaterThan(0);
    expect(later.every((line) => line > first!)).toBe(true);
  });

  it('when its route cannot be taken: those of the others are', async () => {
    unfit.add('weak11');
    const canary = { strategy: 'canary' } as const;
    const weak = { release: { ...canary, onFailure: 'alone' } as const };
    const seen = await ended(await start({ lead11: { release: canary }, weak11: weak }));
    unfit.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead11: null, weak11: 'route_unfit' });
    expect(places('prepareRoute lead11').at(-1)!).toBeLessThan(places('setTraffic lead11 10')[0]!);
    expect(places('prepareRoute lead11').at(-1)!).toBeGreaterThan(places('removeGray weak11')[0]!);
  });

  it('and somebody has to help with that: the release can be aborted, not abandoned', async () => {
    verdicts.set('weak12', 'fail');
    stuck.add('weak12');
    const weak = { release: { ...judged, rollbackDeadline: '500ms', onFailure: 'alone' } as const };
    const id = await start({
      lead12: { dependsOn: ['weak12'], release: { rollbackDeadline: '500ms' } },
      weak12: weak,
    });
    await eventually('a call for help', async () => (await view(id)).phase === 'needs_attention');
    expect((await view(id)).waitingOn).toMatchObject({ can: ['retry', 'skip', 'abort'] });
    const post = (verb: string) => ask('POST', `/v1/releases/${id}/${verb}`, { reason: 'test' });
    await expect(post('abandon')).rejects.toThrow('only weak12 goes back');
    await expect(post('pause')).rejects.toThrow('weak12 goes back alone, and somebody has to help');
    await post('abort');
    expect((await view(id)).phase).not.toBe('holding');
    stuck.clear();
    const seen = await ended(id);
    expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
  });

  it('P4: the share of the others is guarded meanwhile, and where that fails, all go back', async () => {
    // Doubt leaves the share where it is.
    verdicts.set('weak15', 'inconclusive').set('lead15 paused', 'fail');
    stuck.add('weak15');
    const weak = { release: { ...judged, onFailure: 'alone' } as const };
    const id = await start({ lead15: { dependsOn: ['weak15'], release: judged }, weak15: weak });
    await eventually('all to go back', () => done.includes('restoreRoute lead15'));
    stuck.clear();
    verdicts.clear();
    const seen = await ended(id);
    expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_failed' } });
    expect(failures(seen)['weak15']).toBeNull();
  });

  it('and what was left behind of it is told, also where the release ends in a queue', async () => {
    verdicts.set('weak16', 'fail');
    stuck.add('weak16');
    const environments = ['test', 'prod'];
    const release = { rollbackDeadline: '500ms' } as const;
    const id = await start({
      lead16: { dependsOn: ['weak16'], environments, release },
      weak16: { environments, release: { ...judged, ...release, onFailure: 'alone' } },
    });
    await eventually('a call for help', async () => (await view(id)).phase === 'needs_attention');
    verdicts.clear();
    await ask('PUT', '/v1/applications/lead16', {
      name: 'lead16',
      image: 'r.example/lead16',
      traffic: { router: 'istio' },
      release: {
        steps: [{ weight: 10, hold: '10m' }],
        analysis: null,
        approval: { required: false },
        drain: '0s',
      },
      environments: environments.map((type) => ({ name: type, type, namespace: type })),
    });
    const first = await ask('POST', '/v1/releases', {
      applications: [{ name: 'lead16', image: 'r.example/lead16:v3' }],
      environment: 'prod',
      override: true,
      reason: 'test',
    });
    const steer = (of: string, verb: string) => ask('POST', `/v1/releases/${of}/${verb}`, { reason: 'test' });
    await eventually(
      'the other to hold prod',
      async () => (await view(String(first['id']))).phase === 'holding',
    );
    for (const what of ['traffic of weak16', 'remove weak16-gray']) {
      await eventually(
        `a call for help: ${what}`,
        async () => (await view(id)).waitingOn?.what.includes(`a person: ${what}`) === true,
      );
      await steer(id, 'skip');
    }
    await eventually('the queue of prod', async () => (await view(id)).waitingOn?.queue !== undefined);
    await steer(id, 'abort');
    expect((await ended(id)).outcome).toMatchObject({
      phase: 'cancelled',
      left: ['traffic of weak16 back to stable', 'remove weak16-gray'],
    });
    stuck.clear();
    await steer(String(first['id']), 'abort');
    await ended(String(first['id']));
  });

  it('and a newer release of it does not take back the others', async () => {
    verdicts.set('weak13', 'fail').set('lead13', 'inconclusive');
    const patient = { analysis: { ...judged.analysis, inconclusiveDeadline: '10m' } };
    const weak = { ...judged, queue: 'supersede-running', onFailure: 'alone' } as const;
    const id = await start({
      lead13: { dependsOn: ['weak13'], release: patient },
      weak13: { release: weak },
    });
    await eventually('weak13 to leave', async () => failures(await view(id))['weak13'] === 'analysis_failed');
    verdicts.delete('weak13');
    const mended = await ask('POST', '/v1/releases', {
      applications: [{ name: 'weak13', image: 'r.example/weak13:v3' }],
    });
    await eventually(
      'lead13 in doubt',
      async () => (await view(id)).waitingOn?.can.includes('resume') === true,
    );
    await told(id, `Release ${String(mended['id'])} is newer, and waits`);
    // The doubt is over.
    verdicts.clear();
    expect((await ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
    expect((await ended(String(mended['id']))).outcome).toMatchObject({ phase: 'succeeded' });
  });

  it('in an environment of its own, and is told of all the same', async () => {
    verdicts.set('weak14', 'fail');
    const weak = { environments: ['test'], release: { ...judged, onFailure: 'alone' } as const };
    const environments = ['test', 'prod'];
    const seen = await ended(await start({ lead14: { dependsOn: ['weak14'], environments }, weak14: weak }));
    verdicts.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead14: null, weak14: 'analysis_failed' });
  });

  it('is not watched where nobody can: a hold in which nothing is measured ends by its time', async () => {
    const release = { analysis: null, steps: [{ weight: 10, hold: '50ms' }] };
    const seen = await ended(
      await start({ lead21: { dependsOn: ['unseen21'], release }, unseen21: { release } }),
    );
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(seen.steps.find((s) => s.kind === 'hold')?.result).toMatch(/held/);
  });

  it.each([
    ['a hold', '19'],
    ['a pause', '20'],
  ])('P4: in %s in which nothing is measured, where somebody deletes its gray', async (where, n) => {
    const [lead, weak] = [`lead${n}`, `weak${n}`];
    const release = { analysis: null, steps: [{ weight: 10, hold: '10m' }] };
    const id = await start({
      [lead]: { dependsOn: [weak], release },
      [weak]: { release: { ...release, onFailure: 'alone' } },
    });
    const steer = (verb: string): Promise<unknown> =>
      ask('POST', `/v1/releases/${id}/${verb}`, { reason: 'test' });
    const waits = (reason: string) => async (): Promise<boolean> =>
      (await view(id)).waitingOn?.what.includes(reason) === true;
    const isHeld = waits('the hold at 10 %');
    await eventually('the hold', isHeld);
    if (where === 'a pause') {
      await steer('pause');
      await steer('skip');
    }
    const isThere = where === 'a pause' ? waits('somebody to resume') : isHeld;
    await eventually(where, isThere);
    deleted.add(weak);
    await eventually('it to have left', async () => failures(await view(id))[weak] === 'gray_lost');
    await eventually(`${where} of the others`, isThere);
    await steer(where === 'a pause' ? 'resume' : 'skip');
    const seen = await ended(id);
    deleted.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ [lead]: null, [weak]: 'gray_lost' });
    if (where === 'a hold') await record(client, releaseWorkflowId(id), 'succeeded-lane-gray-lost');
  });

  describe('P1: while an approval is waited for, where somebody deletes its gray', () => {
    /** Waits for an approval, of which the view is answered; then gray of `weak` is gone. */
    const lost = async (lead: string, weak: string, onFailure: 'alone' | 'lane') => {
      const release = { approval: { required: true }, strategy: 'gray', drain: '0s' } as const;
      const id = await start({
        [lead]: { dependsOn: [weak], release },
        [weak]: { release: { ...release, onFailure } },
      });
      const isAsked = async (): Promise<ReleaseView | null> => {
        const seen = await view(id);
        return seen.waitingOn?.approval === undefined ? null : seen;
      };
      const { planHash } = await eventually('the approval', isAsked);
      done = [];
      deleted.add(weak);
      return { id, isAsked, planHash };
    };
    afterEach(() => deleted.clear());

    it('all go back, and nobody is asked any more', async () => {
      const { id } = await lost('lead24', 'weak24', 'lane');
      const seen = await ended(id);
      expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'gray_lost' } });
      expect(seen.waitingOn).toBeNull();
    });

    it('alone: the tag leads to the others again, who are asked for as before', async () => {
      const { id, isAsked, planHash } = await lost('lead25', 'weak25', 'alone');
      await eventually('it to have left', async () => failures(await view(id))['weak25'] === 'gray_lost');
      await eventually('the approval of the others', isAsked);
      expect(done).toEqual(expect.arrayContaining(['removeGray weak25', 'setTraffic lead25 0']));
      const decision = { decision: 'approve', reason: 'test', planHash };
      await ask('POST', `/v1/releases/${id}/decisions`, decision);
      expect((await ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
      await record(client, releaseWorkflowId(id), 'succeeded-lane-gray-lost-before-approval');
    });
  });

  it('in a pause: whoever then asks to promote at once gives gray everything first', async () => {
    verdicts.set('weak6', 'inconclusive');
    const steps = [10, 100].map((weight) => ({ weight, hold: '50ms' }));
    const analysis = { ...judged.analysis, inconclusiveDeadline: '10m' };
    const weak = { release: { analysis, steps, onFailure: 'alone' } as const };
    const id = await start({
      lead6: { dependsOn: ['weak6'], release: { steps, analysis: null } },
      weak6: weak,
    });
    const steer = (verb: string, more = {}) =>
      ask('POST', `/v1/releases/${id}/${verb}`, { reason: 'test', ...more });
    await eventually('the hold', async () => (await view(id)).waitingOn?.can.includes('resume') === true);
    await steer('pause');
    await steer('weight', { weight: 100 });
    await eventually('the weight', () => done.includes('setTraffic lead6 100'));
    verdicts.set('weak6 paused', 'fail');
    await eventually(
      'weak6 to have left',
      async () => failures(await view(id))['weak6'] === 'analysis_failed',
    );
    await eventually('the pause', async () => (await view(id)).waitingOn?.can.includes('promote') === true);
    await steer('promote');
    const seen = await ended(id);
    verdicts.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(written()).toEqual([
      'setTraffic lead6 10',
      'setTraffic lead6 100',
      'removeGray weak6',
      'setTraffic lead6 100',
      'deployStable lead6',
      'removeGray lead6',
    ]);
  });

  it('and may be aborted meanwhile: then all go back', async () => {
    verdicts.set('weak7', 'fail');
    stuck.add('weak7');
    const weak = { release: { ...judged, onFailure: 'alone' } as const };
    const id = await start({ lead7: { dependsOn: ['weak7'] }, weak7: weak });
    const isLeaving = ({ waitingOn }: ReleaseView): boolean =>
      waitingOn?.what.includes('traffic of weak7 back to stable') === true;
    await eventually('weak7 to be leaving', async () => isLeaving(await view(id)));
    expect(await view(id)).toMatchObject({ phase: 'holding', waitingOn: { can: ['abort'] } });
    verdicts.clear();
    await ask('POST', `/v1/releases/${id}/abort`, { reason: 'test' });
    stuck.clear();
    const seen = await ended(id);
    expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
    expect(written()).toEqual(['setTraffic lead7 10', 'removeGray lead7', 'removeGray weak7']);
  });

  it('by the rejection of its own approval, and the others ask on', async () => {
    const id = await start(
      { lead3: { dependsOn: ['weak3'] }, weak3: { release: { onFailure: 'alone' } } },
      true,
    );
    for (const [name, decision] of [
      ['weak3', 'reject'],
      ['lead3', 'approve'],
    ]) {
      await eventually(`approval of ${name}`, async () =>
        (await view(id)).waitingOn?.what.includes(`${name} v2`),
      );
      await ask('POST', `/v1/releases/${id}/decisions`, {
        decision,
        reason: 'test',
        planHash: (await view(id)).planHash,
      });
    }
    const seen = await ended(id);
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead3: null, weak3: 'approval_rejected' });
  });

  it('and is not in the environments that follow', async () => {
    verdicts.set('weak4', 'fail');
    const environments = ['test', 'prod'];
    const weak = {
      environments: ['test', 'pre', 'prod'],
      release: { ...judged, onFailure: 'alone' } as const,
    };
    const seen = await ended(await start({ lead4: { dependsOn: ['weak4'], environments }, weak4: weak }));
    verdicts.clear();
    expect(seen.outcome).toMatchObject({ phase: 'succeeded' });
    expect(failures(seen)).toEqual({ lead4: null, weak4: 'analysis_failed' });
    await expectHistory('weak4', ['test rolled_back']);
    await expectHistory('lead4', ['prod succeeded', 'test succeeded']);
    expect(places('deployStable weak4')).toEqual([]);
    expect(places('deployStable lead4')).toHaveLength(2);
  });

  it('not where requests to others come in through it', async () => {
    broken.add('lead5');
    const seen = await ended(
      await start({ lead5: { dependsOn: ['weak5'], release: { onFailure: 'alone' } }, weak5: {} }),
    );
    broken.clear();
    expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'workload_not_ready' } });
    expect(places('deployStable weak5')).toEqual([]);
  });
});

describe('a lane of several entries', () => {
  const doubtful = (deadline: string, onInconclusive: 'pass' | 'rollback'): Member => ({
    release: { analysis: { ...judged.analysis, inconclusiveDeadline: deadline, onInconclusive } },
  });
  const inDoubt = (id: string) =>
    eventually('doubt', async () => (await view(id)).waitingOn?.can.includes('resume') === true);

  it.each(['one1', 'two1'])('P4: keeps none on gray because %s cannot be given back', async (name) => {
    verdicts.set('one1', 'inconclusive');
    const id = await start({ one1: doubtful('10m', 'rollback'), two1: {} });
    await inDoubt(id);
    stuck.add(name);
    await ask('POST', `/v1/releases/${id}/abort`, { reason: 'test' });
    const other = name === 'one1' ? 'two1' : 'one1';
    await eventually(`${other} to be given back`, () => done.includes(`restoreRoute ${other}`));
    expect(await view(id)).toMatchObject({ phase: 'rolling_back', outcome: null });
    expect(places(`restoreRoute ${name}`)).toEqual([]);
    stuck.clear();
    verdicts.clear();
    expect((await ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    await record(client, releaseWorkflowId(id), 'rolled-back-lane');
  });

  it('whose traffic is back is not told as left, where somebody gives up another', async () => {
    verdicts.set('one4', 'inconclusive');
    const { release } = doubtful('10m', 'rollback');
    const id = await start({
      one4: { release: { ...release, rollbackDeadline: '500ms' } },
      two4: { release: { rollbackDeadline: '500ms' } },
    });
    await inDoubt(id);
    stuck.add('two4');
    const steer = (verb: string) => ask('POST', `/v1/releases/${id}/${verb}`, { reason: 'test' });
    await steer('abort');
    await eventually('a call for help', async () => (await view(id)).phase === 'needs_attention');
    await steer('abandon');
    stuck.clear();
    verdicts.clear();
    const { outcome } = await ended(id);
    expect(outcome).toMatchObject({ phase: 'failed', failure: { code: 'abandoned' } });
    expect(outcome!.left.toSorted()).toEqual([
      'remove one4-gray',
      'remove two4-gray',
      'traffic of two4 back to stable',
    ]);
  });

  it.each(['one2', 'two2'])('that is in doubt of %s ends as that one says', async (name) => {
    verdicts.set(name, 'inconclusive');
    const of = (member: string): Member =>
      member === name ? doubtful('200ms', 'rollback') : doubtful('100ms', 'pass');
    const seen = await ended(await start({ one2: of('one2'), two2: of('two2') }));
    verdicts.clear();
    expect(seen.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'analysis_inconclusive' } });
  });

  it('P2: sets 100 % again before stable is promoted, when the guard of that was let go', async () => {
    verdicts.set('one3', 'inconclusive');
    const steps = [{ weight: 100, hold: '50ms' }];
    const { release } = doubtful('10m', 'rollback');
    const id = await start({ one3: { release: { ...release, steps } }, two3: { release: { steps } } });
    await inDoubt(id);
    await ask('POST', `/v1/releases/${id}/resume`, { reason: 'test' });
    verdicts.clear();
    expect((await ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
    const [first, again, ...more] = places('setTraffic one3 100');
    expect(more).toEqual([]);
    expect(first!).toBeLessThan(again!);
    expect(again!).toBeLessThan(places('deployStable one3')[0]!);
    await record(client, releaseWorkflowId(id), 'succeeded-lane');
  });
});

describe('releases that share a way', () => {
  const declare = (
    name: string,
    edges: readonly string[],
    required: boolean,
    dependsOn: readonly string[] = [],
  ) =>
    ask('PUT', `/v1/applications/${name}`, {
      name,
      image: `r.example/${name}`,
      dependsOn,
      traffic: { router: 'istio', ...(edges.length === 0 ? {} : { edges }) },
      release: { steps: [{ weight: 100, hold: '50ms' }], approval: { required }, drain: '0s' },
      environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
    });
  const release = async (names: string, lane: string | null = null): Promise<string> => {
    const applications = names.split('+').map((name) => ({ name, image: `r.example/${name}:v2` }));
    return String((await ask('POST', '/v1/releases', { applications, lane }))['id']);
  };
  const approve = async (id: string): Promise<void> => {
    const open = await until(id, (view) => view.waitingOn?.approval !== undefined);
    const decision = { decision: 'approve', reason: 'test', planHash: open?.planHash };
    await ask('POST', `/v1/releases/${id}/decisions`, decision);
  };
  const queued = async (id: string): Promise<string | undefined> =>
    (await until(id, (view) => view.waitingOn?.queue !== undefined))?.waitingOn?.what;
  const succeeds = async (id: string): Promise<void> =>
    expect((await until(id, (view) => view.outcome !== null))?.outcome?.phase).toBe('succeeded');
  const seen = async (id: string): Promise<ReleaseView> =>
    (await ask('GET', `/v1/releases/${id}`)) as unknown as ReleaseView;
  const until = (id: string, is: (view: ReleaseView) => boolean): Promise<ReleaseView | null> =>
    eventually(`release ${id}`, async () => ((view) => (is(view) ? view : null))(await seen(id)), 60_000);

  it('take turns at an edge, and who waits says behind whom; a release of the edge itself waits for nobody', async () => {
    done = [];
    await declare('edge', [], false);
    await declare('first', ['edge'], true);
    await declare('second', ['edge'], false);
    const first = await release('first');
    await until(first, (view) => view.waitingOn?.approval !== undefined);
    const second = await release('second');
    expect(await queued(second)).toBe(`edge in prod (edge): place 1 in the queue, behind ${first}`);
    await succeeds(await release('edge'));
    expect(done).not.toContain('deployGray second');
    await approve(first);
    await succeeds(second);
    expect(places('deployStable first')[0]).toBeLessThan(places('deployGray second')[0]!);
    const { changes } = (await ask('POST', '/v1/plans', {
      applications: [{ name: 'second', image: 'r.example/second:v3' }],
    })) as { changes: string[] };
    expect(changes.at(-1)).toBe(
      'prod: namespace shop: VirtualService edge: x-lane: gray kept, and given to 100 % of all, restored after it',
    );
  });

  it('P1: the edge lets the tag in when all proxies have had the time to hear of the rules behind it', async () => {
    await declare('edge23', [], false);
    await declare('near23', ['edge23'], false, ['far23']);
    await declare('far23', ['edge23'], false);
    const id = await release('near23+far23');
    await succeeds(id);
    const told = await toldBy(id);
    const first = told.indexOf('take edge23 in hand');
    expect(told.slice(first, told.indexOf('100 % of edge23 to gray'))).toEqual([
      'take edge23 in hand',
      'requests with a tag of their own end',
      'take far23 in hand',
      'take near23 in hand',
      '0 % of far23 to gray',
      '0 % of near23 to gray',
      'proxies hear of the rules for the tag',
      '0 % of edge23 to gray',
    ]);
    await record(client, releaseWorkflowId(id), 'succeeded-lane-behind-an-edge');
  });

  it('P1: the share of an earlier one at an edge is given back before the routes behind it', async () => {
    for (const name of ['edge30 guest', 'near30', 'far30']) leftAt.add(name);
    await declare('edge30', [], false);
    await declare('near30', ['edge30'], false, ['far30']);
    await declare('far30', ['edge30'], false);
    done = [];
    await succeeds(await release('near30+far30'));
    expect(done.slice(0, 4)).toEqual([
      'restoreRoute edge30 of earlier',
      'restoreRoute near30 of earlier',
      'restoreRoute far30 of earlier',
      'deployGray far30',
    ]);
    expect(done.filter((line) => line.endsWith('of earlier'))).toHaveLength(3);
  });

  it('P1: where it is rejected the edge takes the tag off until nothing behind it has a rule for it', async () => {
    await declare('edge22', [], false);
    await declare('near22', ['edge22'], true, ['far22']);
    await declare('far22', ['edge22'], true);
    const id = await release('near22+far22');
    const open = await until(id, (view) => view.waitingOn?.approval !== undefined);
    done = [];
    stripped = [];
    const decision = { decision: 'reject', reason: 'test', planHash: open?.planHash };
    await ask('POST', `/v1/releases/${id}/decisions`, decision);
    expect((await until(id, (view) => view.outcome !== null))?.outcome).toMatchObject({
      phase: 'rolled_back',
      left: [],
    });
    const back = done.filter((line) => line.startsWith('restoreRoute'));
    const of = (name: string): string => `restoreRoute ${name}`;
    expect(back.slice(0, 4)).toEqual([of('edge22'), of('near22'), of('far22'), of('edge22')]);
    expect(stripped).toEqual(['edge22']);
    await record(client, releaseWorkflowId(id), 'rolled-back-lane-behind-an-edge');
  });

  it('never show the share of one what only the other has: with the same tag they take turns, whoever comes first', async () => {
    await declare('outer', [], true, ['between']);
    await declare('between', [], true, ['last']);
    await declare('last', [], true);
    const lane = await release('outer+last');
    const alone = await release('between');
    expect(await queued(alone)).toBe(`between in prod: place 1 in the queue, behind ${lane}`);
    const later = await release('outer+last');
    await approve(lane);
    await succeeds(lane);
    const behind = `between in prod (x-lane: gray): place 1 in the queue, behind ${alone}`;
    await until(later, (view) => view.waitingOn?.what === behind);
    await approve(alone);
    await succeeds(alone);
    const other = await release('between', 'blue');
    await approve(later);
    await approve(other);
    await succeeds(later);
    await succeeds(other);
  });

  it.each([
    ['whose requests come through', 'outer25+last25', 'between25+other25', 'between25 in prod (edge)'],
    ['that comes through', 'between26+other26', 'outer26+last26', 'between26 in prod (x-lane: '],
  ])('never take the tag off requests of a lane %s with another', async (_, one, other, where) => {
    const n = one.slice(-2);
    await declare(`outer${n}`, [], true, [`between${n}`]);
    await declare(`between${n}`, [], true, [`last${n}`, `other${n}`]);
    for (const name of ['last', 'other']) await declare(`${name}${n}`, [], true);
    const first = await release(one, 'red');
    await until(first, (view) => view.waitingOn?.approval !== undefined);
    const second = await release(other, 'blue');
    const what = await queued(second);
    expect(what?.startsWith(where)).toBe(true);
    expect(what?.endsWith(`place 1 in the queue, behind ${first}`)).toBe(true);
    await approve(first);
    await succeeds(first);
    await approve(second);
    await succeeds(second);
  });

  it('are refused where the edge cannot be one, with the place', async () => {
    await declare('lost', ['nowhere'], false);
    await expect(release('lost')).rejects.toThrow(/edge_unfit.*it is not declared/);
  });
});

describe('each of a lane that asks for itself', () => {
  const names = ['payer', 'payee'];

  it('is approved by itself, one after the other, and no share moves before all are', async () => {
    done = [];
    for (const name of names) {
      await ask('PUT', `/v1/applications/${name}`, {
        name,
        image: `r.example/${name}`,
        dependsOn: name === 'payer' ? ['payee'] : [],
        traffic: { router: 'istio' },
        release: { steps: [{ weight: 50, hold: '50ms' }], drain: '0s' },
        environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
      });
    }
    const applications = names.map((name) => ({ name, image: `r.example/${name}:v2` }));
    const { id } = await ask('POST', '/v1/releases', { applications, approveEach: true });
    const at = `/v1/releases/${String(id)}`;
    const until = (what: string, is: (view: ReleaseView) => boolean): Promise<ReleaseView> =>
      eventually(
        what,
        async () => ((view) => (is(view) ? view : null))((await ask('GET', at)) as unknown as ReleaseView),
        60_000,
      );
    const asked: string[] = [];
    for (const name of ['payee', 'payer']) {
      const { waitingOn, planHash, decisions } = await until(
        `approval of ${name}`,
        ({ waitingOn: now }) => now?.approval !== undefined && now.what.includes(`${name} v2`),
      );
      asked.push(waitingOn!.what);
      expect(decisions).toHaveLength(asked.length - 1);
      expect(done.filter((line) => /deployStable|setTraffic .* [1-9]/.test(line))).toEqual([]);
      await ask('POST', `${at}/decisions`, { decision: 'approve', reason: name, planHash });
    }
    expect(asked).toEqual([expect.not.stringContaining('payer v2'), expect.not.stringContaining('payee v2')]);
    const { outcome, decisions } = await until('the end', (view) => view.outcome !== null);
    expect(outcome).toMatchObject({ phase: 'succeeded' });
    expect(decisions.map(({ reason }) => reason)).toEqual(['payee', 'payer']);
    expect(places('deployStable payee')[0]).toBeLessThan(places('deployStable payer')[0]!);
  });
});

it('P8: each of these releases is repeated by a replay', async () => {
  expect(await server.unrepeated()).toEqual([]);
});
