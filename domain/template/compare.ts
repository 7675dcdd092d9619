/** Comparisons as in Go, but that all numbers are of one kind. What is refused throws Refusal. */
import { Refusal } from './error.js';
import { isNothing, kindOf, type Value } from './values.js';

const scalars = ['a string', 'a number', 'a boolean'];

/** Nothing is the same as nothing, and as nothing else. */
export function same(a: Value, b: Value): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  comparable(a, b, scalars);
  return a === b;
}

export const before = (a: Value, b: Value): boolean => {
  comparable(a, b, ['a string', 'a number']);
  return (a as string | number) < (b as string | number);
};

function comparable(a: Value, b: Value, kinds: readonly string[]): void {
  const [one, other] = [kindOf(a), kindOf(b)];
  if (one !== other || !kinds.includes(one)) throw new Refusal(`cannot compare ${one} with ${other}`);
}
