/** The connection to Temporal: where it is comes from TEMPORAL_* variables and profiles, as everywhere with Temporal. */
import type { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Patience } from '../../domain/waiting.js';
import { createClient } from './client.js';
import { lazyConnection } from './connection.js';

export interface TemporalAccess {
  readonly client: Client;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Of the releases that are started. Absent: the defaults. */
  readonly patience?: Patience;
}

/** How long a call may take that Temporal itself answers. */
export const serverMs = 3_000;
/** How long a call may take that a worker answers; another worker gets the task of one that died after ten seconds. */
export const workerMs = 15_000;
/** The same where no worker has asked for work lately: there is nothing to wait for. */
export const noWorkerMs = 1_000;

/** Connects with the first call, so a process can start before Temporal does. */
export function connectTemporal(
  env: Readonly<Record<string, string | undefined>>,
  taskQueue: string,
  patience?: Patience,
): TemporalAccess {
  const given = Object.fromEntries(
    Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined),
  );
  const config = loadClientConnectConfig({ overrideEnvVars: given });
  const { address, tls, apiKey, metadata } = config.connectionOptions;
  const namespace = config.namespace ?? 'default';
  const connection = lazyConnection({
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    connectTimeout: serverMs,
  });
  const access = { client: createClient({ connection, namespace }), namespace, taskQueue };
  return patience === undefined ? access : { ...access, patience };
}
