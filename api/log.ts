/** One line of JSON per request or event; never a header that carries a credential. */
import { pino } from 'pino';

/** The part of a logger that is used here. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

const secret = ['authorization', 'cookie', '*.authorization', '*.cookie', 'token', '*.token', '*.apiKey'];

export const createLog = (level: string): Logger =>
  pino({ name: 'sluice-api', level, base: null, redact: { paths: secret, censor: '[hidden]' } });

export const silentLog: Logger = {
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};
