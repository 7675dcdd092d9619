/**
 * Every failure that Sluice can report: code -> message, remedy, HTTP status, retryable or terminal.
 * A code is stable: clients, alerts and tests may rely on it.
 */
import { engine } from './failures/engine.js';
import type { Entry } from './failures/entry.js';
import { requests } from './failures/requests.js';
import { rollback } from './failures/rollback.js';
import { surroundings } from './failures/surroundings.js';
import { underway } from './failures/underway.js';

export interface Failure {
  readonly code: FailureCode;
  /** What happened, with the value that was seen. */
  readonly message: string;
  /** What a person can do about it. */
  readonly remedy: string;
  /** Whether trying again unchanged can help. */
  readonly retryable: boolean;
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** JSON pointer into the body or the application, where one field is to blame. */
  readonly pointer?: string;
}

export const catalogue = {
  ...requests,
  ...surroundings,
  ...underway,
  ...rollback,
  ...engine,
} as const;

export type FailureCode = keyof typeof catalogue;
/** What a code's message is made of; `undefined` where it needs nothing. */
export type FailureContext<C extends FailureCode> = Parameters<(typeof catalogue)[C]>[0];

/** Makes a failure of the catalogue; pure. */
export function failure<C extends FailureCode>(
  code: C,
  context: FailureContext<C>,
  pointer?: string,
): Failure {
  const entry = (catalogue[code] as (c: FailureContext<C>) => Entry)(context);
  return pointer === undefined ? { code, ...entry } : { code, ...entry, pointer };
}
