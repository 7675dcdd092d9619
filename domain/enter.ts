/** Who gets into a lane beside requests with its tag. Pure. */
import { canonicalJson } from './ids.js';

/**
 * Something that a request has: exactly one of header, query and cookie names what, exactly one of exact, prefix, regex and in says how it
 * reads.
 */
export interface Condition {
  readonly header?: string;
  /** A query parameter. */
  readonly query?: string;
  readonly cookie?: string;
  readonly exact?: string;
  readonly prefix?: string;
  /** RE2, of the whole value. */
  readonly regex?: string;
  /** Any of these, exactly. */
  readonly in?: readonly string[];
}

/** So many percent, 1 to 99, of the requests that fulfil all conditions beside it, drawn anew for each request. */
export interface Portion {
  readonly percent: number;
}

/** Conditions that belong together, with one portion at the most. */
export type Way = readonly (Condition | Portion)[];

/** Requests that enter gray although they have no tag: those that fulfil all of one of these. */
export type Enter = readonly Way[];

/** As declared: one condition, or several that belong together. */
export interface Entry extends Condition {
  readonly all?: readonly Condition[];
  /** Of the requests that fulfil it, 1 to 100. Default 100. */
  readonly percent?: number;
}

export const wayOf = ({ all, percent = 100, ...one }: Entry): Way => [
  ...(all ?? [one]),
  ...(percent === 100 ? [] : [{ percent }]),
];

const isPortion = (one: Condition | Portion): one is Portion => 'percent' in one;

export const conditionsOf = (way: Way): readonly Condition[] =>
  way.filter((one): one is Condition => !isPortion(one));

/** Without a portion: 100. */
export const percentOf = (way: Way): number => way.find(isPortion)?.percent ?? 100;

/** Each way once, with the largest of its portions. */
export function eachOnce(ways: Enter): Enter {
  const known = new Map<string, Way>();
  for (const way of ways) {
    const key = canonicalJson(conditionsOf(way));
    const before = known.get(key);
    if (before === undefined || percentOf(before) < percentOf(way)) known.set(key, way);
  }
  return [...known.values()];
}
