import { describe, expect, it } from 'vitest';
import { mean, quantile, rounded, summary } from './statistics.js';

describe('quantile', () => {
  it.each([
    ['the median of an odd count is the middle one', [3, 1, 2], 0.5, 2],
    ['the median of an even count is the lower of the two in the middle', [4, 1, 3, 2], 0.5, 2],
    [
      'the 95th percentile of twenty is the nineteenth',
      Array.from({ length: 20 }, (_, i) => i + 1),
      0.95,
      19,
    ],
    ['the 0th is the smallest', [5, 9, 7], 0, 5],
    ['the 100th is the largest', [5, 9, 7], 1, 9],
    ['one value is every quantile', [7], 0.95, 7],
  ])('%s', (_, values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('leaves its input as it was', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('summary', () => {
  it('has no answer for nothing', () => {
    expect(summary([])).toBeNull();
  });

  it('counts and orders', () => {
    expect(summary([10, 30, 20])).toEqual({ count: 3, min: 10, p50: 20, p95: 30, p99: 30, max: 30 });
  });
});

it('the mean is the sum by the count', () => {
  expect(mean([1, 2, 6])).toBe(3);
});

it.each([
  [3.04, 1, 3],
  [3.06, 1, 3.1],
  [9.6, 0, 10],
])('%d with %d digits is %d', (value, digits, expected) => {
  expect(rounded(value, digits)).toBe(expected);
});
