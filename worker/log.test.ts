import { AxiosError, AxiosHeaders } from 'axios';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import { CatalogueError } from '../activities/failure.js';
import { createLogger, maskLine, registerSecret, temporalLogger, type Logger } from './log.js';

/** With a quote, which is escaped on its way into a line. */
const quoting = 'pa"ss-0123456789';
const token = 'tk-0123456789-secret-abcdef';

/** What a logger writes, line by line. */
function recorded(write: (log: Logger) => void): string {
  const lines: string[] = [];
  write(createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) } }));
  for (const line of lines) JSON.parse(line);
  return lines.join('');
}

const requestError = (): AxiosError =>
  new AxiosError('Request failed', 'ERR_BAD_REQUEST', {
    url: `https://me:${token}@registry.example/v2/?token=${token}`,
    headers: new AxiosHeaders({ authorization: `Bearer ${token}` }),
  });

describe('a token never appears in a log', () => {
  const ways: [string, (log: Logger) => void][] = [
    ['as a field', (log) => log.info({ token }, 'x')],
    [
      'as the whole value of a secret field',
      (log) => log.info({ credentials: { user: 'me', value: token } }, 'x'),
    ],
    ['as a field of a field', (log) => log.info({ request: { authorization: token } }, 'x')],
    ['deep in a field', (log) => log.info({ a: { b: { c: [{ 'db-password': token }] } } }, 'x')],
    ['as a header', (log) => log.info({ headers: { authorization: `Bearer ${token}` } }, 'x')],
    [
      'as a raw header far down',
      (log) => log.info({ a: { b: { c: ['authorization', `Bearer ${token}`] } } }, 'x'),
    ],
    ['as a bearer token in the message', (log) => log.info(`sent Authorization: bearer ${token} to it`)],
    [
      'as basic auth in the message',
      (log) => log.info(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`),
    ],
    ['as a password in an address', (log) => log.info({ url: `http://me:${token}@prometheus:9090/x` }, 'x')],
    ['as a user in an address', (log) => log.info(`https://${token}@git.example/repository`)],
    [
      'as a parameter of an address',
      (log) => log.info({ url: `http://x/?a=1&access_token=${token}&b=2` }, 'x'),
    ],
    ['in a text that is JSON', (log) => log.info({ body: JSON.stringify({ token, more: 1 }) }, 'x')],
    [
      'in a text that is JSON in JSON',
      (log) => log.info({ a: JSON.stringify({ b: JSON.stringify({ token }) }) }, 'x'),
    ],
    ['in an error of a client', (log) => log.error({ err: requestError() }, 'x')],
    ['in an error as first argument', (log) => log.error(requestError())],
    ['in an error under another name', (log) => log.error({ problem: requestError() }, 'x')],
    ['in the cause of an error', (log) => log.error({ err: new Error('x', { cause: requestError() }) }, 'x')],
    [
      'in what a child logger is bound to',
      (log) => log.child({ token, headers: { cookie: token } }).info('x'),
    ],
    ['in what the SDK logs', (log) => temporalLogger(log).warn('failed', { error: requestError(), token })],
  ];
  it.each(ways)('%s', (_, write) => {
    const text = recorded(write);
    expect(text).not.toContain(token);
    expect(text).not.toContain(Buffer.from(`me:${token}`).toString('base64'));
  });

  it('not even the end of one that holds a quote', () => {
    const text = recorded((log) => {
      log.info({ a: { b: { c: { password: quoting } } } }, 'x');
      log.info({ body: JSON.stringify({ x: [{ password: quoting, more: 'kept' }] }) }, 'x');
    });
    expect(text).not.toContain('0123456789');
    expect(text).toContain('kept');
  });

  it('as a web token without any name', () => {
    const jwt = `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(40)}`;
    expect(recorded((log) => log.info(`got ${jwt}`))).not.toContain('aaaa');
  });
});

describe('a registered secret never appears, whatever it is and wherever it stands', () => {
  it('in any field, message, address or encoding', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }), (secret) => {
        fc.pre(secret.trim().length >= 8);
        registerSecret(secret);
        const text = recorded((log) => {
          log.info({ note: `before ${secret} after`, list: [secret], [`k${secret}`]: 1 }, secret);
          log.info(`http://x/?q=${encodeURIComponent(secret)} ${Buffer.from(secret).toString('base64')}`);
          log.info({ body: JSON.stringify({ x: secret }) });
        });
        expect(text).not.toContain(secret);
        expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(text).not.toContain(Buffer.from(secret).toString('base64'));
      }),
      { numRuns: 30 },
    );
  });

  it('but one that is too short to be one is ignored', () => {
    registerSecret('');
    registerSecret('inf');
    expect(recorded((log) => log.info('info'))).toContain('"info"');
  });
});

describe('a line', () => {
  it('has a time, a level by name, its fields and a message', () => {
    const line = JSON.parse(
      recorded((log) => log.info({ release: 'r1', weight: 10 }, 'weight set')) || '{}',
    ) as object;
    expect(line).toMatchObject({ level: 'info', release: 'r1', weight: 10, msg: 'weight set' });
    expect(line).toHaveProperty('time', expect.stringMatching(/^\d{4}-/) as unknown);
  });
  it('keeps what is no secret', () => {
    const plain =
      '{"tokens":3,"planHash":"abc","author":"me","url":"http://prometheus:9090/x","msg":"a basic check"}';
    expect(maskLine(plain)).toBe(plain);
  });
  it('has the failure of the catalogue instead of a stack', () => {
    const error = new CatalogueError(failure('cluster_unreachable', { cluster: 'c', why: 'ECONNREFUSED' }));
    const text = recorded((log) => log.error({ err: error }, 'x'));
    expect(text).toContain('"code":"cluster_unreachable"');
    expect(text).not.toContain('"stack"');
  });
  it('below the level is not written', () => {
    expect(recorded((log) => log.trace('x'))).toBe('');
  });
});
