import { describe, expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import { CatalogueError, describe as told, toApplicationFailure } from './failure.js';

const coded = (code: string, message: string, cause?: Error): Error =>
  Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });

describe('an error in words', () => {
  it.each([
    ['its message', new Error('no'), 'no'],
    ['its code before it', coded('EPIPE', 'broken'), 'EPIPE broken'],
    ['its code once', coded('ENOTFOUND', 'getaddrinfo ENOTFOUND x'), 'getaddrinfo ENOTFOUND x'],
    [
      'its cause behind it',
      new Error('fetch failed', { cause: coded('ECONNREFUSED', 'refused') }),
      'fetch failed: ECONNREFUSED refused',
    ],
    ['the same thing once', coded('ENOTFOUND', 'ENOTFOUND x', new Error('ENOTFOUND x')), 'ENOTFOUND x'],
    ['anything else as text', 'no', 'no'],
  ])('has %s', (_, error, text) => expect(told(error)).toBe(text));
});

describe('an error as Temporal carries it', () => {
  it('is terminal or retried as the catalogue says', () => {
    const denied = new CatalogueError(failure('registry_denied', { registry: 'r', answer: '403' }));
    const away = new CatalogueError(failure('registry_unreachable', { registry: 'r', why: 'x' }), 1_500);
    expect(toApplicationFailure(denied)).toMatchObject({ type: 'registry_denied', nonRetryable: true });
    expect(toApplicationFailure(away)).toMatchObject({
      type: 'registry_unreachable',
      nonRetryable: false,
      nextRetryDelay: 1_500,
    });
  });

  it('P12: carries neither the error itself nor its cause, which may hold a request with its headers', () => {
    const error = Object.assign(new Error('request failed'), {
      config: { headers: { authorization: 'Bearer hush' } },
    });
    const failed = toApplicationFailure(error);
    expect(failed.cause).toBeUndefined();
    expect(JSON.stringify(failed)).not.toContain('hush');
    expect(failed).toMatchObject({ type: 'internal', nonRetryable: false });
  });
});
