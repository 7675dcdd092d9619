import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../test/fakes/target.js';
import { declaredCalls } from './edge.js';
import { callersFirst, type Leftover } from './leftover.js';

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

describe('what is left is given back', () => {
  it('callers first, also through an application that left nothing', () => {
    const calls = declaredCalls([application('a', 'b'), application('b', 'c'), application('c')]);
    const order = callersFirst([left('c'), left('a'), left('c', 'r2')], calls);
    expect(order.map((l) => [l.target.application, l.release])).toEqual([
      ['a', 'r1'],
      ['c', 'r1'],
      ['c', 'r2'],
    ]);
  });
});
