import { expect, it } from 'vitest';
import { cutTo, Screen } from './screen.js';

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
