import { describe, expect, it } from 'vitest';
import { samplePlan } from '../test/fakes/release-view.js';
import { firstWeight, sizeFor } from './gray.js';
import { nothingReached } from './steps.js';

const stage = samplePlan().stages[0]!;
const target = stage.targets[0]!;

describe('the size that gray is brought to', () => {
  it.each<[string, 'auto' | number, number, { replicas: number; weight: number }, number]>([
    ['is the planned one while nobody has looked at stable', 'auto', 0, { replicas: 1, weight: 50 }, 1],
    ['is the share of the most that stable had', 'auto', 6, { replicas: 1, weight: 50 }, 3],
    ['is the planned one where stable has fewer', 'auto', 2, { replicas: 3, weight: 50 }, 3],
    ['is the declared one, whatever stable has', 2, 6, { replicas: 2, weight: 100 }, 2],
  ])('%s', (_, grayReplicas, stableReplicas, size, expected) => {
    const reached = { ...nothingReached(), stableReplicas: new Map([[target.application, stableReplicas]]) };
    expect(sizeFor({ ...target, grayReplicas }, reached, size)).toBe(expected);
  });

  it('is the one that is planned for the application, where there are several', () => {
    const size = { replicas: 5, sizes: { [target.application]: 3 }, weight: 50 };
    expect(sizeFor(target, nothingReached(), size)).toBe(3);
  });

  it('is at first that of the first weight, or whole where there is none', () => {
    expect(firstWeight(stage)).toBe(50);
    expect(firstWeight({ ...stage, steps: [] })).toBe(100);
  });
});
