/** The worker as a process of its own. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { describe } from '../activities/failure.js';
import { workerConfig } from './config.js';
import { createLogger } from './log.js';
import { startWorker } from './worker.js';

const log = createLogger({ level: process.env['SLUICE_LOG_LEVEL'] ?? 'info' });
try {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const worker = await startWorker(
    workerConfig(process.env),
    { connection: connectionOptions ?? {}, namespace: namespace ?? 'default' },
    log,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => worker.shutdown());
  await worker.done;
} catch (error) {
  // Out with it: whoever runs the process starts it again.
  log.fatal({ reason: describe(error) }, 'the worker ended');
  process.exitCode = 1;
}
