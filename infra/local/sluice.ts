/** API and worker in one process: `npm start`, the demo. */
import { serve } from '@hono/node-server';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Runtime } from '@temporalio/worker';
import type { Server } from 'node:http';
import { createHandler } from '../../api/main.js';
import { workerConfig } from '../../worker/config.js';
import { createLogger, temporalLogger } from '../../worker/log.js';
import { startWorker } from '../../worker/worker.js';

export interface Sluice {
  /** Base address of the API. */
  readonly url: string;
  /** Ends when the worker did; rejects when it cannot go on. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @param env the variables of docs/reference/configuration.md. Throws naming the one that is wrong. */
export async function startSluice(env: Env): Promise<Sluice> {
  const config = workerConfig(env);
  const log = createLogger({ level: config.logLevel });
  Runtime.install({ logger: temporalLogger(log) });
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: definedOf(env) });
  const temporal = { connection: connectionOptions ?? {}, namespace: namespace ?? 'default' };
  const worker = await startWorker(config, temporal, log);
  const handler = createHandler(env);
  const [, host, port] = /^(.*):(\d+)$/.exec(env['SLUICE_LISTEN'] ?? '127.0.0.1:8080')!;
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = serve({ fetch: handler.fetch, hostname: host!, port: Number(port) }, () =>
      resolve(listening as Server),
    );
    listening.once('error', reject);
  });
  await handler.warm();
  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    done: worker.done,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      worker.shutdown();
      await worker.done;
      await handler.close();
    },
  };
}

function definedOf(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined));
}
