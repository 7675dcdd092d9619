/** Fields and elements of values; what is not there throws Refusal with what is. */
import { numberIn, textIn } from './check.js';
import { Absence, Refusal } from './error.js';
import { Fields, isList, isNothing, kindOf, Missing, type Value } from './values.js';

/** The value at the end of a path. `start` is how the template wrote what it begins at; empty: the dot. */
export function follow(from: Value, start: string, path: readonly string[]): Value {
  let [value, text] = [from, start];
  for (const name of path) {
    value = field(value, name, text);
    text += `.${name}`;
  }
  return value;
}

function field(owner: Value, name: string, text: string): Value {
  if (isNothing(owner)) return refuseNothing(owner, text === '' ? 'The dot' : text);
  if (!(owner instanceof Fields)) throw new Refusal(hasNone(owner, name, text));
  const found = owner.entries.get(name);
  if (found !== undefined) return found;
  const known = (): readonly string[] => [...owner.entries.keys()].map((key) => pathTo(key, text));
  const missing = new Missing(`${text}.${name}`, known);
  return owner.isClosed ? refuseNothing(missing) : missing;
}

const hasNone = (owner: Value, name: string, text: string): string =>
  text === ''
    ? `The dot is ${kindOf(owner)} here and has no .${name}; $ is the whole of the data`
    : `${text} is ${kindOf(owner)} and has no .${name}`;

/** How a template writes it. */
const pathTo = (key: string, owner: string): string =>
  /^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(key)
    ? `${owner}.${key}`
    : `(index ${owner === '' ? '.' : owner} ${JSON.stringify(key)})`;

/** An element of a list or a map; what is refused ends a sentence that begins with `index`. */
export function indexed(owner: Value, key: Value): Value {
  if (owner instanceof Fields) return element(owner, textIn(key));
  if (!isList(owner)) throw new Refusal(`wants a list or a map and was given ${kindOf(owner)}`);
  const at = numberIn(key);
  const found = owner[at];
  if (found === undefined) throw new Refusal(`finds no element ${at}: there are ${owner.length}, from 0`);
  return found;
}

function element(owner: Fields, key: string): Value {
  const found = owner.entries.get(key);
  if (found !== undefined) return found;
  const path = JSON.stringify(key);
  const known = (): readonly string[] => [...owner.entries.keys()].map((name) => JSON.stringify(name));
  if (owner.isClosed) throw new Absence(`finds no ${path}`, known());
  return new Missing(path, known);
}

/** For where something must be there. */
export function refuseNothing(value: null | Missing, what = 'The value'): never {
  if (value instanceof Missing) throw new Absence(`There is no ${value.path}`, value.known());
  throw new Refusal(`${what} is null`);
}
