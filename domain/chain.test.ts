import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cycleIn, innerOf, levelsOf, type Calls } from './chain.js';

const chain: Calls = { a: ['b'], b: ['c'], c: [] };

describe('cycleIn', () => {
  it.each<[string, Calls, readonly string[] | null]>([
    ['a chain has none', chain, null],
    ['a diamond has none', { a: ['b', 'c'], b: ['d'], c: ['d'] }, null],
    ['an application that calls itself', { a: ['a'] }, ['a', 'a']],
    [
      'a circle further down is named without the way to it',
      { a: ['b'], b: ['c'], c: ['b'] },
      ['b', 'c', 'b'],
    ],
  ])('%s', (_, calls, cycle) => {
    expect(cycleIn(['a'], calls)).toEqual(cycle);
  });
});

describe('levelsOf', () => {
  it.each<[string, readonly string[], Calls, Record<string, number>]>([
    ['one application alone', ['a'], chain, { a: 0 }],
    ['called before caller, in whatever order they are named', ['a', 'c', 'b'], chain, { a: 2, b: 1, c: 0 }],
    ['through one that is not released', ['a', 'c'], chain, { a: 1, c: 0 }],
    ['side by side where none calls the other', ['x', 'y'], {}, { x: 0, y: 0 }],
    ['in some order in a circle', ['a', 'b'], { a: ['b'], b: ['a'] }, { a: 2, b: 1 }],
    ['a name that objects have anyway', ['constructor'], {}, { constructor: 0 }],
  ])('%s', (_, members, calls, levels) => {
    expect(Object.fromEntries(levelsOf(members, calls))).toEqual(levels);
  });

  it('puts every called member below its caller, in any graph without a cycle', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    // Calls lead to later names only, so there is no cycle.
    const graph = fc.tuple(...names.map((_, i) => fc.subarray(names.slice(i + 1))));
    fc.assert(
      fc.property(graph, fc.subarray(names, { minLength: 1 }), (called, members) => {
        const calls = Object.fromEntries(names.map((name, i) => [name, called[i]!]));
        expect(cycleIn(names, calls)).toBeNull();
        const levels = levelsOf(members, calls);
        for (const name of members)
          for (const other of calls[name]!.filter((c) => members.includes(c)))
            expect(levels.get(name)!).toBeGreaterThan(levels.get(other)!);
      }),
    );
  });
});

describe('innerOf', () => {
  it.each<[string, readonly string[], Calls, readonly string[]]>([
    ['one application alone is its own entry', ['c'], chain, []],
    ['what another member leads to, through one that is not released', ['a', 'c'], chain, ['c']],
    ['none where nobody calls another', ['x', 'y'], {}, []],
  ])('%s', (_, members, calls, inner) => {
    expect([...innerOf(members, calls)]).toEqual(inner);
  });
});
