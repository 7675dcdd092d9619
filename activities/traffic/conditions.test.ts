import { describe, expect, it } from 'vitest';
import type { Condition, Way } from '../../domain/enter.js';
import { askedOf, isSameWay, patternOf, wayText, type Asked } from './conditions.js';

const only = (condition: Condition): Asked => askedOf([[condition]])[0]![0]!;
const matches = (condition: Condition, value: string): boolean =>
  new RegExp(`^(?:${patternOf(only(condition))})$`).test(value);

describe('what a condition asks of a proxy', () => {
  it.each<[Condition, Asked]>([
    [
      { header: 'X-User', exact: 'a.b' },
      { from: 'header', name: 'X-User', how: 'exact', value: 'a.b' },
    ],
    [
      { query: 'group', prefix: 'qa-' },
      { from: 'query', name: 'group', how: 'prefix', value: 'qa-' },
    ],
    [
      { query: 'debug', regex: '[0-9]+' },
      { from: 'query', name: 'debug', how: 'regex', value: '[0-9]+' },
    ],
    [
      { header: 'x-user', in: ['a'] },
      { from: 'header', name: 'x-user', how: 'exact', value: 'a' },
    ],
    [
      { header: 'x-user', in: ['a', 'b.c'] },
      { from: 'header', name: 'x-user', how: 'regex', value: 'a|b\\.c' },
    ],
    [
      { cookie: 'be.ta', exact: '1' },
      { from: 'header', name: 'cookie', how: 'regex', value: '(.*;\\s*)?be\\.ta=1(;.*)?' },
    ],
  ])('%j', (condition, asked) => expect(only(condition)).toEqual(asked));

  it.each<[Condition, string, string]>([
    [{ header: 'h', exact: 'a.b*(c)' }, 'a.b*(c)', 'axb*(c)'],
    [{ header: 'h', prefix: 'a+' }, 'a+1', 'aa1'],
    [{ header: 'h', in: ['a|b', '[c]'] }, 'a|b', 'b'],
    [{ header: 'h', in: ['a|b', '[c]'] }, '[c]', 'c'],
    [{ cookie: 'beta', exact: '1' }, 'beta=1', 'beta=10'],
    [{ cookie: 'beta', exact: '1' }, 'a=2; beta=1; c=3', 'a=2; xbeta=1; c=3'],
    [{ cookie: 'beta', exact: '1' }, 'a=2;beta=1', 'a=beta=1'],
    [{ cookie: 'beta', prefix: 'qa-' }, 'beta=qa-7; c=3', 'beta=q; c=qa-7'],
    [{ cookie: 'beta', in: ['1', '2'] }, 'a=2; beta=2', 'a=2; beta=3'],
    [{ cookie: 'beta', regex: 'a|b' }, 'beta=b; c=3', 'beta=c; d=b'],
    [{ cookie: 'beta', regex: '.*9' }, 'beta=89; c=3', 'beta=8; c=9'],
    [{ cookie: 'beta', regex: '[^x]+9' }, 'beta=89', 'beta=8; c=9'],
    [{ cookie: 'beta', regex: '\\D+\\W9' }, 'beta=a-9', 'beta=a; c=-9'],
    [{ cookie: 'beta', regex: '[.]\\.' }, 'beta=..', 'beta=a.'],
  ])('%j takes %s and not %s', (condition, yes, no) => {
    expect(matches(condition, yes)).toBe(true);
    expect(matches(condition, no)).toBe(false);
  });
});

describe('the ways to enter', () => {
  const country: Condition = { header: 'x-country', in: ['de', 'at'] };
  const debug: Condition = { query: 'debug', in: ['1', '2'] };
  const values = (most: number, ...all: Condition[]): string[] =>
    askedOf([all], most).map((asked) => asked.map(({ value }) => value).join(' '));

  it('ask for several values in one pattern, unless they are few enough', () => {
    expect(values(1, country)).toEqual(['de|at']);
    expect(values(2, country)).toEqual(['de', 'at']);
    expect(values(3, country, debug)).toEqual(['de|at 1|2']);
    expect(values(4, country, debug)).toEqual(['de 1', 'de 2', 'at 1', 'at 2']);
  });

  it('ask for a cookie of several values always in one pattern', () => {
    expect(askedOf([[{ cookie: 'a', in: ['1', '2'] }]], 4)).toHaveLength(1);
  });

  it('ask for each once', () => {
    const de: Condition = { header: 'x-country', exact: 'de' };
    expect(askedOf([[country], [de], [de, debug], [debug, de]], 2)).toHaveLength(4);
  });

  it.each<[string, Condition, Condition, number]>([
    ['a header in another case', { header: 'X-User', exact: 'a' }, { header: 'x-user', exact: 'a' }, 1],
    ['a prefix that is a pattern', { header: 'h', prefix: 'a.' }, { header: 'h', regex: 'a\\..*' }, 1],
    [
      'a parameter in another case, which may count',
      { query: 'A', exact: '1' },
      { query: 'a', exact: '1' },
      2,
    ],
  ])('ask for each once: %s', (_, one, other, ways) => expect(askedOf([[one], [other]])).toHaveLength(ways));

  const gray: Condition = { query: 'group', exact: 'gray' };
  it.each<[string, Way, Way, boolean]>([
    ['written alike', [gray], [{ query: 'group', exact: 'gray' }], true],
    ['of a name in another case', [{ header: 'X-A', exact: '1' }], [{ header: 'x-a', exact: '1' }], true],
    ['of a value that the other one lists', [gray], [{ query: 'group', in: ['blue', 'gray'] }], true],
    ['of one of many values', [{ query: 'a', in: ['1', '2'] }], [{ query: 'a', in: ['2', '3'] }], true],
    ['of a prefix that is a pattern', [{ query: 'a', prefix: 'b' }], [{ query: 'a', regex: 'b.*' }], true],
    ['of whom another portion enters', [gray, { percent: 30 }], [gray], true],
    ['of a cookie', [{ cookie: 'beta', exact: '1' }], [{ cookie: 'beta', in: ['1'] }], true],
    ['in another order', [country, gray], [gray, { header: 'X-Country', exact: 'at' }], true],
    ['of another value', [gray], [{ query: 'group', exact: 'blue' }], false],
    ['of another place', [gray], [{ header: 'group', exact: 'gray' }], false],
    ['of another cookie', [{ cookie: 'beta', exact: '1' }], [{ cookie: 'alpha', exact: '1' }], false],
    ['together with more', [gray], [gray, country], false],
    ['of which only one is', [gray, country], [gray, { header: 'x-country', exact: 'fr' }], false],
  ])('are the same or not: %s', (_, one, other, same) => {
    expect(isSameWay(one, other)).toBe(same);
    expect(isSameWay(other, one)).toBe(same);
  });

  it('are told to people in the words of the declaration', () => {
    expect(wayText([gray, country])).toBe('query "group" exact "gray" and header "x-country" in ["de","at"]');
  });
});
