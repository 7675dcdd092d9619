import { describe, expect, it } from 'vitest';
import { maskManifest, maskText } from './mask.js';

describe('a masked text', () => {
  it.each([
    ['an assignment', 'DB_PASSWORD=hunter2 ok', 'DB_PASSWORD=*** ok'],
    ['a field of JSON', '{"apiKey": "hunter2"}', '{"apiKey": "***"}'],
    ['an address', 'postgres://app:hunter2@db/x', 'postgres://***@db/x'],
    ['a header', 'authorization: Bearer hunter2', 'authorization: Bearer ***'],
    ['nothing where nothing is secret', 'exit code 1: no such table', 'exit code 1: no such table'],
  ])('hides %s', (_, text, expected) => {
    expect(maskText(text)).toBe(expected);
  });
  it('keeps the last thousand characters', () => {
    expect(maskText(`${'a'.repeat(2000)}end`)).toHaveLength(1000);
    expect(maskText(`${'a'.repeat(2000)}end`)).toMatch(/end$/);
  });
});

describe('a masked manifest', () => {
  it('hides literal values of secret-like variables and arguments, and keeps references', () => {
    const env = [
      { name: 'API_TOKEN', value: 'hunter2' },
      { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
      { name: 'LOG', value: 'debug' },
      { name: 'DSN', value: 'amqp://u:hunter2@mq' },
    ];
    const container = {
      name: 'app',
      env,
      args: ['--db-password', 'hunter2', '--token=hunter2', '--port', '80'],
    };
    const masked = maskManifest({ spec: { containers: [container] } });
    expect(masked).toEqual({
      spec: {
        containers: [
          {
            name: 'app',
            env: [
              { name: 'API_TOKEN', value: '***' },
              env[1],
              env[2],
              { name: 'DSN', value: 'amqp://***@mq' },
            ],
            args: ['--db-password', '***', '--token=***', '--port', '80'],
          },
        ],
      },
    });
  });
});
