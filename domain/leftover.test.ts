import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../test/fakes/target.js';
import { declaredCalls } from './edge.js';
import { callersFirst, isOneLane, keptBehind, reachesOf, type Leftover } from './leftover.js';

const left = (application: string, release = 'r1'): Leftover => ({
  release,
  target: { ...exampleTarget(), application },
  objects: [],
  route: null,
  weight: 0,
  drainMs: 0,
});
const application = (name: string, ...dependsOn: string[]) => ({
  name,
  image: `registry.example/${name}`,
  dependsOn,
  environments: [],
});

const calls = declaredCalls([
  application('a', 'b'),
  application('b', 'c'),
  application('c'),
  application('d'),
]);

describe('what is left and the calls', () => {
  it('reaches others with a leftover only, also through one that left nothing', () => {
    expect(reachesOf([left('a'), left('c'), left('d')], calls)).toEqual({ a: ['c'], c: [], d: [] });
  });

  it('stays behind one in doubt, whoever that is, and nothing else does', () => {
    const found = [left('a'), left('b'), left('c'), left('d')];
    const kept = keptBehind(found, [{ application: 'b', why: 'is away' }], calls);
    expect([...kept].map(([one, why]) => [one.target.application, why])).toEqual([['c', 'b is away']]);
    expect(keptBehind(found, [{ application: 'nobody', why: 'is away' }], calls).size).toBe(0);
  });

  it('is of one lane by the release, or by the name of the lane', () => {
    const blue = (release: string): Leftover => ({
      ...left('a', release),
      target: { ...left('a').target, lane: 'blue' },
    });
    expect(isOneLane(left('a'), left('b', 'r2'))).toBe(true);
    expect(isOneLane(left('a'), blue('r1'))).toBe(true);
    expect(isOneLane(left('a'), blue('r2'))).toBe(false);
  });
});

describe('what is left is given back', () => {
  it('callers first, also through an application that left nothing', () => {
    const order = callersFirst([left('c'), left('a'), left('c', 'r2')], calls);
    expect(order.map((l) => [l.target.application, l.release])).toEqual([
      ['a', 'r1'],
      ['c', 'r1'],
      ['c', 'r2'],
    ]);
  });
});
