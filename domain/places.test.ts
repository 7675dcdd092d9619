import { describe, expect, it } from 'vitest';
import type { Application, Environment, Strategy, TrafficSettings } from './application.js';
import { placeProblems } from './places.js';

const app = (name: string, place: Partial<Environment>, traffic?: TrafficSettings): Application => ({
  name,
  image: `r/${name}`,
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop', ...place }],
  ...(traffic === undefined ? {} : { traffic }),
});
const web = { workload: { name: 'web' } };
const problems = (applications: readonly Application[], strategy: Strategy | null = null) =>
  placeProblems({ applications, request: { environment: null, strategy } });

describe('two applications of a release in one place', () => {
  const at = { router: 'contour', route: 'web', service: 'web' } as const;
  const one = 'Deployment "web" in namespace "shop" of cluster "default"';
  it.each<[string, readonly Application[], string | null]>([
    ['one Deployment', [app('web', {}), app('c', { ...web, cluster: 'default' })], one],
    [
      'one Deployment, in environments of other names',
      [app('web', {}), app('c', { ...web, name: 'test' })],
      one,
    ],
    [
      'one Service at one route',
      [app('a', {}, at), app('c', {}, at)],
      'the share of Service "web" in namespace "shop" of cluster "default" at route "shop/web" (contour)',
    ],
    ['another Service at the route', [app('a', {}, at), app('c', {}, { ...at, service: 'c' })], null],
    ['another route for the Service', [app('a', {}, at), app('c', {}, { ...at, route: 'c' })], null],
    ['another cluster', [app('web', {}), app('c', { ...web, cluster: 'east' })], null],
    ['another namespace', [app('web', {}), app('c', { ...web, namespace: 'other' })], null],
    ['another Deployment', [app('a', {}), app('c', {})], null],
    ['no share that is moved', [app('a', { release: { strategy: 'rolling' } }, at), app('c', {}, at)], null],
  ])('%s', (_, applications, place) => {
    const [first, second] = applications.map(({ name, environments: [e] }) => `${name} in ${e!.name}`);
    expect(problems(applications)).toMatchObject(
      place === null
        ? []
        : [
            {
              code: 'place_shared',
              status: 422,
              pointer: '/applications/1/name',
              message: `${first} and ${second} would be released to one place: ${place}.`,
            },
          ],
    );
  });

  it('is one Deployment whatever is asked for, and no share where none is moved', () => {
    expect(problems([app('web', {}, at), app('c', web, { ...at, service: 'c' })], 'rolling')).toHaveLength(1);
    expect(problems([app('a', {}, at), app('c', {}, at)], 'rolling')).toEqual([]);
  });

  it('counts only where it is released to, and not on the way back', () => {
    const applications = [app('web', {}), app('c', { ...web, name: 'test' })];
    const request = { environment: null, strategy: null };
    expect(placeProblems({ applications, request: { ...request, environment: 'prod' } })).toEqual([]);
    const wayBack = { stages: [], warnings: [] };
    expect(placeProblems({ applications, request: { ...request, wayBack } })).toEqual([]);
  });
});
