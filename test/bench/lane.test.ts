import { describe, expect, it } from 'vitest';
import { laneRatio, roundOf, type LaneRound } from './lane.js';

const seen = (...times: [at: number, weight: number][]) => times.map(([at, weight]) => ({ at, weight }));

describe('what routes of a lane went through', () => {
  it('counts to the last of them, each weight for itself, and leaves out what carries nothing', () => {
    const one = seen([900, 0], [1_040, 10], [4_050, 20], [9_000, 0]);
    const other = seen([1_010, 10], [4_070, 20]);
    expect(roundOf([one, other], 1_000, 3_000)).toEqual({
      approvedMs: 40,
      lateMs: [30],
      spreadMs: [30, 20],
    });
  });

  it.each([
    ['another weight', seen([1, 10]), seen([1, 20])],
    ['fewer', seen([1, 10], [2, 20]), seen([1, 10])],
    ['none', seen([1, 0]), seen([1, 0])],
  ])('is not taken where one has %s', (_, one, other) => {
    expect(() => roundOf([one, other], 0, 0)).toThrow('different ways');
  });
});

describe('the ratio', () => {
  const rounds = (...all: number[]): LaneRound[] =>
    all.map((approvedMs) => ({ approvedMs, lateMs: [], spreadMs: [] }));

  it('is of the medians', () => {
    expect(laneRatio({ alone: rounds(40, 400, 50), together: rounds(60, 75, 700) })).toBe(1.5);
  });

  it('is unknown where nothing was measured', () => {
    expect(laneRatio({ alone: rounds(40), together: [] })).toBeNull();
  });
});
