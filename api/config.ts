/** Settings of the API, read once at start from the environment; a wrong one names itself. */
import { readFileSync } from 'node:fs';
import { z } from '@hono/zod-openapi';
import { durationPattern, durationText, milliseconds } from '../domain/duration.js';
import { taskQueue } from '../domain/ids.js';
import { defaultPatience, type Patience } from '../domain/waiting.js';
import { parseTokens, type TokenEntry } from './tokens.js';

export interface ApiConfig {
  /** SLUICE_LISTEN, host:port. Default 127.0.0.1:8080. */
  readonly host: string;
  readonly port: number;
  /** From SLUICE_TOKENS_FILE; null: no tokens, everybody on this machine may everything. */
  readonly tokens: readonly TokenEntry[] | null;
  /** SLUICE_TASK_QUEUE. Default "sluice". */
  readonly taskQueue: string;
  /** SLUICE_PUBLIC_URL, base of the addresses in answers. Default: the address that was asked. */
  readonly publicUrl: string | null;
  /** SLUICE_EVENT_READERS: how many may follow events at once. Default 500. */
  readonly eventReaders: number;
  /** SLUICE_OVERDUE_AFTER and SLUICE_OVERDUE_SHARE: when a release waits for longer than it should. Defaults 15m and 50. */
  readonly patience: Patience;
  /** SLUICE_LOG_LEVEL. Default info. */
  readonly logLevel: string;
}

export type Env = Readonly<Record<string, string | undefined>>;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
const listen = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<host>[^:[\]]+))?:(?<port>\d{1,5})$/i;

const variables = z.object({
  SLUICE_LISTEN: z
    .string()
    .regex(listen, 'must be host:port, such as 127.0.0.1:8080')
    .refine((text) => Number(listen.exec(text)?.groups?.['port'] ?? 0) <= 65_535, 'has a port above 65535')
    .default('127.0.0.1:8080'),
  SLUICE_TOKENS_FILE: z.string().min(1, 'must name a file').optional(),
  SLUICE_TASK_QUEUE: z.string().min(1, 'must not be empty').default(taskQueue),
  SLUICE_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
  SLUICE_EVENT_READERS: z.coerce.number('must be a number').int().min(1, 'must be at least 1').default(500),
  SLUICE_OVERDUE_AFTER: z
    .string()
    .regex(durationPattern, 'must be a duration such as 15m')
    .default(durationText(defaultPatience.endlessMs)),
  SLUICE_OVERDUE_SHARE: z.coerce
    .number('must be a number')
    .min(1, 'must be from 1 to 100')
    .max(100, 'must be from 1 to 100')
    .default(defaultPatience.share),
  SLUICE_LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

/** A setting that cannot be; its message names the variable and the remedy. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function apiConfig(
  env: Env,
  readText = (file: string): string => readFileSync(file, 'utf8'),
): ApiConfig {
  const parsed = variables.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = path.map(String).join('.');
      return `${name}="${env[name] ?? ''}" ${message}`;
    });
    throw new ConfigError(lines.join('; '));
  }
  const { v6, host: plain, port } = listen.exec(parsed.data.SLUICE_LISTEN)!.groups!;
  const host = v6 ?? plain ?? '0.0.0.0';
  const tokens = tokensOf(parsed.data.SLUICE_TOKENS_FILE, readText);
  if (tokens === null && !isLoopback(host)) {
    throw new ConfigError(
      `SLUICE_LISTEN="${parsed.data.SLUICE_LISTEN}" is reachable from other machines, and there are no tokens: ` +
        'set SLUICE_TOKENS_FILE, or listen on 127.0.0.1.',
    );
  }
  return {
    host,
    port: Number(port),
    tokens,
    taskQueue: parsed.data.SLUICE_TASK_QUEUE,
    publicUrl: parsed.data.SLUICE_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    eventReaders: parsed.data.SLUICE_EVENT_READERS,
    patience: {
      endlessMs: milliseconds(parsed.data.SLUICE_OVERDUE_AFTER),
      share: parsed.data.SLUICE_OVERDUE_SHARE,
    },
    logLevel: parsed.data.SLUICE_LOG_LEVEL,
  };
}

/** localhost, 127.0.0.0/8 or ::1, as a host or as a URL spells it. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return (
    bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
  );
}

function tokensOf(
  file: string | undefined,
  readText: (file: string) => string,
): readonly TokenEntry[] | null {
  if (file === undefined) return null;
  let content: string;
  try {
    content = readText(file);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new ConfigError(`SLUICE_TOKENS_FILE="${file}" cannot be read: ${why}.`);
  }
  try {
    return parseTokens(content);
  } catch (error) {
    throw new ConfigError(`SLUICE_TOKENS_FILE="${file}": ${(error as Error).message}`);
  }
}
