/** A worker as a process of its own, which a test can kill and start again. */
import { fileURLToPath } from 'node:url';
import type { StackInfo } from '../../infra/local/stack.js';
import { freePorts } from '../../infra/local/ports.js';
import { NodeProcess } from './node-process.js';

const main = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

export class WorkerProcess extends NodeProcess {
  static async create(
    stack: StackInfo,
    taskQueue: string,
    env: Record<string, string> = {},
  ): Promise<WorkerProcess> {
    const [port] = await freePorts(1);
    const listen = `127.0.0.1:${port}`;
    const own = {
      TEMPORAL_ADDRESS: stack.temporal.address,
      KUBECONFIG: stack.kubeconfig,
      SLUICE_TASK_QUEUE: taskQueue,
      SLUICE_PROMETHEUS_URL: stack.prometheus,
      SLUICE_WORKER_LISTEN: listen,
      SLUICE_LOG_LEVEL: 'warn',
      ...env,
    };
    return new WorkerProcess(main, own, `http://${listen}/readyz`, 'the worker');
  }
}
