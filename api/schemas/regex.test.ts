import { describe, expect, it } from 'vitest';
import { regexProblem } from './regex.js';

describe('a regular expression for proxies', () => {
  it.each([
    'a|b',
    '[0-9]+',
    'qa-.*',
    '^(?:x|y){2,1000}$',
    '(a)(b)',
    '\\d\\D\\w\\W\\s\\S\\b\\B\\t\\n\\r\\f\\v',
    '\\.\\-\\/\\(\\?=\\[\\]',
    '\\x41[\\x42-\\x43]',
    '[(?=]',
    '[^\\]\\\\]+',
    '\\\\1',
    'a{,5}',
  ])('may be %s', (regex) => expect(regexProblem(regex)).toBeNull());

  it.each([
    ['', /is empty/],
    ['(', /is none: .*[Uu]nterminated group/],
    ['a**', /is none: .*[Nn]othing to repeat/],
    ['[b-a]', /is none: /],
    ['(?i)a', /is none: /],
    ['a(?=b)', /looks around/],
    ['a(?!b)', /looks around/],
    ['(?<=a)b', /looks around/],
    ['(?<!a)b', /looks around/],
    ['(?<name>a)', /names a group/],
    ['(a)\\1', /refers back to a group/],
    ['\\k', /refers back to a group/],
    ['\\u0041', /has an escape that RE2 does not know \(\\u\)/],
    ['[\\cA]', /has an escape that RE2 does not know/],
    ['\\x4', /without two hexadecimal digits/],
    ['a[]', /class of no characters/],
    ['[^]', /class of no characters/],
    ['a{1001}', /repeats more than 1000 times/],
    ['a{2,2000}', /repeats more than 1000 times/],
  ])('is refused: %s', (regex, why) => {
    const problem = regexProblem(regex);
    expect(problem?.message).toMatch(why);
    expect(problem?.remedy).toMatch(/\.$/);
  });
});
