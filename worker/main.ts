/** The worker as a process of its own. */
import { setFlagsFromString } from 'node:v8';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Runtime } from '@temporalio/worker';
import { describe } from '../activities/failure.js';
import { workerConfig } from './config.js';
import { createLogger, temporalLogger } from './log.js';
import { startWorker } from './worker.js';
import { watchWorkflowThreads } from './workflow-thread.js';

// For the thread of the workflows, whose heap is made later: what they leave behind is small, and is collected in time.
setFlagsFromString('--max-semi-space-size=4');
// Garbage is collected when the heap has grown by a third, not by several times: less memory for a little more work.
setFlagsFromString('--heap-growing-percent=30');

/** Until the configuration is read, which says how much is logged. */
let log = createLogger();
try {
  const config = workerConfig(process.env);
  log = createLogger({ level: config.logLevel });
  watchWorkflowThreads({ stuck: () => log.fatal('workflow code ran on without end; the worker ends') });
  Runtime.install({ logger: temporalLogger(log) });
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const temporal = { connection: connectionOptions ?? {}, namespace: namespace ?? 'default' };
  const worker = await startWorker(config, temporal, log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => worker.shutdown());
  await worker.done;
} catch (error) {
  // Out with it: whoever runs the process starts it again.
  log.fatal({ reason: describe(error) }, 'the worker ended');
  process.exitCode = 1;
}
