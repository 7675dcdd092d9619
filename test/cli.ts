/** Runs the `sluice` command: in this process with streams of its own, or as a child where signals and exit codes are the point. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { run } from '../cli/program.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Standard output and error are a terminal of 100 columns. */
  readonly tty?: boolean;
  /** Called with each piece of output; `interrupt` is Ctrl-C. */
  readonly onOutput?: (text: string, interrupt: () => void) => void;
}

export async function sluice(
  server: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const text = { out: '', err: '' };
  let interrupt = (): void => undefined;
  const writer = (stream: 'out' | 'err') => ({
    isTTY: options.tty === true,
    columns: 100,
    write: (piece: string) => {
      text[stream] += piece;
      options.onOutput?.(piece, interrupt);
    },
  });
  const code = await run(args, {
    env: { SLUICE_SERVER: server, ...options.env },
    stdin: stdinOf(options.stdin ?? ''),
    stdout: writer('out'),
    stderr: writer('err'),
    onInterrupt: (callback) => {
      interrupt = callback;
      return () => (interrupt = () => undefined);
    },
  });
  return { code, ...text };
}

async function* stdinOf(text: string): AsyncGenerator<string> {
  yield text;
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** A real child process; `seen` resolves when its output holds a text. */
export class SluiceProcess {
  out = '';
  err = '';
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown[]>;

  constructor(server: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SLUICE_SERVER: server, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (data: Buffer) => (this.out += data.toString()));
    this.child.stderr?.on('data', (data: Buffer) => (this.err += data.toString()));
    this.child.stdin?.end();
    this.closed = once(this.child, 'close');
  }

  async seen(text: string): Promise<void> {
    while (!this.out.includes(text))
      await Promise.race([once(this.child.stdout!, 'data'), this.mustRun(text)]);
  }

  interrupt(): void {
    this.child.kill('SIGINT');
  }

  async ended(): Promise<Ran> {
    const [code] = await this.closed;
    return { code: code as number, out: this.out, err: this.err };
  }

  private async mustRun(text: string): Promise<never> {
    await this.closed;
    throw new Error(`ended before it said "${text}": ${this.out}${this.err}`);
  }
}

/** The lines that a terminal shows after all that was written to it, without colours. */
export function terminalShows(written: string): string[] {
  const lines = [''];
  let row = 0;
  let column = 0;
  for (const part of written.split(/(\r|\n|\p{Cc}\[[\d;]*[A-Za-z])/u)) {
    const sequence = /^\p{Cc}\[(\d*)([A-Za-z])$/u.exec(part);
    const line = lines[row] ?? '';
    if (part === '\r') column = 0;
    else if (part === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (sequence?.[2] === 'A') row -= Number(sequence[1]);
    else if (sequence?.[2] === 'K') lines[row] = line.slice(0, column);
    else if (sequence?.[2] === 'J') lines.splice(row, lines.length, line.slice(0, column));
    else if (!/^\p{Cc}/u.test(part)) {
      lines[row] = line.slice(0, column).padEnd(column) + part + line.slice(column + part.length);
      column += part.length;
    }
  }
  return lines.map((line) => line.trimEnd());
}
