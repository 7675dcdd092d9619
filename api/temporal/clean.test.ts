/** What lost releases left, over a real Temporal server and the real workflows; what stands in the clusters is told by the test. */
import { Client, Connection, defaultPayloadConverter } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CatalogueError, toApplicationFailure } from '../../activities/failure.js';
import type { Application, Environment } from '../../domain/application.js';
import { failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { CleanView, Leftover, LeftoverErrand } from '../../domain/leftover.js';
import type { Spot, Stray, StrayErrand } from '../../domain/stray.js';
import { workingActivities } from '../../test/fakes/activities.js';
import type { Target } from '../../domain/target.js';
import { exampleTarget } from '../../test/fakes/target.js';
import { eventually } from '../../test/rig/eventually.js';
import { record } from '../../test/rig/histories.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import { openTemporal, type Temporal } from './temporal.js';

// Whoever shares the machine may slow a step down; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const queue = 'clean-test';
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
let connection: Connection;
/** What the labels tell. */
let strays: readonly Omit<Stray, keyof Spot>[] = [];
/** What is found with a declaration, by release. */
let left: readonly { readonly application: string; readonly release: string }[] = [];
let looks: LeftoverErrand[] = [];
let looksAround: StrayErrand[] = [];
let removed: string[] = [];
/** Routes in the order in which they were given back, with the release. */
let restored: string[] = [];
/** Applications of which a leftover holds the route, and whether that can be given back. */
const routed = new Map<string, boolean>();

const prod: Environment = { name: 'prod', type: 'prod', namespace: 'shop' };
const application = (name: string, ...environments: readonly Environment[]): Application => ({
  name,
  image: `r.example/${name}`,
  environments,
});

function leftover({ cluster, environment, applications }: LeftoverErrand): Leftover[] {
  return left.flatMap(({ application: name, release }) => {
    const found = applications.find((one) => one.name === name);
    if (found === undefined) return [];
    const { namespace } = found.environments.find((e) => e.name === environment)!;
    return [leftoverOf(name, release, { cluster, environment, namespace })];
  });
}

function leftoverOf(
  name: string,
  release: string,
  { cluster, environment, namespace }: Pick<Target, 'cluster' | 'environment' | 'namespace'>,
): Leftover {
  return {
    release,
    target: {
      ...exampleTarget(),
      application: name,
      environment,
      cluster,
      namespace,
      route: routed.has(name) ? { ...exampleTarget().route!, cluster, route: name } : null,
    },
    objects: [`Deployment ${name}-gray`],
    route: null,
    weight: 0,
    drainMs: 0,
  };
}

beforeAll(async () => {
  server = await startTemporalServer();
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  connection = await Connection.connect({ address: server.address });
  const working = workingActivities();
  worker = await server.work(
    queue,
    workingActivities({
      findLeftovers: async (errand) => {
        looks.push(errand);
        return { leftovers: leftover(errand), unseen: [] };
      },
      findStrays: async (errand) => {
        looksAround.push(errand);
        const { known, ...at } = errand;
        const found = strays.filter((one) => !known.includes(one.application));
        return { strays: found.map((one) => ({ ...one, ...at })), unseen: [] };
      },
      restoreRoute: (input) => {
        if (routed.get(input.route.route) === false)
          throw toApplicationFailure(
            new CatalogueError(
              failure('route_unfit', { kind: 'HTTPRoute', route: input.route.route, why: 'it is odd.' }),
            ),
          );
        restored.push(`${input.release} ${input.route.route}`);
        return working.restoreRoute(input);
      },
      removeGray: (input) => {
        removed.push(`${input.release} ${input.target.application}`);
        return working.removeGray(input);
      },
    }),
  );
  await eventually('a worker to poll', async () => (await temporal.unreadiness()) === null);
});
afterAll(async () => {
  await worker.stop();
  await connection.close();
  await temporal.close();
  await server.stop();
});
beforeEach(() => {
  [strays, left, looks, looksAround, removed, restored] = [[], [], [], [], [], []];
  routed.clear();
});

async function declare(name: string, ...environments: readonly Environment[]): Promise<void> {
  await temporal.declareApplication(application(name, ...environments), 'ann');
  await eventually('the list', async () => (await temporal.applicationNames()).includes(name));
}

/** Waits for its approval. */
async function start(id: string, name: string, ...environments: readonly Environment[]): Promise<void> {
  const request = {
    applications: [{ name, image: `r.example/${name}:v1` }],
    environment: environments[0]!.name,
    strategy: null,
    lane: null,
    reason: '',
    initiator: 'ann',
  };
  const applications = [application(name, ...environments)];
  await temporal.submitRelease({ id, request, applications, planOnly: false }, null);
  await eventually(`${id} to wait`, async () => (await temporal.readRelease(id)).waitingOn?.approval);
}
const workflows = () => new Client({ connection }).workflow;
const end = (id: string): Promise<unknown> =>
  workflows().getHandle(releaseWorkflowId(id)).terminate('by force');

const clean = (environment: string, spot: Spot | null = null, dryRun = true): Promise<CleanView> =>
  temporal.cleanEnvironment(environment, { dryRun, by: 'ann', reason: 'lost', spot });
const stray = (name: string, release: string): (typeof strays)[number] => ({
  application: name,
  release,
  lane: 'gray',
  objects: [`Deployment ${name}-gray`],
});
const shop: Spot = { cluster: 'default', namespace: 'shop' };

describe('an application that is removed', () => {
  it('is not while releases that are over have left something of it, unless it is to be left there', async () => {
    const test: Environment = { ...prod, name: 'test', namespace: 'test' };
    await declare('kept', test, prod);
    left = [{ application: 'kept', release: 'release00001' }];
    await expect(temporal.removeApplication('kept', { by: 'ann', force: false })).rejects.toMatchObject({
      problem: {
        code: 'application_left',
        status: 409,
        detail: 'Releases of application "kept" that are over have left Deployment kept-gray in test.',
      },
    });
    expect(looks.map((look) => look.environment).sort()).toEqual(['prod', 'test']);
    await temporal.removeApplication('kept', { by: 'ann', force: true });
    await expect(temporal.readApplication('kept')).rejects.toMatchObject({ problem: { status: 404 } });
  });

  it('is held by a release at work, whose objects are no leftovers, and not by one that was ended by force', async () => {
    await declare('held', prod);
    await start('release00002', 'held', prod);
    left = [{ application: 'held', release: 'release00002' }];
    await expect(temporal.removeApplication('held', { by: 'ann', force: false })).rejects.toMatchObject({
      problem: { code: 'application_busy' },
    });
    await end('release00002');
    left = [];
    await temporal.removeApplication('held', { by: 'ann', force: false });
  });
});

describe('what is left of a lane', () => {
  const lane = async (front: string, back: string): Promise<void> => {
    const calls = { ...application(front, prod), dependsOn: [back] };
    await temporal.declareApplication(calls, 'ann');
    await declare(back, prod);
    left = [back, front].map((name) => ({ application: name, release: 'lane' }));
  };

  /** What the last one in that environment did, as its history tells people. */
  const toldIn = async (environment: string): Promise<readonly string[]> => {
    const id = await eventually('the workflow', async () => {
      for await (const { workflowId } of workflows().list({ query: "WorkflowType = 'clean'" }))
        if (workflowId.startsWith(`clean/${environment}/`)) return workflowId;
      return null;
    });
    const { events } = await workflows().getHandle(id).fetchHistory();
    return (events ?? []).flatMap(({ userMetadata }) => {
      const summary = userMetadata?.summary;
      return summary == null ? [] : [defaultPayloadConverter.fromPayload<string>(summary)];
    });
  };

  it('P1: loses the rule where requests come in first, and what is behind it after a drain', async () => {
    await lane('front1', 'back1');
    routed.set('front1', true).set('back1', true);
    const { items } = await clean('prod', null, false);
    expect(items.map(({ left: why }) => why)).toEqual([null, null]);
    expect(restored).toEqual(['lane front1', 'lane back1']);
    expect((await toldIn('prod')).slice(1, 4)).toEqual([
      'give front1 back for release lane',
      'requests with the tag of release lane end',
      'give back1 back for release lane',
    ]);
  });

  it('P1: keeps it behind an entry that cannot be given back, and says why', async () => {
    await lane('front2', 'back2');
    routed.set('front2', false).set('back2', true);
    const { items } = await clean('prod', null, false);
    expect(items.map((item) => [item.application, item.left])).toEqual([
      ['back2', expect.stringMatching(/^front2 may still lead requests here: .*it is odd/)],
      ['front2', expect.stringContaining('it is odd')],
    ]);
    expect([restored, removed]).toEqual([[], []]);
  });

  /** Declares who calls whom there, each with something left of the same lane. */
  const lanesIn = async (
    name: string,
    calls: Readonly<Record<string, readonly string[]>>,
    clusters: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    for (const [one, dependsOn] of Object.entries(calls)) {
      const cluster = clusters[one] ?? 'default';
      const environment: Environment = { ...prod, name, cluster };
      await temporal.declareApplication({ ...application(one, environment), dependsOn }, 'ann');
      await eventually('the list', async () => (await temporal.applicationNames()).includes(one));
    }
    left = Object.keys(calls).map((one) => ({ application: one, release: 'lane' }));
  };
  const outcomes = ({ items }: CleanView): unknown[] =>
    items.map((item) => [item.application, item.left, item.removed.length > 0 || item.left === null]);

  it('P1: stays where somebody who calls it could not be looked at, and says so before; the rest goes', async () => {
    await lanesIn('away', { out4: ['mid4'], mid4: ['in4'], in4: [], lone4: [] }, { out4: 'eu' });
    for (const name of ['mid4', 'in4', 'lone4']) routed.set(name, true);
    const why = `out4 could not be looked at and may still lead requests here: No worker takes up tasks of queue ${queue}-eu.`;
    for (const dryRun of [true, false]) {
      const view = await clean('away', null, dryRun);
      expect(view.unseen).toContainEqual(expect.objectContaining({ application: 'out4' }));
      expect(outcomes(view)).toEqual([
        ['in4', why, false],
        ['lone4', null, true],
        ['mid4', why, false],
      ]);
    }
    expect([restored, removed]).toEqual([['lane lone4'], ['lane lone4']]);
  });

  it('P1: goes where another one is stuck that does not call it, also in the same lane', async () => {
    await lanesIn('stuck', { top5: ['mid5'], mid5: ['in5'], in5: [], web5: ['db5'], db5: [] });
    for (const name of ['mid5', 'in5', 'web5', 'db5']) routed.set(name, true);
    routed.set('top5', false);
    const behind: unknown = expect.stringMatching(/^top5 may still lead requests here: .*it is odd/);
    expect(outcomes(await clean('stuck', null, false))).toEqual([
      ['db5', null, true],
      ['in5', behind, false],
      ['mid5', behind, false],
      ['top5', expect.stringContaining('it is odd'), false],
      ['web5', null, true],
    ]);
    expect(restored).toEqual(['lane web5', 'lane db5']);
  });

  it('P8: is cleaned by levels where an older API asks', async () => {
    routed.set('front7', false).set('back7', true);
    const found = ['front7', 'back7'].map((one, i) => {
      const at = { cluster: 'default', environment: 'prod', namespace: 'shop' };
      const { target, ...rest } = leftoverOf(one, 'lane', at);
      return { ...rest, target: { ...target, level: 1 - i } };
    });
    const request = { environment: 'prod', leftovers: found, by: 'ann', reason: 'lost' };
    const ask = (workflowId: string): Promise<unknown> =>
      workflows().execute('clean', { workflowId, taskQueue: queue, args: [request] });
    await expect(ask('clean/prod/older')).resolves.toMatchObject([
      { application: 'front7', left: expect.stringContaining('it is odd') as string },
      { application: 'back7', left: expect.stringMatching(/^front7 may still lead/) as string },
    ]);
    routed.set('front7', true);
    await expect(ask('clean/prod/older-2')).resolves.toMatchObject([{ left: null }, { left: null }]);
    expect(restored).toEqual(['lane front7', 'lane back7']);
    await record(new Client({ connection }), 'clean/prod/older-2', 'cleaned-by-levels');
  });

  it('P1: has the time of a drain behind each way in, and only there', async () => {
    await lanesIn('ways', { a6: ['b6'], b6: ['c6'], c6: [], d6: ['e6'], e6: [] });
    for (const name of ['a6', 'b6', 'c6', 'd6', 'e6']) routed.set(name, true);
    await clean('ways', null, false);
    const drain = 'requests with the tag of release lane end';
    const give = (name: string): string => `give ${name} back for release lane`;
    expect((await toldIn('ways')).slice(1, 8)).toEqual([
      give('a6'),
      drain,
      give('b6'),
      give('d6'),
      give('c6'),
      drain,
      give('e6'),
    ]);
  });
});

describe('what is left of applications that nobody declares there', () => {
  it('is found in the namespaces of those that are, and removed where its release has ended', async () => {
    await declare('web', prod);
    await declare('gone', prod);
    await start('release00003', 'gone', prod);
    await end('release00003');
    await temporal.removeApplication('gone', { by: 'ann', force: true });
    strays = [stray('gone', 'release00003'), stray('web', 'release00009')];
    left = [{ application: 'gone', release: 'release00003' }];
    const row = { application: 'gone', namespace: 'shop', state: 'ended', declared: false, left: null };
    const shown = await eventually('it to be gone from the list', async () => {
      looksAround = [];
      const view = await clean('prod');
      return looksAround[0]?.known.includes('gone') === true ? null : view;
    });
    expect(shown.items).toMatchObject([{ ...row, release: 'release00003', removed: [] }]);
    expect(looksAround).toEqual([{ ...shop, known: expect.arrayContaining(['web']) as string[] }]);
    expect(removed).toEqual([]);
    expect((await clean('prod', null, false)).items).toMatchObject([row]);
    expect(removed).toEqual(['release00003 gone']);
  });

  it('stays where its release is at work, and is told where nobody knows the release', async () => {
    await declare('web', prod);
    await start('release00004', 'web', prod);
    strays = [stray('lost', 'release00004'), stray('lost', 'release00005')];
    left = strays;
    const { items } = await clean('prod', null, false);
    expect(items).toMatchObject([
      { application: 'lost', release: 'release00005', state: 'unknown', declared: false, removed: [] },
    ]);
    expect(items[0]!.left).toMatch(/^lost is not declared there, and this server does not know the release/);
    expect(removed).toEqual([]);
    await end('release00004');
  });

  it('is found in a namespace that is named, also of an environment that nobody declares any more', async () => {
    const eu: Environment = { ...prod, name: 'far', namespace: 'there' };
    await declare('moved', eu);
    await start('release00006', 'moved', eu);
    await end('release00006');
    // Declared, but not there.
    await temporal.removeApplication('moved', { by: 'ann', force: true });
    await declare('moved', prod);
    strays = [stray('moved', 'release00006')];
    left = [{ application: 'moved', release: 'release00006' }];
    await expect(clean('far')).rejects.toMatchObject({ problem: { code: 'environment_not_declared' } });
    const { items } = await clean('far', { cluster: 'default', namespace: 'there' }, false);
    expect(items).toMatchObject([{ application: 'moved', namespace: 'there', declared: false, left: null }]);
    expect(removed).toEqual(['release00006 moved']);
  });

  it('is not known where no worker serves the cluster', async () => {
    const { items, unseen } = await clean('far', { cluster: 'eu', namespace: 'there' });
    expect(items).toEqual([]);
    expect(unseen).toEqual([
      { application: 'others in eu/there', why: `No worker takes up tasks of queue ${queue}-eu.` },
    ]);
  });
});
