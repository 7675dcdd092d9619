import { expect, it } from 'vitest';
import { cutTo, fitTo, Screen } from './screen.js';

it.each([
  ['a short line stays', 'abc', 5, 'abc'],
  ['a long line is cut', 'abcdef', 3, 'abc'],
  ['colours count nothing and are closed', '\u001B[31mabcdef\u001B[39m', 3, '\u001B[31mabc\u001B[39m'],
])('%s', (_, line, columns, cut) => {
  expect(cutTo(line, columns)).toBe(cut);
});

it('draws over what it drew before', () => {
  let written = '';
  const screen = new Screen({ columns: 80, write: (text) => (written += text) });
  screen.draw(['a', 'b']);
  written = '';
  screen.draw(['c']);
  expect(written).toBe('\u001B[2A\rc\u001B[K\n\u001B[J');
  screen.clear();
  expect(written.endsWith('\u001B[1A\r\u001B[J')).toBe(true);
});

const steps = ['head', 'plan', '', '✓ 1', '✓ 2', '✓ 3', '▶ 4', '· 5', '· 6', '· 7'];

it.each([
  ['what fits stays', steps, 10, steps],
  ['the running step stays in the middle', steps, 5, ['head', 'plan', '✓ 3', '▶ 4', '· 5']],
  ['the end stays where nothing runs', ['head', 'plan', 'a', 'b', 'c'], 4, ['head', 'plan', 'b', 'c']],
])('in a low terminal %s', (_, lines, height, shown) => {
  expect(fitTo(lines, height)).toEqual(shown);
});
