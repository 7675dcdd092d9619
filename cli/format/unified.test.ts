import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from './unified.js';

const diff = (from: string, to: string): string[] => unifiedDiff(from, to, ['a', 'b']);
const numbered = (changed: Readonly<Record<number, string>>): string =>
  Array.from({ length: 20 }, (_, i) => `${changed[i] ?? `line ${i}`}\n`).join('');

describe('a unified diff', () => {
  it('is empty for the same text', () => {
    expect(diff('a\n', 'a\n')).toEqual([]);
    expect(diff('', '')).toEqual([]);
  });

  it.each([
    ['one line', numbered({ 5: 'new' }), ['@@ -3,7 +3,7 @@']],
    ['two changes apart', numbered({ 2: 'x', 15: 'y' }), ['@@ -1,6 +1,6 @@', '@@ -13,7 +13,7 @@']],
    ['two changes that share their surroundings', numbered({ 5: 'x', 9: 'y' }), ['@@ -3,11 +3,11 @@']],
  ])('has a hunk for %s', (_, to, hunks) => {
    expect(diff(numbered({}), to).filter((line) => line.startsWith('@@'))).toEqual(hunks);
  });

  it('says what goes before what comes', () => {
    expect(diff('a\nb\nc\n', 'a\nx\nc\n')).toEqual([
      '--- a',
      '+++ b',
      '@@ -1,3 +1,3 @@',
      ' a',
      '-b',
      '+x',
      ' c',
    ]);
  });

  it('makes the one text of the other', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (from, to) => {
        expect(patched(from, diff(from, to))).toBe(to);
      }),
    );
  });
});

/** As `patch` does it: every line that stays or goes has to be where the diff says. */
function patched(text: string, written: readonly string[]): string {
  const from = text.split('\n').slice(0, -1);
  const to: string[] = [];
  let at = 0;
  const must = (is: unknown, says: unknown): void => {
    if (is !== says) throw new Error(`${String(is)} where the diff says ${String(says)}`);
  };
  for (const line of written.slice(2)) {
    const hunk = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1);
      to.push(...from.slice(at, start));
      at = start;
      must(to.length, Number(hunk[3]) - (hunk[4] === '0' ? 0 : 1));
      continue;
    }
    if (!line.startsWith('+')) must(from[at++], line.slice(1));
    if (!line.startsWith('-')) to.push(line.slice(1));
  }
  return [...to, ...from.slice(at)].map((line) => `${line}\n`).join('');
}
