/** The functions of templates: those of Go's text/template, and of Sprig and Helm what manifests use. */
import { booleanIn, listIn, textIn, wholeIn } from './check.js';
import { before, same } from './compare.js';
import { Absence, Refusal } from './error.js';
import { indexed } from './fields.js';
import { formatted, printedTogether, quoted } from './format.js';
import type { Spend } from './limits.js';
import { base64, bytesOf, indented, replaced, truncated, withoutPrefix, withoutSuffix } from './text.js';
import { Fields, isList, isNothing, isTrue, json, kindOf, printed, sizeOf, type Value } from './values.js';

export interface TemplateFunction {
  /** How many arguments; infinitely many where there is no limit. */
  readonly least: number;
  readonly most: number;
  /** Whether what is not there may be given; else that is an error. */
  readonly takesNothing?: true;
  /** Where an argument is it, the function answers it and looks at no further one. */
  readonly stopsAt?: (value: Value) => boolean;
  /** Throws Refusal: the rest of a sentence that begins with the function's name. */
  readonly call: (values: readonly Value[], spend: Spend) => Value;
}

const one = (call: (value: Value) => Value): TemplateFunction => ({
  least: 1,
  most: 1,
  call: ([value]) => call(value!),
});
const two = (call: (a: Value, b: Value, spend: Spend) => Value): TemplateFunction => ({
  least: 2,
  most: 2,
  call: ([a, b], spend) => call(a!, b!, spend),
});
const three = (call: (a: Value, b: Value, c: Value, spend: Spend) => Value): TemplateFunction => ({
  least: 3,
  most: 3,
  call: ([a, b, c], spend) => call(a!, b!, c!, spend),
});
const many = (least: number, call: TemplateFunction['call']): TemplateFunction => ({
  least,
  most: Infinity,
  call,
});
const tolerant = (of: TemplateFunction): TemplateFunction => ({ ...of, takesNothing: true });
/** Writes lists and maps, which a few names can make long. */
const writing = (of: TemplateFunction): TemplateFunction => ({
  ...of,
  call: (values, spend) => {
    spend(sizeOf(values));
    return of.call(values, spend);
  },
});

const ofText = (call: (text: string) => Value): TemplateFunction => one((value) => call(textIn(value)));
const ofTexts = (call: (a: string, b: string) => Value): TemplateFunction =>
  two((a, b) => call(textIn(a), textIn(b)));
const last = (values: readonly Value[]): Value => values.at(-1)!;

const language = {
  and: { ...tolerant(many(1, last)), stopsAt: (value) => !isTrue(value) },
  or: { ...tolerant(many(1, last)), stopsAt: isTrue },
  not: tolerant(one((value) => !isTrue(value))),
  eq: tolerant(many(2, ([value, ...others]) => others.some((other) => same(value!, other)))),
  ne: tolerant(two((a, b) => !same(a, b))),
  lt: two(before),
  le: two((a, b) => !before(b, a)),
  gt: two((a, b) => before(b, a)),
  ge: two((a, b) => !before(a, b)),
  len: one(length),
  index: many(1, ([from, ...keys]) => keys.reduce<Value>(indexed, from!)),
  print: writing(many(0, printedTogether)),
  println: writing(many(0, (values) => `${values.map(printed).join(' ')}\n`)),
  printf: writing(many(1, ([format, ...values]) => formatted(textIn(format!), values))),
} satisfies Readonly<Record<string, TemplateFunction>>;

const sprig = {
  default: tolerant(two((usual, value) => (isTrue(value) ? value : usual))),
  coalesce: tolerant(many(1, (values) => values.find(isTrue) ?? null)),
  empty: tolerant(one((value) => !isTrue(value))),
  required: tolerant(two(required)),
  ternary: three((yes, no, which) => (booleanIn(which) ? yes : no)),
  quote: writing(many(1, (values) => values.map((value) => quoted(printed(value))).join(' '))),
  squote: writing(many(1, (values) => values.map((value) => `'${printed(value)}'`).join(' '))),
  indent: two((spaces, text, spend) => indented(wholeIn(spaces), textIn(text), spend)),
  nindent: two((spaces, text, spend) => `\n${indented(wholeIn(spaces), textIn(text), spend)}`),
  toString: writing(one(printed)),
  toJson: writing(one(json)),
  upper: ofText((text) => text.toUpperCase()),
  lower: ofText((text) => text.toLowerCase()),
  trim: ofText((text) => text.trim()),
  trimPrefix: ofTexts(withoutPrefix),
  trimSuffix: ofTexts(withoutSuffix),
  trunc: two((size, text) => truncated(wholeIn(size), textIn(text))),
  replace: three((old, by, text, spend) => replaced(textIn(old), textIn(by), textIn(text), spend)),
  contains: ofTexts((part, text) => text.includes(part)),
  hasPrefix: ofTexts((prefix, text) => text.startsWith(prefix)),
  hasSuffix: ofTexts((suffix, text) => text.endsWith(suffix)),
  b64enc: ofText(base64),
  list: writing(many(0, (values) => values)),
  join: writing(
    two((separator, list, spend) => {
      spend(listIn(list).length * textIn(separator).length);
      const there = listIn(list).filter((value) => !isNothing(value));
      return there.map(printed).join(textIn(separator));
    }),
  ),
} satisfies Readonly<Record<string, TemplateFunction>>;

function length(value: Value): number {
  if (typeof value === 'string') return bytesOf(value).length;
  if (isList(value)) return value.length;
  if (value instanceof Fields) return value.entries.size;
  throw new Refusal(`wants a string, a list or a map and was given ${kindOf(value)}`);
}

function required(what: Value, value: Value): Value {
  if (isNothing(value) || value === '') throw new Absence(`says ${quoted(textIn(what))}`);
  return value;
}

export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({ ...language, ...sprig }),
);

/** What people of Go and Helm look for, and why it is not there. */
export const unsupported: ReadonlyMap<string, string> = new Map([
  ...['define', 'template', 'block', 'include', 'tpl'].map(
    (name) => [name, 'a template does not use another'] as const,
  ),
  ['break', 'a range goes over all elements; write what to do with each in an if'],
  ['continue', 'write what to do with each element in an if'],
  ['toYaml', 'toJson writes the same on one line, and YAML reads it'],
]);
