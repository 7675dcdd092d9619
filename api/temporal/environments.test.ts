/** Environments over a real Temporal server and a worker with the real workflows; what stands in the clusters is told by the test. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Environment } from '../../domain/application.js';
import type { Live, Sight, SurveyErrand } from '../../domain/environment.js';
import type { ReleaseInputs, ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { eventually } from '../../test/rig/eventually.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import { connectTemporal } from './access.js';
import { sightsOf } from './sights.js';
import { openTemporal, type Temporal } from './temporal.js';

// Whoever shares the machine may slow a step down; nothing here waits for time to pass but for a worker that is not there.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const queue = 'environments-test';
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
/** What is in the clusters, and what happens while it is looked at. */
let survey: (errand: SurveyErrand) => Promise<readonly Sight[]>;

beforeAll(async () => {
  server = await startTemporalServer();
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  worker = await server.work(queue, workingActivities({ survey: (errand) => survey(errand) }));
  await eventually('a worker to poll', async () => (await temporal.unreadiness()) === null);
  await declare('web', prod);
  await declare('cart', { ...prod, name: 'edge' }, prod, { ...prod, name: 'test', type: 'test' });
  await declare('far', { ...prod, name: 'edge', cluster: 'eu' });
  await eventually('the list', async () => (await temporal.applicationNames()).length === 3);
});

afterAll(async () => {
  await worker.stop();
  await temporal.close();
  await server.stop();
});

const prod: Environment = { name: 'prod', type: 'prod', namespace: 'shop' };
const application = (name: string, ...environments: readonly Environment[]) => ({
  name,
  image: `r.example/${name}`,
  release: { approval: { required: false } },
  environments,
});
const declare = (name: string, ...environments: readonly Environment[]): Promise<unknown> =>
  temporal.declareApplication(application(name, ...environments), 'ann');

async function start(id: string, release: object = {}): Promise<void> {
  const inputs: ReleaseInputs = {
    id,
    request: {
      applications: [{ name: 'web', image: 'r.example/web:v1' }],
      environment: 'prod',
      strategy: null,
      lane: null,
      reason: '',
      initiator: 'ann',
    },
    applications: [{ ...application('web', prod), ...release }],
    planOnly: false,
  };
  await temporal.submitRelease(inputs, null);
}

const reaches = (id: string, phase: ReleaseView['phase']): Promise<ReleaseView> =>
  eventually(`release ${id} to be ${phase}`, async () => {
    const view = await temporal.readRelease(id);
    return view.phase === phase ? view : null;
  });

/** Ends a release, and waits until its application knows. */
async function abort(id: string): Promise<void> {
  await temporal.steer(id, 'abort', { by: { name: 'ann', roles: ['admin'] }, reason: 'test' });
  await isFree(id);
}

const isFree = (id: string): Promise<unknown> =>
  eventually(`the turn of ${id} to be over`, async () => {
    const { environments } = await temporal.readApplication('web');
    return environments.every((e) => e.running !== id && !e.queue.includes(id));
  });

const running = (digest: string): Live => ({
  stable: { name: 'web', image: `r.example/web@${digest}`, digest, replicas: 2, ready: 2 },
  gray: [],
});
const all =
  (live: Live) =>
  async ({ places }: SurveyErrand): Promise<readonly Sight[]> =>
    places.map((place) => ({ application: place.application, live, unseen: null }));
const rowOf = async (name: string) => {
  const { items } = await temporal.readEnvironment('prod', { limit: 200 });
  return items.find((row) => row.application === name);
};

it('lists what the applications declare, in pages', async () => {
  const whole = await temporal.listEnvironments({ limit: 200 });
  expect(whole).toEqual({
    items: [
      { name: 'edge', types: ['prod'], applications: 2, running: [], waiting: 0 },
      { name: 'prod', types: ['prod'], applications: 2, running: [], waiting: 0 },
      { name: 'test', types: ['test'], applications: 1, running: [], waiting: 0 },
    ],
    cursor: null,
  });
  const first = await temporal.listEnvironments({ limit: 2 });
  expect(first).toEqual({ items: whole.items.slice(0, 2), cursor: 'prod' });
  expect(await temporal.listEnvironments({ limit: 2, cursor: 'prod' })).toEqual({
    items: whole.items.slice(2),
    cursor: null,
  });
});

it('names the environments that are known, and the nearest', async () => {
  await expect(temporal.readEnvironment('prd', { limit: 50 })).rejects.toMatchObject({
    problem: {
      code: 'environment_not_declared',
      status: 404,
      detail: 'No application declares an environment "prd"; known: edge, prod, test.',
      remedy: expect.stringMatching(/^Did you mean "prod"\?/) as string,
    },
  });
});

it('answers the rest where no worker serves a cluster', async () => {
  survey = all({ stable: null, gray: [] });
  const { items } = await temporal.readEnvironment('edge', { limit: 200 });
  expect(items).toMatchObject([
    { application: 'cart', live: { stable: null, gray: [] }, unseen: null, drift: [] },
    {
      application: 'far',
      cluster: 'eu',
      live: null,
      unseen: `No worker takes up tasks of queue ${queue}-eu.`,
      released: null,
      running: null,
      drift: [],
    },
  ]);
});

it('answers the rest where the look itself goes wrong', async () => {
  survey = () => Promise.reject(new Error('the look went wrong'));
  expect((await temporal.readEnvironment('prod', { limit: 200 })).items).toMatchObject([
    { application: 'cart', live: null, unseen: expect.stringContaining('the look went wrong') as string },
    { application: 'web', live: null, drift: [] },
  ]);
});

it('answers the rest where Temporal does not take the workflow', async () => {
  const away = connectTemporal({ TEMPORAL_ADDRESS: '127.0.0.1:1' }, queue);
  const place = {
    application: 'web',
    cluster: 'default',
    namespace: 'shop',
    deployment: 'web',
    container: null,
  };
  const sights = await sightsOf(away, [place]);
  expect(sights('web')).toMatchObject({
    live: null,
    unseen: 'Temporal cannot be reached: it did not answer in time.',
  });
  await away.client.connection.close();
});

it('answers in pages, of which the one after the last is empty', async () => {
  survey = all({ stable: null, gray: [] });
  const first = await temporal.readEnvironment('test', { limit: 1 });
  expect(first).toMatchObject({ items: [{ application: 'cart', type: 'test' }], cursor: null });
  const page = await temporal.readEnvironment('prod', { limit: 1 });
  expect(page).toMatchObject({ items: [{ application: 'cart' }], cursor: 'cart' });
  expect(await temporal.readEnvironment('prod', { limit: 50, cursor: 'web' })).toMatchObject({
    items: [],
    cursor: null,
  });
});

it('says what was released, and how what runs differs from it', async () => {
  const id = 'release00001';
  await start(id);
  const { digest } = (await reaches(id, 'succeeded')).applications[0]!;
  await isFree(id);
  survey = all(running(digest!));
  expect(await rowOf('web')).toMatchObject({
    released: { release: id, version: 'v1', digest, by: 'ann' },
    running: null,
    waiting: 0,
    drift: [],
  });
  const other = `sha256:${'f'.repeat(64)}`;
  survey = all(running(other));
  expect((await rowOf('web'))?.drift).toEqual([
    `runs r.example/web@${other}, not what release ${id} left (${digest})`,
  ]);
});

it('says which release is at work, in which phase, and how many wait; what it does to stable is no drift', async () => {
  const [id, next] = ['release00002', 'release00003'];
  const release = { release: { approval: { required: true } } };
  await start(id, release);
  await reaches(id, 'waiting_for_approval');
  await start(next, release);
  survey = all(running(`sha256:${'f'.repeat(64)}`));
  const row = await eventually('the phase to be known', async () => {
    const found = await rowOf('web');
    return found?.running?.phase === 'waiting_for_approval' && found.waiting === 1 ? found : null;
  });
  expect(row).toMatchObject({ running: { release: id, since: expect.any(String) as string }, drift: [] });
  const { items } = await temporal.listEnvironments({ limit: 50 });
  expect(items.find((e) => e.name === 'prod')).toMatchObject({ running: [id], waiting: 1 });
  await abort(next);
  await abort(id);
});

it('does not take for drift what a release began while it was looked at', async () => {
  const id = 'release00004';
  const track = { name: 'web-gray', image: null, digest: null, replicas: 1, ready: 1, lane: 'gray' };
  const stable = (await temporal.readApplication('web')).environments[0]!.digest!;
  const gray = [{ ...track, release: id }];
  survey = async (errand) => {
    await start(id, { release: { approval: { required: true } } });
    await reaches(id, 'waiting_for_approval');
    return all({ ...running(stable), gray })(errand);
  };
  expect(await rowOf('web')).toMatchObject({ running: { release: id }, drift: [] });
  survey = all({ ...running(stable), gray });
  await abort(id);
  expect((await rowOf('web'))?.drift).toEqual([
    `a gray Deployment web-gray of release ${id} stands although no release is at work`,
  ]);
});

it('derives lanes from the gray tracks that stand, with what their releases say', async () => {
  const id = 'release00005';
  const traffic = { router: 'istio', entry: 'http://web.example/' };
  await start(id, { traffic, release: { approval: { required: true }, drain: '0s' } });
  await reaches(id, 'waiting_for_approval');
  const track = { name: 'web-gray', image: null, digest: null, replicas: 2, ready: 1, lane: 'gray' };
  const { stable } = running(`sha256:${'f'.repeat(64)}`);
  survey = async ({ places }) =>
    places.map(({ application: name }) => {
      const gray = name === 'web' ? [{ ...track, release: id }] : [];
      return { application: name, live: { stable, gray }, unseen: null };
    });
  const lists = [await temporal.listLanes('prod'), await temporal.listLanes()];
  for (const { items } of lists)
    expect(items).toMatchObject([
      {
        environment: 'prod',
        names: ['gray'],
        tag: 'x-lane: gray',
        entries: [{ application: 'web', router: 'istio', route: 'web', url: 'http://web.example/' }],
        members: [
          {
            application: 'web',
            version: 'v1',
            ready: 1,
            release: id,
            phase: 'waiting_for_approval',
            share: 0,
          },
        ],
        baseline: [],
      },
    ]);
  const far = { environment: 'edge', application: 'far', why: expect.any(String) as string };
  expect(lists.map((list) => list.unseen)).toEqual([[], [far]]);
  await abort(id);
  survey = all({ stable, gray: [] });
  expect((await temporal.listLanes('prod')).items).toEqual([]);
  await expect(temporal.listLanes('prd')).rejects.toMatchObject({
    problem: { code: 'environment_not_declared', remedy: expect.stringContaining('"prod"') as string },
  });
});
