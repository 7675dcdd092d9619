/** A connection to Temporal that can be closed while calls are to be tried again. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';

/** Timers may be a moment early. */
const slackMs = 20;

/**
 * Connects with the first call. The client (1.24.0) tries a failed call again by a timer that throws where the connection was closed meanwhile,
 * and nobody can catch that: so from `close` on nothing is tried again, and what is due by then is waited for.
 */
export function lazyConnection(options: ConnectionOptions): Connection {
  const usual = defaultGrpcRetryOptions();
  let isClosing = false;
  let dueAt = 0;
  const retries = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !isClosing && usual.retryableDecider(attempt, status),
    delayFunction: (attempt, status) => {
      const ms = usual.delayFunction(attempt, status);
      dueAt = Math.max(dueAt, performance.now() + ms);
      return ms;
    },
  });
  const connection = Connection.lazy({ ...options, interceptors: [retries] });
  const close = connection.close.bind(connection);
  connection.close = async () => {
    isClosing = true;
    const leftMs = dueAt - performance.now();
    if (leftMs > 0) await delay(leftMs + slackMs);
    await close();
  };
  return connection;
}
