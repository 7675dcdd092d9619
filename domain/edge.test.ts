import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import { edgeProblems, sharesAt } from './edge.js';

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

describe('where the share of a release is moved', () => {
  it.each([
    { what: 'alone: no turn but its own', applications: [app('a')], at: [] },
    { what: 'behind an edge: there', applications: [behind('c', 'a')], at: ['a'] },
    { what: 'a lane: at its entries', applications: [app('a', { dependsOn: ['c'] }), app('c')], at: ['a'] },
    { what: 'a lane with its edge: once', applications: [app('a'), behind('c', 'a')], at: ['a'] },
    { what: 'side by side: each its own', applications: [app('a'), app('d')], at: [] },
  ])('$what', ({ applications, at }) => {
    expect(sharesAt({ applications }, 'prod')).toEqual(at);
  });
});

describe('an edge that cannot be one', () => {
  const { traffic: _, ...silent } = app('a');
  const elsewhere = app('a', { environments: [{ name: 'test', type: 'test', namespace: 'shop' }] });
  it.each([
    { why: 'it is not declared.', known: [] },
    { why: 'it has no environment "prod".', known: [elsewhere] },
    { why: 'it has no traffic in prod.', known: [silent] },
  ])('$why', ({ why, known }) => {
    const problems = edgeProblems([behind('c', 'a')], null, new Map(known.map((a) => [a.name, a])));
    expect(problems).toMatchObject([{ code: 'edge_unfit', pointer: '/traffic/edges', status: 422 }]);
    expect(problems[0]?.message).toBe(`The share of "c" cannot be moved at "a": ${why}`);
  });

  it('is none in another environment than the one that is asked for', () => {
    expect(edgeProblems([behind('c', 'a')], 'test', new Map())).toEqual([]);
  });
});
