/** Asking a workflow. */
import { setTimeout as delay } from 'node:timers/promises';
import { QueryNotRegisteredError } from '@temporalio/client';
import { askedTooEarly } from '../../workflows/messages.js';

const againMs = 20;

/** A query, again as long as it is refused as asked too early. Ends with the deadline of the calls around it. */
export async function ask<T>(query: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await query();
    } catch (error) {
      if (!isTooEarly(error)) throw error;
    }
    await delay(againMs);
  }
}

/** The client has one error for every query that fails. */
const isTooEarly = (error: unknown): boolean =>
  error instanceof QueryNotRegisteredError && error.message.includes(askedTooEarly);
