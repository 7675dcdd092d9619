/** Structured logs that never carry a secret: by field name, by shape, and by value. */
import type { Logger as TemporalLogger, LogLevel } from '@temporalio/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { CatalogueError } from '../activities/failure.js';

export type { Logger } from 'pino';

export interface LogOptions {
  /** debug, info, warn, error or silent. Default info. */
  readonly level?: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

const masked = '***';
/** Fields whose whole value is dropped, at the top and one below. */
const secretFields = [
  'authorization',
  'Authorization',
  'cookie',
  'password',
  'passwd',
  'secret',
  'token',
  'accessToken',
  'access_token',
  'refresh_token',
  'apiKey',
  'api_key',
  'privateKey',
  'identitytoken',
  'auth',
  'credentials',
  'kubeconfig',
];

export function createLogger(options: LogOptions = {}): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((f) => [f, `*.${f}`]), censor: masked },
      serializers: { err: plainError, error: plainError, reason: plainError },
      // Last of all, on the finished line: nothing can be written around it, at whatever depth it hides.
      hooks: { streamWrite: maskLine },
    },
    options.destination ?? pino.destination(1),
  );
}

/** Temporal's own logs through the same masks: Runtime.install({ logger: temporalLogger(log) }). */
export function temporalLogger(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta: object = {}): void => {
    log[levels[level]](meta, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Every spelling in which a registered secret may turn up. */
const secrets = new Set<string>();

/** From now on this value is masked in every line, also in base64 and in addresses. Shorter than 4 characters: ignored. */
export function registerSecret(value: string): void {
  if (value.length < 4) return;
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  const spellings = [value, encodeURIComponent(value), Buffer.from(value).toString('base64')];
  for (const text of spellings) for (const s of [text, inJson(text), inJson(inJson(text))]) secrets.add(s);
}

const secretName =
  '(?:[\\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key)|authorization|cookie|auth)';

const shapes: readonly (readonly [RegExp, string | ((whole: string, ...groups: string[]) => string)])[] = [
  [/\b(bearer)\s+[\w.~+/=-]{4,}/gi, `$1 ${masked}`],
  [
    /\b(basic)\s+([\w+/-]{4,}={0,2})/gi,
    (whole, name, text) => (isUserInfo(text) ? `${name} ${masked}` : whole),
  ],
  // user:password@ in an address
  [/(:\/\/)[^\s/@"\\]+@/g, `$1${masked}@`],
  // A secret field below what redact sees, and one in a text that is JSON itself, where the quotes are escaped.
  [new RegExp(`("${secretName}"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*"`, 'gi'), `$1${masked}"`],
  [new RegExp(`((\\\\+)"${secretName}\\2"\\s*:\\s*\\2").*?(?<!\\\\)\\2"`, 'gi'), `$1${masked}$2"`],
  [/([?&](?:access_token|token|password|secret|api_?key|signature|sig)=)[^&\s"\\]+/gi, `$1${masked}`],
  // JSON web tokens, wherever they stand.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, masked],
];

/** Whether base64 holds user:password, and not just a word after "basic". */
function isUserInfo(base64: string | undefined): boolean {
  return /^[\x20-\x7e\u0080-\uffff]*:[^\0]*$/.test(Buffer.from(base64 ?? '', 'base64').toString('utf8'));
}

/** A finished line with all secrets masked; what was valid JSON stays valid JSON. Pure but for the registered values. */
export function maskLine(line: string): string {
  let text = line;
  // Longest first, so that one that contains another goes as a whole.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length))
    text = text.replaceAll(secret, masked);
  for (const [pattern, by] of shapes)
    text = typeof by === 'string' ? text.replace(pattern, by) : text.replace(pattern, by);
  return text;
}

/** Errors of clients carry whole requests; only what people need is logged. */
function plainError(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack } = value;
  const code = (value as NodeJS.ErrnoException).code;
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(value instanceof CatalogueError ? { failure: value.failure } : { stack }),
    ...(value.cause instanceof Error ? { cause: plainError(value.cause) } : {}),
  };
}
