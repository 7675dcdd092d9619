import { describe, expect, it } from 'vitest';
import { parseBody } from './body.js';
import { jsonErrorOffset, lineAndColumn } from './json-position.js';
import { nearest } from './nearest.js';
import { ProblemError, type Problem } from './problems.js';

function problemIn(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
  throw new Error('No problem was found.');
}

describe('parseBody', () => {
  it.each([
    ['application/json', '{"a": [1, "b"]}'],
    ['application/json; charset=utf-8', '{"a": [1, "b"]}'],
    ['application/yaml', 'a:\n  - 1\n  - b\n'],
    ['text/yaml', '# with a comment\na: [1, b]'],
    ['application/x-yaml', '{"a": [1, "b"]}'],
  ])('reads %s', (type, text) => {
    expect(parseBody(text, type)).toEqual({ a: [1, 'b'] });
  });

  it('takes an empty body for an empty object, whatever its type', () => {
    expect(parseBody(' \n', null)).toEqual({});
  });

  it.each([
    ['a comma too many', '{\n  "a": 1,\n}', 'line 3, column 1: unexpected "}"'],
    ['a missing comma', '{"a": 1 "b": 2}', 'line 1, column 9: unexpected "\\""'],
    ['a body that stops', '{"a": [1, 2', 'line 1, column 12: unexpected the end'],
    ['a bare word', '{"a": yes}', 'line 1, column 7: unexpected "y"'],
    ['something behind the end', '{} x', 'line 1, column 4: unexpected "x"'],
    ['a line break in a text', '{"a": "b\n"}', 'line 1, column 9: unexpected "\\n"'],
    ['a wrong escape', '{"a": "\\q"}', 'line 1, column 8: unexpected "\\\\"'],
  ])('says where JSON has %s', (_, text, detail) => {
    const problem = problemIn(() => parseBody(text, 'application/json'));
    expect(problem).toMatchObject({ code: 'malformed_body', status: 400 });
    expect(problem.detail).toBe(`The body cannot be parsed: ${detail}.`);
  });

  it.each([
    ['a key without its colon', 'a: 1\nb\nc: 2', 'line 2, column 1'],
    ['a list that stays open', 'a: [1, 2', 'line 1, column 9'],
    ['a key twice', 'a: 1\nb: 2\na: 3', 'line 3, column 1: Map keys must be unique'],
    ['a tab', 'a:\n\tb: 1', 'line 2, column 1'],
  ])('says where YAML has %s', (_, text, detail) => {
    const problem = problemIn(() => parseBody(text, 'application/yaml'));
    expect(problem).toMatchObject({ code: 'malformed_body', status: 400 });
    expect(problem.detail).toContain(detail);
  });

  it('refuses YAML whose aliases would fill the memory', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problemIn(() => parseBody(lines.join('\n'), 'application/yaml')).code).toBe('malformed_body');
  });

  it.each([null, 'text/plain', 'application/x-www-form-urlencoded'])('refuses the type %s', (type) => {
    expect(problemIn(() => parseBody('a=1', type))).toMatchObject({
      code: 'unsupported_media_type',
      status: 415,
    });
  });
});

describe('jsonErrorOffset', () => {
  it.each(['{}', '[]', ' [1, -2.5e3, "a\\u00e9\\n", true, null, {"a": {}}] ', '"x"', '0'])(
    'finds nothing wrong with %s',
    (text) => {
      expect(() => JSON.parse(text) as unknown).not.toThrow();
      expect(jsonErrorOffset(text)).toBeNull();
    },
  );

  it('does not overflow on a deep body', () => {
    expect(jsonErrorOffset('['.repeat(100_000))).toBeGreaterThan(0);
  });

  it('counts lines and columns from 1', () => {
    expect(lineAndColumn('ab\ncd', 4)).toEqual({ line: 2, column: 2 });
    expect(lineAndColumn('', 0)).toEqual({ line: 1, column: 1 });
  });
});

describe('nearest', () => {
  const known = ['name', 'image', 'environments', 'release', 'traffic'];
  it.each([
    ['a missing letter', 'enviroments', 'environments'],
    ['two letters swapped', 'imgae', 'image'],
    ['another case', 'Release', 'release'],
    ['a letter too many', 'traffics', 'traffic'],
    ['a word like no other', 'zebra', undefined],
    ['a short word that would match anything', 'x', undefined],
  ])('answers for %s', (_, word, like) => {
    expect(nearest(word, known)).toBe(like);
  });
});
