/** Values of a template as Go's text/template sees them: what counts as true, and how they are printed. */
import { Refusal } from './error.js';
import { limits } from './limits.js';

export type Value = string | number | boolean | null | Missing | readonly Value[] | Fields;

/** A map of the data. No plain object: names that users write never reach a prototype. */
export class Fields {
  constructor(
    /** In the order of their keys. */
    readonly entries: ReadonlyMap<string, Value>,
    /** Whether a key that is not there is an error at once, or counts as nothing. */
    readonly isClosed: boolean,
  ) {}
}

/** What is at a key that is not there, where that may be: it counts as nothing, and cannot be printed. */
export class Missing {
  constructor(
    /** As the template wrote it, `.values.tier`. */
    readonly path: string,
    /** What is there, written in the same way. */
    readonly known: () => readonly string[],
  ) {}
}

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
export const isNothing = (value: Value): value is null | Missing =>
  value === null || value instanceof Missing;

/** False, zero, nothing, and what has no elements are not true. */
export function isTrue(value: Value): boolean {
  if (isNothing(value)) return false;
  if (isList(value)) return value.length > 0;
  return value instanceof Fields ? value.entries.size > 0 : Boolean(value);
}

/** For people, with its article. */
export function kindOf(value: Value): string {
  if (isNothing(value)) return 'nothing';
  if (isList(value)) return 'a list';
  return value instanceof Fields ? 'a map' : `a ${typeof value}`;
}

/** As Go's fmt prints it with %v. */
export function printed(value: Value): string {
  if (isNothing(value)) return '<nil>';
  if (isList(value)) return `[${value.map(printed).join(' ')}]`;
  if (value instanceof Fields) {
    const pairs = [...value.entries].map(([key, of]) => `${key}:${printed(of)}`);
    return `map[${pairs.join(' ')}]`;
  }
  return typeof value === 'number' ? printedNumber(value) : String(value);
}

/** Whole numbers as Go prints an int, others as it prints a float64, with an exponent from 1e6 on and below 1e-4. */
function printedNumber(value: number): string {
  if (Number.isInteger(exact(value))) return String(value);
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`;
}

/** JavaScript has rounded a larger one long before it comes here; what would be written is not what was meant. */
export function exact(value: number): number {
  if (Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))) return value;
  throw new Refusal(`cannot write the number ${value} exactly: give it as a string`);
}

/** As JSON with the keys in order, and as Go writes it: safe within HTML. */
export function json(value: Value): string {
  if (isNothing(value)) return 'null';
  if (isList(value)) return `[${value.map(json).join(',')}]`;
  if (value instanceof Fields)
    return `{${[...value.entries].map(([key, of]) => `${json(key)}:${json(of)}`).join(',')}}`;
  const text = JSON.stringify(typeof value === 'number' ? exact(value) : value);
  return text.replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

/** About how many characters it takes to write it. */
export function sizeOf(value: Value, depth = 0): number {
  if (depth > limits.nesting) throw new Refusal(`is nested deeper than ${limits.nesting} levels`);
  if (typeof value === 'string') return value.length + 1;
  if (isList(value)) return sum(value, depth);
  if (value instanceof Fields)
    return sum([...value.entries.keys()], depth) + sum([...value.entries.values()], depth);
  return 1;
}

/** Stops early: lists that hold the same list many times are larger than what they take in memory. */
function sum(values: readonly Value[], depth: number): number {
  let size = 1;
  for (const value of values) {
    size += sizeOf(value, depth + 1);
    if (size > limits.output) throw new Refusal(`would take more than ${limits.output} characters`);
  }
  return size;
}
