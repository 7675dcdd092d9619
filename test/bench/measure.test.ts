import { describe, expect, it } from 'vitest';
import { needsOf } from './candidates/known.js';
import { roundsOf } from './measure.js';

describe('roundsOf', () => {
  it.each([
    ['one release is repeated', 'argo', 1, { warmUp: 0, good: 3, bad: 3, idle: 20 }],
    ['one of Sluice after a round that warms it up', 'sluice', 1, { warmUp: 1, good: 3, bad: 3, idle: 20 }],
    ['one of Flagger takes minutes', 'flagger', 1, { warmUp: 0, good: 1, bad: 1, idle: 20 }],
    ['after 1 and 50 it is looked at what goes on', 'sluice', 50, { warmUp: 0, good: 1, bad: 1, idle: 20 }],
    ['200 are many enough', 'argo-tuned', 200, { warmUp: 0, good: 1, bad: 1, idle: 0 }],
    [
      'of 500 the first have ended before the last begin',
      'sluice',
      500,
      { warmUp: 0, good: 1, bad: 0, idle: 0 },
    ],
  ] as const)('%s', (_, name, count, expected) => {
    expect(roundsOf(name, count)).toEqual(expected);
  });
});

describe('needsOf', () => {
  it.each([
    ['Sluice needs no peer', ['sluice'], []],
    ['Argo twice is one binary', ['argo', 'argo-tuned'], ['rollouts-controller']],
    ['all', ['sluice', 'argo', 'argo-tuned', 'flagger'], ['rollouts-controller', 'flagger']],
  ] as const)('%s', (_, names, peers) => {
    expect(needsOf(names).peers).toEqual(peers);
  });
});
