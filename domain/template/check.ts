/** What functions take; another kind throws Refusal. */
import { Refusal } from './error.js';
import { isList, kindOf, type Value } from './values.js';

export function textIn(value: Value): string {
  if (typeof value === 'string') return value;
  throw new Refusal(`wants a string and was given ${kindOf(value)}; toString makes one`);
}

export function numberIn(value: Value): number {
  if (typeof value === 'number') return value;
  throw new Refusal(`wants a number and was given ${kindOf(value)}`);
}

export function wholeIn(value: Value): number {
  const number = numberIn(value);
  if (Number.isInteger(number)) return number;
  throw new Refusal(`wants a whole number and was given ${number}`);
}

export function booleanIn(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw new Refusal(`wants true or false and was given ${kindOf(value)}`);
}

export function listIn(value: Value): readonly Value[] {
  if (isList(value)) return value;
  throw new Refusal(`wants a list and was given ${kindOf(value)}`);
}
