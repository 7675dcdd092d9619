import { describe, expect, it } from 'vitest';
import type { Application } from '../domain/application.js';
import { failure } from '../domain/failures.js';
import { releaseInputs } from './inputs.js';
import { problemOf, ProblemError, type Problem } from './problems.js';
import type { Temporal } from './temporal/temporal.js';

const alice = { name: 'alice', roles: ['releaser'] } as const;

const app = (name: string, more: Partial<Application> = {}): Application => ({
  name,
  image: `r/${name}`,
  traffic: { router: 'contour' },
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  ...more,
});
const behind = (name: string, edge: string, more: Partial<Application> = {}): Application =>
  app(name, { traffic: { router: 'contour', edges: [edge] }, ...more });

/** What a release of those names is answered with, where these are declared; null: it is taken. */
async function problemOfRelease(
  names: readonly string[],
  declared: readonly Application[],
): Promise<Problem | null> {
  const readApplication: Temporal['readApplication'] = async (name) => {
    const application = declared.find((one) => one.name === name);
    const known = declared.map((one) => one.name);
    if (application === undefined)
      throw new ProblemError(problemOf(failure('application_unknown', { name, known })));
    const current = { version: 1, declaredAt: '', by: '', application };
    return { current, versions: [current], environments: [], history: [] };
  };
  const applications = names.map((name) => ({ name, image: `r/${name}:v2` }));
  const body = { applications, environment: null, strategy: null, lane: null, reason: '' };
  try {
    await releaseInputs({ readApplication }, 'r1', body, alice, true);
    return null;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
}

describe('applications in a circle', () => {
  it.each<[string, readonly string[], readonly Application[], string]>([
    [
      'by dependsOn',
      ['a', 'c'],
      [app('a', { dependsOn: ['c'] }), app('c', { dependsOn: ['a'] })],
      'a -> c -> a',
    ],
    [
      'by an edge that is called',
      ['a', 'c'],
      [app('a'), behind('c', 'a', { dependsOn: ['a'] })],
      'a -> c -> a',
    ],
    ['by the edges of both', ['a', 'c'], [behind('a', 'c'), behind('c', 'a')], 'a -> c -> a'],
    [
      'by the edge of one that is released alone',
      ['c'],
      [app('a'), app('b', { dependsOn: ['a'] }), behind('c', 'a', { dependsOn: ['b'] })],
      'c -> b -> a -> c',
    ],
    [
      'by the edges of one that is released alone, and of that',
      ['c'],
      [behind('a', 'c'), behind('c', 'a')],
      'c -> a -> c',
    ],
  ])('%s are refused with the circle', async (_, names, declared, circle) => {
    expect(await problemOfRelease(names, declared)).toMatchObject({
      status: 422,
      code: 'call_cycle',
      detail: `The applications depend on each other in a circle: ${circle}.`,
      errors: [
        {
          pointer: '/applications',
          remedy: expect.stringContaining('Take one of them out of dependsOn or traffic.edges'),
        },
      ],
    });
  });

  it('are none where an edge leads to what it calls, released alone or with it', async () => {
    const declared = [app('a', { dependsOn: ['b'] }), app('b', { dependsOn: ['c'] }), behind('c', 'a')];
    expect(await problemOfRelease(['c'], declared)).toBeNull();
    expect(await problemOfRelease(['a', 'c'], declared)).toBeNull();
  });
});

it('a member that nobody declared is told with its place in the body', async () => {
  expect(await problemOfRelease(['a', 'nobody'], [app('a')])).toMatchObject({
    status: 404,
    code: 'application_unknown',
    errors: [
      {
        pointer: '/applications/1/name',
        code: 'application_unknown',
        message: 'There is no application "nobody"; known: a.',
        remedy: 'Declare it first: sluice apply -f nobody.yaml',
      },
    ],
  });
});
