import { describe, expect, it } from 'vitest';
import { changed, everyField, type Path } from '../../test/fakes/application.js';
import { fieldErrors, pointerOf, type FieldError } from '../fields.js';
import { applicationSchema } from './application.js';

const at: Path = ['release', 'tag', 'enter'];
const root = pointerOf(at);

function errorsOf(body: unknown): readonly FieldError[] {
  const result = applicationSchema.safeParse(body);
  return result.success ? [] : fieldErrors(result.error.issues, applicationSchema, body);
}
const errorsIn = (enter: unknown): readonly FieldError[] => errorsOf(changed(everyField, at, enter));
const many = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ query: `q${i}`, exact: '1' }));

describe('who else enters', () => {
  it.each<[string, unknown]>([
    [
      'every place and every way to compare',
      [
        { header: 'a', exact: 'b' },
        { query: 'a', prefix: 'b' },
      ],
    ],
    ['a list of values', [{ cookie: 'a', in: ['b', 'c'] }]],
    ['a pattern', [{ query: 'a', regex: '^(?:a|b{1,3})[^;]\\d+\\.\\x41$' }]],
    ['as many as there may be', many(8)],
    ['several conditions', [{ all: many(4) }]],
    [
      'one place in several ways to enter',
      [
        { query: 'a', exact: 'b' },
        { query: 'a', exact: 'c' },
      ],
    ],
    [
      'a portion of what fulfils a condition, or several',
      [
        { query: 'a', exact: 'b', percent: 1 },
        { all: many(4), percent: 100 },
      ],
    ],
    ['a value with a space inside', [{ header: 'a', exact: 'two words' }]],
  ])('takes %s', (_, enter) => expect(errorsIn(enter)).toEqual([]));

  it.each<[sentence: string, enter: unknown, pointer: string, says: Partial<FieldError>]>([
    ['no way to enter', [], '', { expected: 'at least one way to enter' }],
    ['too many ways', many(9), '', { expected: 'at most 8 ways to enter' }],
    ['an object', { query: 'a', exact: 'b' }, '', { expected: 'a list' }],
    ['text', ['gray'], '/0', { found: '"gray"', expected: 'an object' }],
    [
      'no place',
      [{ exact: 'b' }],
      '/0',
      { expected: 'one of header, query, cookie', remedy: 'Add one of header, query, cookie.' },
    ],
    [
      'two places',
      [{ header: 'a', query: 'b', exact: 'c' }],
      '/0',
      {
        message: 'A condition has exactly one place to look at, this one has header and query.',
        remedy: 'Keep one of them.',
      },
    ],
    ['no way to compare', [{ query: 'a' }], '/0', { expected: 'one of exact, prefix, regex, in' }],
    ['two ways to compare', [{ query: 'a', exact: 'b', in: ['c'] }], '/0', { remedy: 'Keep one of them.' }],
    ['an unknown key', [{ query: 'a', exakt: 'b', exact: 'b' }], '/0/exakt', { nearest: 'exact' }],
    ['no value in a list', [{ query: 'a', in: [] }], '/0/in', { expected: 'at least one value' }],
    [
      'too many values',
      [{ query: 'a', in: Array.from({ length: 21 }, (_, i) => `${i}`) }],
      '/0/in',
      { expected: 'at most 20 values' },
    ],
    ['a value twice', [{ query: 'a', in: ['b', 'b'] }], '/0/in/1', { expected: 'each value once' }],
    ['a value that is a number', [{ query: 'a', exact: 1 }], '/0/exact', { expected: 'text' }],
    ['a value of nothing', [{ query: 'a', exact: '' }], '/0/exact', { found: '""' }],
    ['a value with a space at its end', [{ query: 'a', prefix: 'b ' }], '/0/prefix', { found: '"b "' }],
    ['a value with other letters', [{ query: 'a', in: ['b', 'ü'] }], '/0/in/1', { found: '"ü"' }],
    [
      'a cookie with a semicolon',
      [{ cookie: 'a', exact: 'b;c' }],
      '/0/exact',
      { expected: 'text without ";" and spaces' },
    ],
    [
      'a cookie with a space',
      [{ cookie: 'a', in: ['b', 'c d'] }],
      '/0/in/1',
      { expected: 'text without ";" and spaces' },
    ],
    ['a header with a space', [{ header: 'x user', exact: 'b' }], '/0/header', { found: '"x user"' }],
    ['a pseudo header', [{ header: ':path', exact: 'b' }], '/0/header', {}],
    [
      'a header that each proxy takes off',
      [{ header: 'TE', exact: 'b' }],
      '/0/header',
      { message: 'What lets a request in cannot be the header "TE": each proxy takes it off.' },
    ],
    [
      'a header that names the host',
      [{ all: [{ header: 'Host', exact: 'b' }] }],
      '/0/all/0/header',
      { remedy: 'Choose a header that says who asks, such as x-user.' },
    ],
    ['a header with credentials', [{ header: 'authorization', prefix: 'b' }], '/0/header', {}],
    [
      'a header of cookies',
      [{ header: 'cookie', exact: 'b' }],
      '/0/header',
      { remedy: 'Name one of them in enter, as cookie.' },
    ],
    ['a parameter with a bracket', [{ query: 'a[0]', exact: 'b' }], '/0/query', {}],
    ['a cookie with "="', [{ cookie: 'a=b', exact: 'c' }], '/0/cookie', {}],
    [
      'the header of the tag',
      [{ header: 'X-Lane', exact: 'b' }],
      '/0/header',
      {
        remedy: 'Remove this condition.',
        message: 'Requests enter by the tag\'s own header "x-lane" anyway.',
      },
    ],
    [
      'the header of the tag among others',
      [
        {
          all: [
            { query: 'a', exact: 'b' },
            { header: 'x-lane', exact: 'b' },
          ],
        },
      ],
      '/0/all/1/header',
      {},
    ],
    [
      'a way to enter twice',
      [{ header: 'A', exact: 'b' }, { all: [{ header: 'a', exact: 'b' }] }],
      '/1',
      { expected: 'each way once' },
    ],
    [
      'a way to enter twice in another order',
      [
        { query: 'a', in: ['b', 'c'] },
        { query: 'a', in: ['c', 'b'] },
      ],
      '/1',
      { remedy: 'Remove one of the two.' },
    ],
    [
      'a way to enter twice, of whom other portions enter',
      [
        { query: 'a', exact: 'b', percent: 10 },
        { query: 'a', exact: 'b', percent: 20 },
      ],
      '/1',
      { message: 'This way to enter is there twice.' },
    ],
    [
      'a portion of everything',
      [{ percent: 10 }],
      '/0',
      {
        message: 'A percentage of all requests is the share of a release.',
        remedy: 'Add a condition, or remove it and give release.steps the weight.',
      },
    ],
    ['no percent', [{ query: 'a', exact: 'b', percent: 0 }], '/0/percent', { found: '0' }],
    ['too many percent', [{ query: 'a', exact: 'b', percent: 101 }], '/0/percent', { found: '101' }],
    ['a part of a percent', [{ query: 'a', exact: 'b', percent: 0.5 }], '/0/percent', { found: '0.5' }],
    [
      'a portion of one of several conditions',
      [{ all: [{ query: 'a', exact: 'b', percent: 10 }] }],
      '/0/all/0/percent',
      {},
    ],
    ['nothing in all', [{ all: [] }], '/0/all', { expected: 'at least one condition' }],
    ['too much in all', [{ all: many(5) }], '/0/all', { expected: 'at most 4 conditions' }],
    [
      'all beside a condition',
      [{ query: 'a', exact: 'b', all: many(2) }],
      '/0',
      { remedy: 'Move the condition into all.' },
    ],
    [
      'a header twice in all',
      [
        {
          all: [
            { header: 'A', exact: 'b' },
            { header: 'a', prefix: 'b' },
          ],
        },
      ],
      '/0/all/1',
      { message: 'Two conditions ask for the same header "a".' },
    ],
    [
      'two cookies in all',
      [
        {
          all: [
            { cookie: 'a', exact: 'b' },
            { cookie: 'c', exact: 'd' },
          ],
        },
      ],
      '/0/all/1',
      { message: 'Two conditions ask for the same header "cookie".' },
    ],
    [
      'a wrong condition in all',
      [{ all: [{ query: 'a' }] }],
      '/0/all/0',
      { expected: 'one of exact, prefix, regex, in' },
    ],
    [
      'a regular expression that is none',
      [{ query: 'a', regex: '(' }],
      '/0/regex',
      { expected: 'RE2', remedy: 'Correct it.' },
    ],
    [
      'an empty regular expression',
      [{ query: 'a', regex: '' }],
      '/0/regex',
      { message: 'The regular expression is empty.' },
    ],
    [
      'a look ahead',
      [{ query: 'a', regex: 'a(?=b)' }],
      '/0/regex',
      { message: 'The regular expression looks around, which RE2 cannot ((?=).' },
    ],
  ])('refuses %s', (_, enter, pointer, says) => {
    const errors = errorsIn(enter);
    expect(errors.map((error) => error.pointer)).toEqual([`${root}${pointer}`]);
    expect(errors[0]).toMatchObject({
      ...says,
      message: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
      expected: expect.stringMatching(/./),
    });
  });

  it('looks for the header that the tag has there, wherever both are declared', () => {
    const named = (header: string | undefined, local: object): readonly string[] => {
      const own = { ...(header === undefined ? {} : { header }), enter: [{ header: 'x-shop', exact: '1' }] };
      const body = changed(everyField, ['release', 'tag'], own);
      return errorsOf(changed(body, ['environments', 1, 'release', 'tag'], local)).map((e) => e.pointer);
    };
    expect(named('x-shop', {})).toEqual(['/release/tag/enter/0/header']);
    expect(named(undefined, {})).toEqual([]);
    expect(named(undefined, { header: 'x-shop' })).toEqual(['/release/tag/enter/0/header']);
    expect(named('x-other', { enter: [{ header: 'x-other', exact: '1' }] })).toEqual([
      '/environments/1/release/tag/enter/0/header',
    ]);
    expect(named('x-other', { header: 'x-third', enter: [{ header: 'x-other', exact: '1' }] })).toEqual([]);
    const baggage = { enter: [{ header: 'baggage', prefix: 'a=b' }] };
    expect(named('x-other', baggage)).toEqual([]);
    expect(named('x-other', { ...baggage, baggage: 'lane' })).toEqual([
      '/environments/1/release/tag/enter/0/header',
    ]);
  });
});
