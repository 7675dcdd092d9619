import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** One process of the stack: how it is started and how it says that it is ready. */
export interface Part {
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
  /** File that its output is appended to. */
  log: string;
  /** Resolves when it is ready, rejects while it is not; asked again until the deadline. */
  ready: () => Promise<unknown>;
  /** Default 30,000 ms. */
  deadlineMs?: number;
}

const stopGraceMs = 1500;

/**
 * The processes of one stack by name. Each is ended when this process ends, however it ends: the kernel kills it with its
 * parent. Nothing is ended but what was started here, by its process id.
 */
export class Parts {
  readonly #parts = new Map<string, Part>();
  readonly #running = new Map<string, ChildProcess>();
  #closed = false;

  /** Names of all parts, running or not. */
  get names(): string[] {
    return [...this.#parts.keys()];
  }

  /** Process id of a running part. */
  pid(name: string): number | undefined {
    this.#part(name);
    return this.#running.get(name)?.pid;
  }

  /** Declares a part and starts it. */
  async add(name: string, part: Part): Promise<void> {
    this.#parts.set(name, part);
    await this.start(name);
  }

  /** Starts a part that is not running, with the same arguments, ports and files as before, and waits until it is ready. */
  async start(name: string): Promise<void> {
    const part = this.#part(name);
    if (this.#running.has(name)) return;
    if (this.#closed) throw new Error(`${name} is not started: every part was stopped`);
    const log = openSync(part.log, 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', part.command, ...part.args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...part.env },
    });
    closeSync(log);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
    });
    this.#running.set(name, child);
    void ended.then(() => this.#running.get(name) === child && this.#running.delete(name));
    await waitUntilReady(name, part, ended);
  }

  /** Asks a part to end and waits for that; after 1.5 s it is killed. */
  async stop(name: string): Promise<void> {
    await this.#end(name, 'SIGTERM');
  }

  /** Ends a part at once, as a crash would. */
  async kill(name: string): Promise<void> {
    await this.#end(name, 'SIGKILL');
  }

  /** Stops every part, and starts none after that, not even one that waits for another just now. */
  async stopAll(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    this.#part(name);
    const child = this.#running.get(name);
    if (!child) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
    await exited;
    clearTimeout(timer);
  }

  #part(name: string): Part {
    const part = this.#parts.get(name);
    if (!part) throw new Error(`unknown part ${name}; known: ${this.names.join(', ')}`);
    return part;
  }
}

async function waitUntilReady(name: string, part: Part, ended: Promise<string>): Promise<void> {
  const deadlineMs = part.deadlineMs ?? 30_000;
  let how: string | undefined;
  void ended.then((reason) => (how = reason));
  await until(`${name} is ready`, part.ready, deadlineMs, () => how).catch((error: Error) => {
    throw new Error(`${error.message}\nlast lines of ${part.log}:\n${lastLines(part.log)}`, { cause: error });
  });
}

/**
 * Asks a condition until it resolves.
 *
 * @param ended why it can no longer become true, once that is so
 * @throws when the deadline passes or it has ended, with what the condition last said
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T>,
  deadlineMs = 30_000,
  ended: () => string | undefined = () => undefined,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await condition();
    } catch (error) {
      const reason = ended();
      if (reason) throw new Error(`not true: ${what}: ${reason}`, { cause: error });
      const last = error instanceof Error ? error.message : String(error);
      if (Date.now() > deadline)
        throw new Error(`not true after ${deadlineMs} ms: ${what}: ${last}`, { cause: error });
      await delay(40);
    }
  }
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
}
