/** A worker as a process of its own, which a test can kill and start again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StackInfo } from '../../infra/local/stack.js';
import { freePorts } from '../../infra/local/ports.js';
import { eventually } from './eventually.js';

const main = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

export class WorkerProcess {
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(
    private readonly env: Record<string, string>,
    private readonly healthUrl: string,
  ) {}

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
    return new WorkerProcess(own, `http://${listen}/readyz`);
  }

  /** Starts it and waits until it polls. */
  async start(): Promise<void> {
    await this.spawn();
    await eventually('the worker to be ready', async () => (await fetch(this.healthUrl)).ok, 60_000);
  }

  /** Starts it and does not wait. */
  async spawn(): Promise<void> {
    if (this.child !== null) throw new Error('The worker runs already.');
    const { PATH, HOME } = process.env;
    this.child = spawn(process.execPath, [main], {
      env: { PATH, HOME, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (data) => (this.output += String(data)));
    this.child.once('exit', () => (this.child = null));
  }

  get running(): boolean {
    return this.child !== null;
  }

  /** All that it wrote. */
  get log(): string {
    return this.output;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.child;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
