/** Releases of several applications that make no sense: each is refused with the place and the remedy, and changes nothing. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Application, TagInput } from '../../domain/application.js';
import type { Answer } from '../rig/answer.js';
import { quick, World } from '../rig/world.js';

type Place = Readonly<Record<'pointer' | 'remedy', string>>;

function problemIn({ status, body }: Answer) {
  const { code, detail, errors = [] } = body as { code: string; detail: string; errors?: Place[] };
  return { status, code, detail, places: errors.map(({ pointer, remedy }) => ({ pointer, remedy })) };
}

describe('a release of several applications', () => {
  let one: World;
  let other: World;
  beforeAll(async () => {
    one = await World.create(inject('stack'), { name: 'one' });
    other = await World.create(inject('stack'), { name: 'other', beside: one });
  });
  afterAll(async () => {
    await other.close();
    await one.close();
  });

  const declare = (world: World, change: Partial<Application>) =>
    world.declare({ ...world.application(quick), ...change });
  const both = () => [one, other].map(({ applicationName: name }) => ({ name, image: 'v2' }));
  const ask = async (applications: readonly object[] = both(), body: object = {}) =>
    problemIn(await one.request('v2', { applications, ...body }));
  const routed = (world: World, edges: readonly World[]): Pick<Application, 'traffic'> => ({
    traffic: { ...world.application().traffic!, edges: edges.map((edge) => edge.applicationName) },
  });

  it('in a circle is refused with the circle', async () => {
    await declare(one, { dependsOn: [other.applicationName] });
    await declare(other, { dependsOn: [one.applicationName] });
    const names = [one, other, one].map((w) => w.applicationName).join(' -> ');
    const refused = {
      status: 422,
      code: 'call_cycle',
      detail: `The applications depend on each other in a circle: ${names}.`,
      places: [
        {
          pointer: '/applications',
          remedy: expect.stringContaining('Take one of them out of dependsOn or traffic.edges'),
        },
      ],
    };
    expect(await ask()).toEqual(refused);
    await declare(one, routed(one, [other]));
    await declare(other, routed(other, [one]));
    expect(await ask()).toEqual(refused);
    expect(await ask([both()[0]!])).toEqual(refused);
  });

  it('whose requests come in where there is no route is refused with those that would get no share', async () => {
    const { traffic: _, ...silent } = one.application(quick);
    await one.declare({ ...silent, dependsOn: [other.applicationName] });
    await declare(other, {});
    const { detail, ...refused } = await ask(both(), { strategy: 'gray' });
    expect(refused).toEqual({
      status: 422,
      code: 'release_refused',
      places: [
        {
          pointer: '/applications',
          remedy: expect.stringContaining('Give traffic to the application that requests come in at'),
        },
      ],
    });
    expect(detail).toContain(`In prod requests come to ${other.applicationName} only through others`);
  });

  it('that calls one that nobody declared is refused with its name', async () => {
    await declare(one, { dependsOn: ['nobody'] });
    await declare(other, {});
    const { detail, ...refused } = await ask();
    expect(refused).toEqual({
      status: 422,
      code: 'call_unknown',
      places: [{ pointer: '/applications', remedy: 'Declare it, or take it out of dependsOn.' }],
    });
    expect(detail).toContain(`"${one.applicationName}" depends on "nobody"`);
  });

  it('with different lanes is refused with both, and goes with one lane for all', async () => {
    await declare(one, {});
    await declare(other, { release: { ...quick, lane: 'blue' } });
    const { detail, ...refused } = await ask();
    expect(refused).toEqual({
      status: 422,
      code: 'release_refused',
      places: [
        { pointer: '/lane', remedy: expect.stringContaining('Name one lane for the release (--lane)') },
      ],
    });
    expect(detail).toContain('gray (x-lane: gray)');
    expect(detail).toContain('blue (x-lane: blue)');
    const plan = await one.call('POST', '/v1/plans', { applications: both(), lane: 'green' });
    expect(plan.status).toBe(200);
  });

  it('that leaves out one of a strict lane is refused with its name', async () => {
    await declare(one, {
      dependsOn: [other.applicationName],
      release: { ...quick, tag: { strict: true } },
    });
    await declare(other, {});
    const { detail, ...refused } = await ask([both()[0]!]);
    expect(refused).toEqual({
      status: 422,
      code: 'release_refused',
      places: [{ pointer: '/applications', remedy: expect.stringContaining('Release all of them together') }],
    });
    expect(detail).toContain(`is strict, but its requests come through ${other.applicationName}, too.`);
    expect((await one.call('POST', '/v1/plans', { applications: both() })).status).toBe(200);
  });

  it('one of which is to be in a cluster that no worker serves is refused with the place', async () => {
    const { environments } = other.application();
    await declare(one, {});
    await declare(other, { environments: environments.map((e) => ({ ...e, cluster: 'moon' })) });
    const { detail, ...refused } = await ask();
    expect(refused).toEqual({
      status: 422,
      code: 'release_refused',
      places: [
        {
          pointer: '/environments/0/cluster',
          remedy: expect.stringContaining('Add the cluster to a worker'),
        },
      ],
    });
    expect(detail).toContain(`cluster "moon" (${other.applicationName} in prod)`);
  });

  it('two of which are one Deployment, or one share of a route, is refused with both', async () => {
    const { environments, traffic, workload } = other.application();
    const [first, second] = [one, other].map(({ applicationName: name }) => `${name} in prod`);
    const place = {
      pointer: '/applications/1/name',
      remedy: expect.stringContaining('Release one of them only'),
    };
    await declare(one, { environments, workload: workload!, traffic: { ...traffic!, service: 'its-own' } });
    await declare(other, {});
    const same = await ask();
    expect(same).toMatchObject({ status: 422, code: 'release_refused' });
    expect(same.places).toContainEqual(place);
    expect(same.detail).toContain(
      `${first} and ${second} would be released to one place: Deployment "other"`,
    );
    await declare(one, { environments, workload: { name: 'its-own' }, traffic: traffic! });
    const shared = await ask();
    expect(shared.places).toContainEqual(place);
    expect(shared.detail).toContain('one place: the share of Service "other"');
  });

  it('that names one twice, or one that nobody declared, is refused with the place', async () => {
    const [first] = both();
    expect(await ask([first!, first!])).toMatchObject({
      status: 422,
      code: 'invalid_body',
      places: [{ pointer: '/applications/1/name', remedy: 'Rename one, or remove it.' }],
    });
    expect(await ask([first!, { name: 'nobody', image: 'v2' }])).toMatchObject({
      status: 404,
      code: 'application_unknown',
      places: [
        {
          pointer: '/applications/1/name',
          remedy: expect.stringContaining('Declare it first: sluice apply -f nobody.yaml'),
        },
      ],
    });
  });

  const tag = (fields: TagInput): Partial<Application> => ({ release: { tag: fields } });
  it.each<[string, (name: string, namespace: string) => Partial<Application>, string, string]>([
    ['depends on itself', (name) => ({ dependsOn: [name] }), '/dependsOn/0', 'Remove it.'],
    [
      'is its own edge',
      (name) => ({ traffic: { router: 'gateway-api', edges: [name] } }),
      '/traffic/edges/0',
      'Remove it; without edges the share is moved at the own route.',
    ],
    [
      'has two environments in one place',
      (_, namespace) => ({
        environments: ['test', 'prod'].map((name) => ({ name, type: 'prod', namespace })),
      }),
      '/environments/1',
      'Give it another namespace, cluster or workload.name.',
    ],
    [
      'has a header for a tag that proxies take off',
      () => tag({ header: 'connection' }),
      '/release/tag/header',
      'Choose a header that nothing else reads, such as x-lane.',
    ],
    [
      'lets in by a header with credentials',
      () => tag({ enter: [{ header: 'authorization', prefix: 'Bearer' }] }),
      '/release/tag/enter/0/header',
      'Choose a header that says who asks, such as x-user.',
    ],
  ])('is not begun with one that %s', async (_, change, pointer, remedy) => {
    const application = { ...one.application(quick), ...change(one.applicationName, one.namespace) };
    const { detail: _1, ...refused } = problemIn(await one.declare(application));
    expect(refused).toEqual({ status: 422, code: 'invalid_body', places: [{ pointer, remedy }] });
  });

  it.each([
    ['renders two objects', 2, '', 'it renders 2 objects, and has to render one Deployment.'],
    ['leaves its namespace', 1, ', namespace: elsewhere', 'it renders namespace "elsewhere"'],
  ])('is not begun with one whose template %s', async (_, count, more, why) => {
    const object = `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: one${more} }\nspec: { template: {} }\n`;
    const template = Array.from({ length: count }, () => object).join('---\n');
    const { detail, ...refused } = problemIn(await declare(one, { workload: { name: 'one', template } }));
    expect(refused).toEqual({
      status: 422,
      code: 'template_invalid',
      places: [{ pointer: '/workload/template', remedy: expect.stringContaining('Correct the template') }],
    });
    expect(detail).toContain(why);
  });
});
