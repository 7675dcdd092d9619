/** print, printf and quote as Go's fmt has them; where Go writes `%!d(string=a)` into the text, this throws Refusal. */
import { booleanIn, numberIn, textIn, wholeIn } from './check.js';
import { Refusal } from './error.js';
import { exact, printed, type Value } from './values.js';

/** Go puts a space between two of which none is a string. */
export function printedTogether(values: readonly Value[]): string {
  const isApart = (i: number): boolean =>
    i > 0 && typeof values[i] !== 'string' && typeof values[i - 1] !== 'string';
  return values.map((value, i) => `${isApart(i) ? ' ' : ''}${printed(value)}`).join('');
}

const known = ['%v', '%s', '%q', '%d', '%f', '%t', '%%'];

/** A verb of a format: `%-5.2f`. */
interface Verb {
  readonly whole: string;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly letter: string;
}

export function formatted(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replaceAll(
    /%([-+0]*)(\d{0,2})(?:\.(\d{0,2}))?([A-Za-z%]?)/g,
    (whole: string, flags: string, width: string, digits: string | undefined, letter: string) => {
      if (!known.includes(`%${letter}`)) throw new Refusal(`does not know ${whole}`, known);
      if (letter === '%') return '%';
      const value = values[next++];
      if (value === undefined) throw new Refusal(`has no argument for ${whole}`);
      const precision = digits === undefined ? undefined : Number(digits);
      return written({ whole, flags, width: Number(width), precision, letter }, value);
    },
  );
  if (next < values.length)
    throw new Refusal(`was given ${values.length} arguments behind the format and needs ${next}`);
  return text;
}

function written(verb: Verb, value: Value): string {
  const { whole, flags, width, letter } = verb;
  if (/[+0]/.test(flags) && letter !== 'd' && letter !== 'f')
    throw new Refusal(`knows + and 0 only with %d and %f, not ${whole}`);
  if (verb.precision !== undefined && letter !== 's' && letter !== 'f')
    throw new Refusal(`knows a precision only with %s and %f, not ${whole}`);
  const plain = body(verb, value);
  const signed = flags.includes('+') && !plain.startsWith('-') ? `+${plain}` : plain;
  const lacks = Math.max(0, width - Array.from(signed).length);
  if (flags.includes('-')) return signed + ' '.repeat(lacks);
  if (flags.includes('0')) return signed.replace(/^[+-]?/, (sign) => sign + '0'.repeat(lacks));
  return ' '.repeat(lacks) + signed;
}

function body({ letter, precision }: Verb, value: Value): string {
  if (letter === 'd') return printed(wholeIn(value));
  if (letter === 'f') return exact(numberIn(value)).toFixed(precision ?? 6);
  if (letter === 't') return String(booleanIn(value));
  if (letter === 'v') return printed(value);
  const text = textIn(value);
  return letter === 'q' ? quoted(text) : Array.from(text).slice(0, precision).join('');
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

/** As Go's %q; YAML reads it in the same way. */
export function quoted(value: string): string {
  const inner = value.replaceAll(
    /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
    (char) => escapes.get(char) ?? escaped(char.codePointAt(0)!),
  );
  return `"${inner}"`;
}

function escaped(code: number): string {
  const hex = (digits: number): string => code.toString(16).padStart(digits, '0');
  if (code < 0x80) return `\\x${hex(2)}`;
  return code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
