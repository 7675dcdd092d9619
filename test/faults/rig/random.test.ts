import { describe, expect, it } from 'vitest';
import { schedule, seeded, seedOf } from './random.js';

describe('the random order of faults', () => {
  const names = ['worker', 'api', 'temporal', 'etcd', 'envoy'];

  it('is the same for the same seed, and another for another', () => {
    const orderOf = (seed: number): readonly string[] => schedule(seeded(seed), names, 40);
    expect(orderOf(7)).toEqual(orderOf(7));
    expect(orderOf(7)).not.toEqual(orderOf(8));
  });

  it('has each fault once before any comes again', () => {
    const order = schedule(seeded(3), names, 12);
    expect(new Set(order.slice(0, 5))).toEqual(new Set(names));
    expect(new Set(order.slice(5, 10))).toEqual(new Set(names));
    expect(order).toHaveLength(12);
  });

  it('draws whole numbers within both bounds, and each of them', () => {
    const random = seeded(1);
    const drawn = new Set(Array.from({ length: 200 }, () => random.between(3, 6)));
    expect([...drawn].toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6]);
  });

  it('takes the seed that is given, and a new one else', () => {
    expect(seedOf({ SLUICE_FAULT_SEED: '4711' })).toBe(4711);
    for (const text of ['', 'x', '-1', '1.5']) expect(seedOf({ SLUICE_FAULT_SEED: text })).toBeGreaterThan(0);
  });
});
