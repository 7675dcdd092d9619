import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput, Strategy } from './application.js';
import type { Calls } from './chain.js';
import { entryProblems, laneProblems, stampProblems } from './lane.js';
import { computePlan, type Plan, type PlanInput } from './plan.js';
import type { IngressController } from './traffic.js';

const application = (name: string, release: ReleaseInput = {}, environments = ['prod']): Application => ({
  name,
  image: `r/${name}`,
  release,
  environments: environments.map((e) => ({ name: e, type: 'prod', namespace: e })),
});
const problems = (applications: readonly Application[], lane: string | null = null): string[] =>
  laneProblems({ applications, request: { environment: null, strategy: null, lane } }).map((p) => p.message);

describe('laneProblems', () => {
  it('has none for one application, and for several with the same lane', () => {
    expect(problems([application('a', { lane: 'x' })])).toEqual([]);
    expect(problems([application('a'), application('c')])).toEqual([]);
  });

  it('names the environment and every lane', () => {
    expect(problems([application('a'), application('c', { lane: 'blue' })])).toEqual([
      'In prod the applications have different lanes: a has gray (x-lane: gray); c has blue (x-lane: blue).',
    ]);
  });

  it('one lane for the release is enough, unless the headers differ', () => {
    expect(problems([application('a'), application('c', { lane: 'blue' })], 'green')).toEqual([]);
    const other = application('c', { tag: { header: 'x-mse-tag' } });
    expect(problems([application('a'), other], 'green')).toHaveLength(1);
  });

  it('applications that meet in no environment may differ', () => {
    expect(problems([application('a', {}, ['test']), application('c', { lane: 'blue' }, ['prod'])])).toEqual(
      [],
    );
  });
});

describe('a strict lane', () => {
  const strict: ReleaseInput = { tag: { strict: true } };
  const calling = (name: string, dependsOn: readonly string[], release: ReleaseInput = {}): Application => ({
    ...application(name, release),
    dependsOn,
    traffic: { router: 'contour' },
  });
  let strategy: Strategy | null = null;
  const found = (...applications: Application[]) => {
    const calls = { a: ['b'], b: ['c'], c: [] };
    return laneProblems({ applications, calls, request: { environment: null, strategy, lane: null } });
  };

  it('names all that its requests come through and that is not released with it', () => {
    const [problem, ...others] = found(calling('a', ['b'], strict), calling('c', []));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'lane_incomplete', status: 422, pointer: '/applications' });
    expect(problem?.message).toContain('the lane of "a" is strict, but its requests come through b, too.');
  });

  it('has its edges too', () => {
    const behind = { ...calling('c', [], strict), traffic: { router: 'contour', edges: ['a'] } as const };
    expect(found(behind)[0]?.message).toContain('come through a, b, too.');
  });

  it('is not whole with one that is rolled; where all are, there is no lane', () => {
    const [a, b, c] = [calling('a', ['b'], strict), calling('b', ['c']), calling('c', [])];
    expect(found(a, b, { ...c, release: { strategy: 'rolling' } })[0]?.message).toContain(
      'come through c (rolled), too.',
    );
    strategy = 'rolling';
    expect(found(a, c)).toEqual([]);
    strategy = null;
  });

  it('is whole with all of them; another lane need not be', () => {
    expect(found(calling('a', ['b'], strict), calling('b', ['c']), calling('c', []))).toEqual([]);
    expect(found(calling('a', ['b']), calling('c', []))).toEqual([]);
  });
});

const seen = {
  exists: true,
  stableImage: null,
  stableDigest: null,
  replicas: 1,
  readyReplicas: 1,
  container: 'app',
};
const image = { requested: 'v2', reference: 'r@sha256:2', digest: 'sha256:2', version: 'v2' };
const planOf = (specs: readonly Application[], calls: Calls, more: Partial<PlanInput> = {}): Plan =>
  computePlan({
    applications: specs.map((spec) => ({
      spec,
      image,
      observations: spec.environments.map((e) => ({
        ...seen,
        application: spec.name,
        environment: e.name,
      })),
    })),
    environment: null,
    strategy: null,
    lane: null,
    calls,
    ...more,
  });

describe('a plan warns', () => {
  const gray = (name: string): Application => ({ ...application(name), traffic: { router: 'contour' } });
  const calls = { a: ['b'], b: ['c'], c: [] };
  const warned = (plan: Plan): string[] => plan.warnings.filter((w) => !w.startsWith('The lane in prod'));

  it('of members that are rolled behind those of the lane', () => {
    expect(warned(planOf([gray('a'), gray('c')], calls))).toEqual([]);
    expect(warned(planOf([gray('c'), application('a')], calls))).toEqual([]);
    expect(warned(planOf([gray('a'), application('c')], calls))).toEqual([
      'In prod c is rolled with the promotion: until then requests of the lane meet its old version.',
    ]);
  });

  it('of callers that meet those whom they call in no environment', () => {
    const other = {
      ...gray('c'),
      environments: [{ name: 'production', type: 'prod', namespace: 'p' }] as const,
    };
    const apart = planOf([gray('a'), other], calls);
    expect(warned(apart)).toEqual([
      expect.stringContaining('a calls c, but they have no environment in common (prod; production)'),
    ]);
  });
});

describe('entryProblems', () => {
  const routed = (name: string, ...edges: string[]): Application => ({
    ...application(name),
    traffic: { router: 'contour', ...(edges.length === 0 ? {} : { edges }) },
  });

  it.each<[string, Plan, readonly string[]]>([
    ['one application alone has its own route', planOf([routed('c')], {}), []],
    ['the caller has the route where requests come in', planOf([routed('a'), routed('c')], { a: ['c'] }), []],
    ['an edge has it', planOf([routed('c', 'a')], {}, { edges: [routed('a')] }), []],
    ['no route, no share', planOf([application('a'), application('c')], {}), []],
    [
      'a circle has none',
      planOf([routed('a'), routed('c', 'a')], { c: ['a'] }),
      [
        'In prod requests come to a, c only through others of the release, none of which has a route where a share could be moved.',
      ],
    ],
    ['an application that is its own edge has none', planOf([routed('c', 'c')], {}), [expect.any(String)]],
    [
      'what they come through has no traffic, and a gray track all the same',
      planOf([application('a'), routed('c')], { a: ['c'] }, { strategy: 'gray' }),
      [expect.stringContaining('requests come to c only through others')],
    ],
  ])('%s', (_, plan, messages) => {
    expect(entryProblems(plan).map(({ message }) => message)).toEqual(messages);
  });

  it('has none for a rollback, which has to end', () => {
    const plan = planOf([routed('a'), routed('c', 'a')], { c: ['a'] });
    expect(entryProblems({ ...plan, rollbackOf: 'r1' })).toEqual([]);
  });
});

describe('stampProblems', () => {
  const problemsOf = (controller: IngressController, calls: Calls, release: ReleaseInput = {}): string[] => {
    const specs = ['a', 'c'].map((name): Application => ({
      ...application(name, release),
      traffic: { router: 'ingress', controller },
    }));
    return stampProblems(planOf(specs, calls)).map(({ message }) => message);
  };

  it('names each Ingress where requests of a lane come in and get no tag', () => {
    for (const controller of ['nginx', 'alb'] as const) {
      const problems = problemsOf(controller, { a: ['c'] });
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(
        `Ingress "a" cannot carry a gray release: requests of the lane come in here`,
      );
    }
  });

  it('has none where the controller puts the tag on, nor where none is needed, whoever enters', () => {
    const release = { tag: { enter: [{ cookie: 'beta', exact: 'always' }] } };
    expect(problemsOf('mse', { a: ['c'] })).toEqual([]);
    expect(problemsOf('higress', { a: ['c'] }, release)).toEqual([]);
    expect(problemsOf('nginx', {}, release)).toEqual([]);
  });
});
