import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import type { Calls } from './chain.js';
import { circleIn, edgeProblems } from './edge.js';

const traffic = { router: 'gateway-api' } as const;
const app = (name: string, more: Partial<Application> = {}): Application => ({
  name,
  image: `r/${name}`,
  traffic,
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  ...more,
});
const behind = (name: string, ...edges: string[]): Application =>
  app(name, { traffic: { ...traffic, edges } });

describe('an edge that cannot be one', () => {
  const { traffic: _, ...silent } = app('a');
  const ingress = app('a', { traffic: { router: 'ingress', controller: 'mse' } });
  const elsewhere = app('a', { environments: [{ name: 'test', type: 'test', namespace: 'shop' }] });
  it.each([
    { why: 'it is not declared.', known: [] },
    { why: 'it has no environment "prod".', known: [elsewhere] },
    { why: 'it has no traffic in prod.', known: [silent] },
    { why: 'it is at an Ingress in prod, which has room for a share of its own only.', known: [ingress] },
  ])('$why', ({ why, known }) => {
    const problems = edgeProblems([behind('c', 'a')], null, new Map(known.map((a) => [a.name, a])));
    expect(problems).toMatchObject([{ code: 'edge_unfit', pointer: '/traffic/edges', status: 422 }]);
    expect(problems[0]?.message).toBe(`The share of "c" cannot be moved at "a": ${why}`);
  });

  it('is none in another environment than the one that is asked for', () => {
    expect(edgeProblems([behind('c', 'a')], 'test', new Map())).toEqual([]);
  });
});

describe('circleIn', () => {
  const both = [app('a'), behind('c', 'a')];
  const test = app('c', {
    environments: [
      { name: 'test', type: 'test', namespace: 'shop', traffic: { edges: ['a'] } },
      { name: 'prod', type: 'prod', namespace: 'shop' },
    ],
  });
  it.each<[string, readonly Application[], Calls, readonly string[], readonly string[] | null]>([
    ['an edge that leads there has none, declared twice or not', both, { a: ['c'] }, ['prod'], null],
    ['an edge that is called', both, { c: ['a'] }, ['prod'], ['c', 'a', 'c']],
    [
      'an edge that is called by what is called',
      both,
      { c: ['b'], b: ['a'] },
      ['prod'],
      ['c', 'b', 'a', 'c'],
    ],
    [
      'two that are the edge of each other',
      [behind('a', 'c'), behind('c', 'a')],
      {},
      ['prod'],
      ['c', 'a', 'c'],
    ],
    ['one that is its own edge', [behind('c', 'c')], {}, ['prod'], ['c', 'c']],
    ['an edge of one environment', [app('a'), test], { c: ['a'] }, ['prod', 'test'], ['c', 'a', 'c']],
    ['an edge of an environment that is not asked for', [app('a'), test], { c: ['a'] }, ['prod'], null],
  ])('%s', (_, applications, calls, environments, circle) => {
    expect(circleIn(['c'], calls, applications, environments)).toEqual(circle);
  });
});
