import { describe, expect, it } from 'vitest';
import { sizeOf } from './gray-size.js';

describe('the size of gray', () => {
  it.each<[string, { replicas: number; weight?: number }, number | null, number]>([
    ['is what the plan says while stable is what it was', { replicas: 1, weight: 50 }, 2, 1],
    ['follows stable that an autoscaler made larger', { replicas: 1, weight: 50 }, 6, 3],
    ['is at least that of stable where gray gets everything', { replicas: 2, weight: 100 }, 5, 5],
    [
      'does not follow stable that is smaller, as gray took some of its requests',
      { replicas: 5, weight: 50 },
      4,
      5,
    ],
    ['is never nothing, also beside a stable of 0', { replicas: 1, weight: 10 }, 0, 1],
    ['is what was declared where no weight is given', { replicas: 3 }, 10, 3],
    ['is what the plan says where stable is gone', { replicas: 2, weight: 100 }, null, 2],
  ])('%s', (_, size, stable, expected) => {
    expect(sizeOf(size, stable)).toBe(expected);
  });
});
