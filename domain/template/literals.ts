/** Strings and numbers as Go writes them; what is refused throws Refusal. */
import { Refusal } from './error.js';

export function numberOf(text: string): number {
  if (!/^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text))
    throw new Refusal(`${text} is no number: only decimal ones are known, without a zero before them`);
  const value = Number(text);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw new Refusal(`${text} is too large: write it as a string`);
  return value;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
]);

/** What a string in " or ` says. */
export function stringOf(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner.replaceAll('\r', '');
  return inner.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gu,
    (escape: string, x?: string, u?: string, U?: string, char?: string) => {
      const hex = x ?? u ?? U;
      const found = hex === undefined ? escapes.get(char ?? '') : character(Number.parseInt(hex, 16));
      // \x80 and above is one byte in Go, which is no character.
      if (found === undefined || (x !== undefined && found > '\x7f'))
        throw new Refusal(`${escape} is no escape that is known; a string in \` needs none`);
      return found;
    },
  );
}

const character = (code: number): string | undefined =>
  code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : String.fromCodePoint(code);
