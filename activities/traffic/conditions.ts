/** Who else enters a lane, as routers can ask for it: of headers and query parameters, by exact value, prefix or pattern. Pure. */
import { conditionsOf, type Condition, type Enter, type Way } from '../../domain/enter.js';
import { canonicalJson } from '../../domain/ids.js';

export interface Asked {
  readonly from: 'header' | 'query';
  readonly name: string;
  /** A regex is RE2, of the whole value. */
  readonly how: 'exact' | 'prefix' | 'regex';
  readonly value: string;
}

/** All of them together. */
export type AskedTogether = readonly Asked[];

/**
 * What each way to enter asks for, each once, whatever portion enters. Several exact values become one pattern, or ways of their own where
 * that makes no more than `most` of one way.
 */
export function askedOf(enter: Enter, most = 1): readonly AskedTogether[] {
  const asked = enter.flatMap((way) => apart(conditionsOf(way), most)).map((all) => all.map(askedBy));
  return [...new Map(asked.map((all) => [togetherAs(all), all])).values()];
}

/** What the way asks for, as a key: the same for what is asked in several ways. */
export const keyOfWay = (way: Way): string => askedOf([way]).map(togetherAs).join();

const togetherAs = (all: AskedTogether): string => canonicalJson(all.map(seenAs).sort());

/** The same for what is asked in several ways. */
const seenAs = (one: Asked): string =>
  canonicalJson([one.from, one.from === 'header' ? one.name.toLowerCase() : one.name, patternOf(one)]);

/** The pattern for the whole value. */
export function patternOf({ how, value }: Asked): string {
  switch (how) {
    case 'exact':
      return escaped(value);
    case 'prefix':
      return `${escaped(value)}.*`;
    case 'regex':
      return value;
  }
}

/** What is told from what: proxies differ in whether the case of a parameter's name counts. */
export const nameOf = ({ from, name }: Pick<Asked, 'from' | 'name'>): string =>
  `${from} ${name.toLowerCase()}`;

/** Whether both ask for the same, of the same: for one pattern, or for an exact value that both name. Portions do not tell them apart. */
export function isSameWay(one: Way, other: Way): boolean {
  const [own, theirs] = [conditionsOf(one), conditionsOf(other)];
  const others = new Map(theirs.map((condition) => [placeOf(condition), patternsOf(condition)]));
  return (
    own.length === theirs.length &&
    own.every((condition) => {
      const known = others.get(placeOf(condition)) ?? [];
      return patternsOf(condition).some((pattern) => known.includes(pattern));
    })
  );
}

/** Names of what the way asks of; see `nameOf`. */
export const placesOf = (way: Way): readonly string[] => conditionsOf(way).map(placeOf);

/** For people. */
export const wayText = (way: Way): string =>
  conditionsOf(way)
    .map(({ header, query, cookie, ...how }) => {
      const from = header !== undefined ? 'header' : query !== undefined ? 'query' : 'cookie';
      const said = Object.entries(how).map(([verb, value]) => `${verb} ${JSON.stringify(value)}`);
      return `${from} "${header ?? query ?? cookie ?? ''}" ${said.join(' ')}`;
    })
    .join(' and ');

const placeOf = (condition: Condition): string => nameOf(askedBy(condition));

/** The whole pattern, and each value by itself. */
function patternsOf(condition: Condition): readonly string[] {
  const { in: values = [], ...rest } = condition;
  return [condition, ...values.map((exact) => ({ ...rest, exact }))].map((one) => patternOf(askedBy(one)));
}

export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function askedBy(condition: Condition): Asked {
  const { header, query, cookie } = condition;
  if (cookie !== undefined)
    return { from: 'header', name: 'cookie', how: 'regex', value: cookieWith(cookie, condition) };
  const [from, name] =
    header === undefined ? (['query', query ?? ''] as const) : (['header', header] as const);
  const { exact, prefix, regex } = condition;
  if (exact !== undefined) return { from, name, how: 'exact', value: exact };
  if (prefix !== undefined) return { from, name, how: 'prefix', value: prefix };
  if (regex !== undefined) return { from, name, how: 'regex', value: regex };
  const values = condition.in ?? [];
  const [only] = values;
  return values.length === 1 && only !== undefined
    ? { from, name, how: 'exact', value: only }
    : { from, name, how: 'regex', value: anyOf(values) };
}

const anyOf = (values: readonly string[]): string => values.map(escaped).join('|');

/** Of the header that holds all cookies, `a=1; b=2`. */
function cookieWith(name: string, { exact, prefix, regex, in: values = [] }: Condition): string {
  const value =
    exact !== undefined
      ? escaped(exact)
      : prefix !== undefined
        ? `${escaped(prefix)}[^;]*`
        : `(?:${regex === undefined ? anyOf(values) : withinCookie(regex)})`;
  return `(.*;\\s*)?${escaped(name)}=${value}(;.*)?`;
}

const others: Readonly<Record<string, string>> = {
  '.': '[^;]',
  '\\D': '[^;\\d]',
  '\\S': '[^;\\s]',
  '\\W': '[^;\\w]',
};

/** What stands for any character must not run on into the next cookie. */
const withinCookie = (regex: string): string =>
  regex.replace(/\\.|\[\^?(?:\\.|[^\]\\])*\]|\./g, (part) =>
    part.startsWith('[^') ? `[^;${part.slice(2)}` : (others[part] ?? part),
  );

/** The same with each exact value by itself, where that is few enough. */
function apart(all: readonly Condition[], most: number): readonly (readonly Condition[])[] {
  const ways = all.map((condition): readonly Condition[] => {
    const { in: values, ...rest } = condition;
    // All cookies are one header, so a pattern is needed for one value too.
    const isOne = values === undefined || rest.cookie !== undefined;
    return isOne ? [condition] : values.map((exact) => ({ ...rest, exact }));
  });
  if (ways.reduce((product, { length }) => product * length, 1) > most) return [all];
  return ways.reduce<readonly (readonly Condition[])[]>(
    (made, way) => made.flatMap((before) => way.map((one) => [...before, one])),
    [[]],
  );
}
