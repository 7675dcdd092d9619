import { describe, expect, it } from 'vitest';
import { isOlder } from './versions.js';

describe('a resource version', () => {
  it.each<[string, string | undefined, string | undefined, boolean]>([
    ['is older than one that came after it, however long they are', '999', '1000', true],
    ['is not older than itself', '7', '7', false],
    ['is not older than one before it', '18446744073709551617', '18446744073709551616', false],
    ['that is no number says nothing', 'abc', '7', false],
    ['that is not there says nothing', undefined, '7', false],
  ])('%s', (_, a, b, expected) => {
    expect(isOlder(a, b)).toBe(expected);
  });
});
