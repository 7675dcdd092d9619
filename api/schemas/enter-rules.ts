/** Rules between the fields of those that enter a lane; they read what came as unknown, see application-rules.ts. */
import { canonicalJson } from '../../domain/ids.js';
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';
import { regexProblem } from './regex.js';

const sources = ['header', 'query', 'cookie'] as const;
const operators = ['exact', 'prefix', 'regex', 'in'] as const;
type Key = (typeof sources)[number] | (typeof operators)[number];

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function checkCondition(value: unknown, context: Context): void {
  if (!isObject(value)) return;
  const condition = fieldsOf(value);
  const one = (keys: readonly Key[], what: string): void => {
    const given = keys.filter((key) => condition[key] !== undefined);
    if (given.length === 1) return;
    const seen = given.length === 0 ? 'none' : given.join(' and ');
    const expected = `one of ${keys.join(', ')}`;
    const remedy = given.length === 0 ? `Add ${expected}.` : 'Keep one of them.';
    report(context, [], `A condition has exactly one ${what}, this one has ${seen}.`, expected, remedy);
  };
  one(sources, 'place to look at');
  one(operators, 'way to compare');
  checkRegex(condition['regex'], context);
  checkCookie(condition, context);
  const values = itemsOf(condition['in']);
  reportAgain(context, ['in'], values, (again) => `The value ${JSON.stringify(again)} is there twice.`);
}

export function checkEntry(value: unknown, context: Context): void {
  const entry = fieldsOf(value);
  const { all } = entry;
  const beside = [...sources, ...operators].filter((key) => entry[key] !== undefined);
  if (all === undefined && beside.length === 0 && entry['percent'] !== undefined) {
    const message = 'A percentage of all requests is the share of a release.';
    const remedy = 'Add a condition, or remove it and give release.steps the weight.';
    report(context, [], message, 'a condition, or all, beside percent', remedy);
    return;
  }
  if (all === undefined) {
    checkCondition(value, context);
    return;
  }
  if (beside.length > 0) {
    const message = `A condition stands beside all: ${beside.join(', ')}.`;
    report(context, [], message, 'all, or one condition', 'Move the condition into all.');
  }
  const names = itemsOf(all).map((one) => placeOf(fieldsOf(one)));
  const expected = 'each header and query parameter once, and one cookie';
  // Proxies take one condition for a header, and all cookies are one header.
  reportAgain(context, ['all'], names, (again) => `Two conditions ask for the same ${again}.`, expected);
}

export function checkEntries(value: unknown, context: Context): void {
  const entries = itemsOf(value).map(fieldsOf);
  const same = entries.map(({ all, percent: _, ...one }) =>
    canonicalJson((all === undefined ? [one] : itemsOf(all).map(fieldsOf)).map(inOneForm).sort()),
  );
  reportAgain(context, [], same, () => 'This way to enter is there twice.', 'each way once');
}

/** The tag's header and those that enter may be declared in different places. */
export function checkTags(value: unknown, context: Context): void {
  const tagOf = (holder: unknown): Readonly<Record<string, unknown>> =>
    fieldsOf(fieldsOf(fieldsOf(holder)['release'])['tag']);
  const own = tagOf(value);
  const headersOf = (tag: Readonly<Record<string, unknown>>): readonly string[] => {
    const { header, baggage } = { ...own, ...tag };
    return [typeof header === 'string' ? header : 'x-lane', ...(baggage === undefined ? [] : ['baggage'])];
  };
  const at: Path = ['release', 'tag', 'enter'];
  checkEntered(own['enter'], headersOf(own), at, context);
  for (const [i, environment] of itemsOf(fieldsOf(value)['environments']).entries()) {
    const local = tagOf(environment);
    const path = local['enter'] === undefined ? at : ['environments', i, ...at];
    checkEntered(local['enter'] ?? own['enter'], headersOf(local), path, context);
  }
}

/** What says the tag lets a request in already. */
function checkEntered(entries: unknown, headers: readonly string[], path: Path, context: Context): void {
  for (const [i, item] of itemsOf(entries).entries()) {
    const { all, ...one } = fieldsOf(item);
    const conditions: [Path, unknown][] =
      all === undefined
        ? [[[i], one]]
        : itemsOf(all).map((condition, k): [Path, unknown] => [[i, 'all', k], condition]);
    for (const [at, condition] of conditions) {
      const name = fieldsOf(condition)['header'];
      const header = headers.find((one) => typeof name === 'string' && sameHeader(one, name));
      if (header === undefined) continue;
      const message = `Requests enter by the tag's own header "${header}" anyway.`;
      report(context, [...path, ...at, 'header'], message, 'another header', 'Remove this condition.');
    }
  }
}

const sameHeader = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function checkRegex(regex: unknown, context: Context): void {
  const problem = typeof regex === 'string' ? regexProblem(regex) : null;
  if (problem === null) return;
  report(context, ['regex'], `The regular expression ${problem.message}.`, 'RE2', problem.remedy);
}

/** A cookie ends at the semicolon, and has no spaces. */
function checkCookie({ cookie, exact, prefix, in: values }: Record<string, unknown>, context: Context): void {
  if (cookie === undefined) return;
  const given: [Path, unknown][] = [
    [['exact'], exact],
    [['prefix'], prefix],
    ...itemsOf(values).map((value, i): [Path, unknown] => [['in', i], value]),
  ];
  for (const [path, value] of given) {
    if (typeof value !== 'string' || !/[; ]/.test(value)) continue;
    const message = 'The value of a cookie has no ";" and no space.';
    report(context, path, message, 'text without ";" and spaces', 'Write what the cookie holds.');
  }
}

function placeOf({ header, query, cookie }: Readonly<Record<string, unknown>>): string | null {
  if (typeof cookie === 'string') return 'header "cookie"';
  if (typeof header === 'string') return `header "${header.toLowerCase()}"`;
  return typeof query === 'string' ? `query parameter "${query.toLowerCase()}"` : null;
}

/** Names of headers do not tell upper from lower case, and values have no order. */
function inOneForm(condition: Readonly<Record<string, unknown>>): string {
  const { header, in: values, ...rest } = condition;
  const name = typeof header === 'string' ? header.toLowerCase() : header;
  const sorted = Array.isArray(values) ? values.map(canonicalJson).sort() : values;
  return canonicalJson({ ...rest, header: name, in: sorted });
}

function reportAgain(
  context: Context,
  path: Path,
  items: readonly unknown[],
  message: (again: string) => string,
  expected = 'each value once',
): void {
  const seen = new Set<unknown>();
  for (const [i, item] of items.entries()) {
    if (typeof item !== 'string') continue;
    if (seen.has(item)) report(context, [...path, i], message(item), expected, 'Remove one of the two.');
    seen.add(item);
  }
}
