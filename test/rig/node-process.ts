/** A part of Sluice as a process of its own, which a test can kill, freeze and start again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { eventually } from './eventually.js';

export class NodeProcess {
  private child: ChildProcess | null = null;
  private output = '';

  protected constructor(
    private readonly main: string,
    private readonly env: Readonly<Record<string, string>>,
    private readonly healthUrl: string,
    private readonly what: string,
  ) {}

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    await this.spawn();
    await eventually(`${this.what} to be ready`, async () => (await fetch(this.healthUrl)).ok, 60_000);
  }

  /** Starts it and does not wait. */
  async spawn(): Promise<void> {
    if (this.child !== null) throw new Error(`It runs already: ${this.what}.`);
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [this.main], {
      env: { PATH, HOME, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data) => (this.output += String(data)));
    child.once('exit', () => {
      if (this.child === child) this.child = null;
    });
  }

  get running(): boolean {
    return this.child !== null;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** All that it wrote. */
  get log(): string {
    return this.output;
  }

  /** Sends a signal, e.g. SIGSTOP and SIGCONT, and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
