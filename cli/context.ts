/** What a command has to work with: settings from flags and environment, the client, and where to write. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Client } from './client.js';
import { UsageError } from './errors.js';
import { ansiPaint, noPaint, type Paint } from './format/paint.js';

export interface Writer {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** The process as the CLI sees it; tests give their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Calls back once on Ctrl-C; answers how to stop listening. */
  readonly onInterrupt: (callback: () => void) => () => void;
}

export interface CommonOptions {
  readonly output?: 'text' | 'json';
  readonly server?: string;
  readonly as?: string;
}

export interface Context {
  readonly io: Io;
  readonly client: Client;
  readonly json: boolean;
  readonly paint: Paint;
  /** For people; not written with -o json. */
  say(...lines: readonly string[]): void;
  /** What the API said; only written with -o json. Null, an empty answer, writes nothing. */
  answer(value: unknown): void;
}

export const defaultServer = 'http://127.0.0.1:8080';

export function contextOf(io: Io, options: CommonOptions): Context {
  const json = options.output === 'json';
  const client = new Client({
    server: serverOf(options.server ?? io.env['SLUICE_SERVER'] ?? defaultServer),
    token: tokenOf(io.env),
    actor: actorOf(options.as ?? loginName(io.env)),
  });
  return {
    io,
    client,
    json,
    paint: paintOf(io, io.stdout),
    say: (...lines) => {
      if (!json) io.stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    answer: (value) => {
      if (json && value !== null) io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
  };
}

export function paintOf(io: Io, writer: Writer): Paint {
  const refused = (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  return writer.isTTY === true && !refused ? ansiPaint : noPaint;
}

function serverOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:\/\//.test(text)) {
    throw new UsageError(`"${text}" is not the address of a server.`, `Write it like ${defaultServer}`);
  }
  return text.replace(/\/+$/, '');
}

function tokenOf(env: Io['env']): string | null {
  const direct = env['SLUICE_TOKEN'];
  if (direct !== undefined && direct !== '') return direct.trim();
  const file = env['SLUICE_TOKEN_FILE'];
  if (file === undefined || file === '') return null;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(
      `SLUICE_TOKEN_FILE cannot be read: ${(error as Error).message}`,
      'Correct its path.',
    );
  }
}

function actorOf(name: string): string {
  if (/^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/.test(name)) return name;
  throw new UsageError(`"${name}" cannot be sent as a name.`, 'Give --as with ASCII letters, e.g. --as ann');
}

function loginName(env: Io['env']): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user without a name.
    return env['USER'] ?? 'unknown';
  }
}
