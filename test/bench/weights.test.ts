import { describe, expect, it } from 'vitest';
import { firstWeightAt, holdsOf, returnedAt, weightOf, type Seen, type VirtualService } from './weights.js';

const route = (...rules: [host: string, weight?: number][][]): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'app-0' },
  spec: {
    http: rules.map((rule) => ({
      route: rule.map(([host, weight]) => ({
        destination: { host },
        ...(weight === undefined ? {} : { weight }),
      })),
    })),
  },
});

describe('weightOf', () => {
  it.each([
    ['a rule to stable alone', route([['app-0']]), 0],
    [
      'Argo: the canary Service',
      route([
        ['app-0-stable', 90],
        ['app-0-canary', 10],
      ]),
      10,
    ],
    [
      'Flagger: the canary Service',
      route([
        ['app-0-primary', 80],
        ['app-0-canary', 20],
      ]),
      20,
    ],
    [
      'Sluice: the gray Service',
      route([
        ['app-0', 70],
        ['app-0-gray', 30],
      ]),
      30,
    ],
    [
      'gray in hand, with nothing on it',
      route([
        ['app-0', 100],
        ['app-0-gray', 0],
      ]),
      0,
    ],
    [
      'a rule of its own before it counts for nothing',
      route(
        [['app-0-gray']],
        [
          ['app-0', 60],
          ['app-0-gray', 40],
        ],
      ),
      40,
    ],
    [
      'a host in full',
      route([
        ['app-0.a.svc', 50],
        ['app-0-gray.a.svc.cluster.local', 50],
      ]),
      50,
    ],
    ['no rules', route(), 0],
  ])('%s', (_, object, expected) => {
    expect(weightOf(object)).toBe(expected);
  });
});

const seen = (...pairs: [at: number, weight: number][]): Seen[] =>
  pairs.map(([at, weight]) => ({ at, weight }));
const story = seen([100, 0], [1_000, 10], [4_010, 20], [7_100, 50], [10_000, 100], [10_500, 0]);

describe('what is read of the weights', () => {
  it('holds are the times between weights, without that of the promotion', () => {
    expect(holdsOf(story, 50)).toEqual([3_010, 3_090]);
  });

  it('one weight alone has no hold', () => {
    expect(holdsOf(seen([0, 0], [5, 10]), 50)).toEqual([]);
  });

  it('the first weight is the first above 0', () => {
    expect(firstWeightAt(story)).toBe(1_000);
    expect(firstWeightAt(seen([1, 0]))).toBeNull();
  });

  it('traffic has returned at the first 0 after that time', () => {
    expect(returnedAt(story, 5_000)).toBe(10_500);
    expect(returnedAt(story, 50)).toBe(100);
    expect(returnedAt(story, 11_000)).toBeNull();
  });
});
