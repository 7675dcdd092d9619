import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput } from './application.js';
import type { Calls } from './chain.js';
import { laneProblems, stampProblems } from './lane.js';
import { computePlan } from './plan.js';
import type { IngressController } from './traffic.js';

const application = (name: string, release: ReleaseInput = {}, environments = ['prod']): Application => ({
  name,
  image: `r/${name}`,
  release,
  environments: environments.map((e) => ({ name: e, type: 'prod', namespace: e })),
});
const problems = (applications: readonly Application[], lane: string | null = null): string[] =>
  laneProblems({ applications, request: { environment: null, lane } }).map((p) => p.message);

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
  });
  const found = (...applications: Application[]) => {
    const calls = { a: ['b'], b: ['c'], c: [] };
    return laneProblems({ applications, calls, request: { environment: null, lane: null } });
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

  it('is whole with all of them; another lane need not be', () => {
    expect(found(calling('a', ['b'], strict), calling('b', ['c']), calling('c', []))).toEqual([]);
    expect(found(calling('a', ['b']), calling('c', []))).toEqual([]);
  });
});

describe('stampProblems', () => {
  const seen = {
    exists: true,
    stableImage: null,
    stableDigest: null,
    replicas: 1,
    readyReplicas: 1,
    container: 'app',
  };
  const image = { requested: 'v2', reference: 'r@sha256:2', digest: 'sha256:2', version: 'v2' };
  const problemsOf = (controller: IngressController, calls: Calls, release: ReleaseInput = {}): string[] => {
    const plan = computePlan({
      applications: ['a', 'c'].map((name) => ({
        spec: { ...application(name, release), traffic: { router: 'ingress', controller } },
        image,
        observations: [{ ...seen, application: name, environment: 'prod' }],
      })),
      environment: null,
      strategy: null,
      lane: null,
      calls,
    });
    return stampProblems(plan).map(({ message }) => message);
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
