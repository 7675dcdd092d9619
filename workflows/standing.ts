/** Where a release stands, as Temporal's list of workflows shows it: search attributes. Pure. */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributeUpdatePair,
} from '@temporalio/common';
import type { Phase, Waiting } from '../domain/release.js';
import { overdueAt, type Patience } from '../domain/waiting.js';
import { searchAttributes } from './messages.js';

const keys = {
  environment: defineSearchAttributeKey(searchAttributes.environment, SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey(searchAttributes.phase, SearchAttributeType.KEYWORD),
  weight: defineSearchAttributeKey(searchAttributes.weight, SearchAttributeType.INT),
  waitingOn: defineSearchAttributeKey(searchAttributes.waitingOn, SearchAttributeType.KEYWORD),
  waitingSince: defineSearchAttributeKey(searchAttributes.waitingSince, SearchAttributeType.DATETIME),
  overdueAt: defineSearchAttributeKey(searchAttributes.overdueAt, SearchAttributeType.DATETIME),
} as const;

/** Characters of a keyword. */
const longest = 200;

export interface Standing {
  readonly phase: Phase;
  /** The largest share of gray. */
  readonly weight: number;
  /** Empty: not known yet. */
  readonly environment: string;
  readonly waiting: Waiting | null;
  /** Differs from one waiting to the next, and when somebody gives it more time. */
  readonly wait: number;
}

/**
 * What the list has to be told; nothing: it is no event in the history. Times are told and never decide whether there is news: a replay
 * may be told others.
 */
export function newsOf(last: Standing, next: Standing, patience?: Patience): SearchAttributeUpdatePair[] {
  const [lastWhat, what] = [whatOf(last), whatOf(next)];
  const updates: SearchAttributeUpdatePair[] = [
    ...(next.phase === last.phase ? [] : [{ key: keys.phase, value: next.phase }]),
    ...(next.weight === last.weight ? [] : [{ key: keys.weight, value: next.weight }]),
    ...(next.environment === last.environment || next.environment === ''
      ? []
      : [{ key: keys.environment, value: next.environment }]),
    ...(what === lastWhat ? [] : [{ key: keys.waitingOn, value: what }]),
  ];
  const isQuiet = next.waiting === null && last.waiting === null;
  if (isQuiet || (next.wait === last.wait && updates.length === 0)) return updates;
  return [...updates, ...timesOf(next, patience)];
}

const whatOf = ({ waiting }: Standing): string => (waiting?.what ?? '').slice(0, longest);

/** Null takes it away. */
function timesOf({ waiting, phase }: Standing, patience?: Patience): SearchAttributeUpdatePair[] {
  const times =
    waiting === null ? null : { since: waiting.since, overdue: overdueAt(waiting, phase, patience) };
  return [
    { key: keys.waitingSince, value: times === null ? null : new Date(times.since) },
    { key: keys.overdueAt, value: times === null ? null : new Date(times.overdue) },
  ];
}
