import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { apiConfig, ConfigError, isLoopback } from './config.js';

const tokens = JSON.stringify([{ name: 'alice', token: 'alice-secret', roles: ['admin'] }]);
const readTokens = (): string => tokens;

function refusal(env: Record<string, string>, read = readTokens): string {
  try {
    apiConfig(env, read);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no refusal';
}

describe('apiConfig', () => {
  it('listens on this machine only unless told otherwise', () => {
    expect(apiConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      tokens: null,
      taskQueue: 'sluice',
      publicUrl: null,
      eventReaders: 500,
      patience: { endlessMs: 900_000, share: 50 },
      logLevel: 'info',
    });
  });

  it.each([
    ['127.0.0.1:9000', '127.0.0.1', 9000],
    ['localhost:0', 'localhost', 0],
    ['[::1]:80', '::1', 80],
    ['127.3.4.5:1', '127.3.4.5', 1],
  ])('reads SLUICE_LISTEN=%s', (text, host, port) => {
    expect(apiConfig({ SLUICE_LISTEN: text })).toMatchObject({ host, port });
  });

  it.each(['0.0.0.0:8080', ':8080', '[::]:8080', '10.0.0.4:80', 'sluice.example:80'])(
    'refuses to listen on %s without tokens, and says what to do',
    (text) => {
      expect(refusal({ SLUICE_LISTEN: text })).toMatch(/no tokens: set SLUICE_TOKENS_FILE, or listen on 127/);
    },
  );

  it('listens anywhere with tokens', () => {
    const config = apiConfig({ SLUICE_LISTEN: ':80', SLUICE_TOKENS_FILE: '/tokens' }, readTokens);
    expect(config).toMatchObject({ host: '0.0.0.0', port: 80 });
    expect(config.tokens).toHaveLength(1);
  });

  it.each([
    ['a port alone', { SLUICE_LISTEN: '8080' }, 'SLUICE_LISTEN="8080" must be host:port'],
    ['a port that cannot be', { SLUICE_LISTEN: '127.0.0.1:70000' }, 'port above 65535'],
    ['an address that is none', { SLUICE_PUBLIC_URL: 'sluice' }, 'SLUICE_PUBLIC_URL="sluice" must be'],
    ['readers in words', { SLUICE_EVENT_READERS: 'many' }, 'SLUICE_EVENT_READERS="many" must be a number'],
    ['an unknown level', { SLUICE_LOG_LEVEL: 'loud' }, 'SLUICE_LOG_LEVEL="loud" must be one of'],
    ['an empty queue', { SLUICE_TASK_QUEUE: '' }, 'SLUICE_TASK_QUEUE="" must not be empty'],
  ])('names the variable for %s', (_, env, message) => {
    expect(refusal(env)).toContain(message);
  });

  it('names every wrong variable at once', () => {
    expect(refusal({ SLUICE_LISTEN: 'x', SLUICE_LOG_LEVEL: 'y' })).toMatch(/SLUICE_LISTEN.*SLUICE_LOG_LEVEL/);
  });

  it.each([
    ['no list', 'tokens: 1', 'entry (all)'],
    ['an empty list', '[]', 'no tokens in it'],
    ['a short token', '[{name: a, token: short, roles: [admin]}]', 'entry 0.token: is shorter than 8'],
    ['no token', '[{name: a, roles: [admin]}]', 'needs either token or tokenSha256'],
    ['an unknown role', '[{name: a, token: long-enough, roles: [root]}]', 'entry 0.roles.0'],
    ['a half digest', '[{name: a, tokenSha256: abc, roles: [admin]}]', 'is not 64 hex digits'],
    ['neither YAML nor JSON', '[{', 'neither YAML nor JSON'],
  ])('refuses a tokens file with %s, without quoting a token', (_, content, message) => {
    const said = refusal({ SLUICE_TOKENS_FILE: '/tokens' }, () => content);
    expect(said).toContain('SLUICE_TOKENS_FILE="/tokens"');
    expect(said).toContain(message);
    expect(said).not.toMatch(/short,|long-enough/);
  });

  it('says which tokens file cannot be read', () => {
    expect(() => apiConfig({ SLUICE_TOKENS_FILE: '/nowhere/tokens' })).toThrow(/cannot be read: ENOENT/);
  });

  it('keeps digests, never tokens', () => {
    const config = apiConfig({ SLUICE_TOKENS_FILE: '/tokens' }, readTokens);
    expect(JSON.stringify(config)).not.toContain('alice-secret');
    expect(config.tokens?.[0]?.digest).toEqual(createHash('sha256').update('alice-secret').digest());
  });
});

describe('isLoopback', () => {
  it.each([
    ['localhost', true],
    ['sluice.localhost', true],
    ['127.0.0.1', true],
    ['[::1]', true],
    ['0.0.0.0', false],
    ['127.evil.example', false],
    ['localhost.evil.example', false],
    ['10.0.0.1', false],
  ])('%s: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
