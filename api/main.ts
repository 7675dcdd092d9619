/** The API as a process, or as a fetch handler for a platform that brings its own server. */
import type { Server } from 'node:http';
import { pathToFileURL } from 'node:url';
import { serve } from '@hono/node-server';
import { failure } from '../domain/failures.js';
import { createApp } from './app.js';
import { apiConfig, ConfigError, type ApiConfig, type Env } from './config.js';
import { createLog, type Logger } from './log.js';
import { createMetrics } from './metrics.js';
import { throwFailure } from './problems.js';
import type { Temporal } from './temporal/temporal.js';

export interface Handler {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Loads the client and opens the connection, which the first request would do otherwise. */
  readonly warm: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The whole API without a port, e.g. for a function. Throws ConfigError. */
export function createHandler(env: Env): Handler {
  const config = apiConfig(env);
  return handlerOf(config, env, createLog(config.logLevel), false);
}

function handlerOf(config: ApiConfig, env: Env, log: Logger, process: boolean): Handler {
  let opened: Promise<Temporal> | undefined;
  const temporal = (): Promise<Temporal> => (opened ??= open(env, config).catch(again));
  const again = (error: unknown): never => {
    opened = undefined;
    const why = `its settings cannot be used (${error instanceof Error ? error.message : 'unknown'})`;
    return throwFailure(failure('temporal_unreachable', { why }));
  };
  const app = createApp({ config, temporal, metrics: createMetrics({ process }), log });
  return {
    fetch: (request) => app.fetch(request),
    warm: async () => {
      const api = await temporal();
      const obstacle = await api.unreadiness();
      if (obstacle !== null) log.warn({ code: obstacle.code, remedy: obstacle.remedy }, obstacle.message);
    },
    close: async () => {
      await (await opened)?.close();
    },
  };
}

/** Imported late: the client takes longer to load than everything else together. */
async function open(env: Env, { taskQueue, patience }: ApiConfig): Promise<Temporal> {
  const { openTemporal } = await import('./temporal/temporal.js');
  return openTemporal(env, taskQueue, patience);
}

/** Streams are cut off after this time at shutdown; their readers resume elsewhere. */
const graceMs = 5_000;

function main(env: Env): void {
  const config = apiConfig(env);
  const log = createLog(config.logLevel);
  const handler = handlerOf(config, env, log, true);
  const server = serve(
    { fetch: handler.fetch, hostname: config.host, port: config.port },
    ({ address, port }) => {
      log.info({ address, port, tokens: config.tokens?.length ?? 0 }, 'listening');
      handler
        .warm()
        .catch((error: unknown) => log.warn({ why: String(error) }, 'Temporal client not loaded'));
    },
  ) as Server;
  server.on('error', (error: NodeJS.ErrnoException) => {
    log.error({ code: error.code, host: config.host, port: config.port }, 'cannot listen');
    process.exit(1);
  });
  const stop = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'stopping');
    setTimeout(() => server.closeAllConnections(), graceMs).unref();
    server.close(() => void handler.close().finally(() => process.exit(0)));
    server.closeIdleConnections();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`sluice-api: ${error.message}\n`);
    process.exit(2);
  }
}
