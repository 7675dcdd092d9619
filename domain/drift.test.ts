import { describe, expect, it } from 'vitest';
import { driftOf, type Expectation } from './drift.js';
import type { GrayTrack, Live, LiveWorkload } from './environment.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [a, b] = [digest('a'), digest('b')];
const workload = (change: Partial<LiveWorkload> = {}): LiveWorkload => ({
  name: 'web',
  image: `registry/shop@${a}`,
  digest: a,
  replicas: 2,
  ready: 2,
  ...change,
});
const gray = (release: string): GrayTrack => ({
  ...workload({ name: 'web-gray', digest: b }),
  lane: 'gray',
  release,
});
const after = (change: Partial<Expectation> = {}): Expectation => ({
  deployment: 'web',
  released: { release: 'r1', digest: a },
  running: null,
  ...change,
});
const live = (stable: LiveWorkload | null, ...tracks: readonly GrayTrack[]): Live => ({
  stable,
  gray: tracks,
});

describe('drift', () => {
  it.each<[string, Expectation, Live, readonly string[]]>([
    ['is none where the released digest runs', after(), live(workload()), []],
    [
      'is none where its pods run it by another name',
      after(),
      live(workload({ image: 'mirror/shop:v1' })),
      [],
    ],
    ['is none where pods are missing: that is no other version', after(), live(workload({ ready: 0 })), []],
    ['is none where nothing was released', after({ released: null }), live(workload({ digest: b })), []],
    ['is none where nothing was released and nothing is', after({ released: null }), live(null), []],
    [
      'is another digest',
      after(),
      live(workload({ image: `registry/shop@${b}`, digest: b })),
      [`runs registry/shop@${b}, not what release r1 left (${a})`],
    ],
    [
      'is another digest behind a tag',
      after(),
      live(workload({ image: 'registry/shop:v1', digest: b })),
      [`runs registry/shop:v1 (${b}), not what release r1 left (${a})`],
    ],
    [
      'is a tag of which no pod tells the digest',
      after(),
      live(workload({ image: 'registry/shop:v1', digest: null })),
      [`runs registry/shop:v1 with a digest that is not known, not what release r1 left (${a})`],
    ],
    [
      'is a container that went',
      after(),
      live(workload({ image: null, digest: null })),
      [`the Deployment web has no container to be released, not what release r1 left (${a})`],
    ],
    ['is a Deployment that is gone', after(), live(null), ['the Deployment web is gone']],
    [
      'is a Deployment that is gone, whatever is at work',
      after({ running: 'r2' }),
      live(null),
      ['the Deployment web is gone'],
    ],
    [
      'is not what the release at work makes of stable',
      after({ running: 'r2' }),
      live(workload({ digest: b })),
      [],
    ],
    [
      'is not the gray track of the release at work',
      after({ running: 'r2' }),
      live(workload(), gray('r2')),
      [],
    ],
    [
      'is a gray track without a release',
      after(),
      live(workload(), gray('r2')),
      ['a gray Deployment web-gray of release r2 stands although no release is at work'],
    ],
    [
      'is a gray track of another release',
      after({ running: 'r3' }),
      live(workload(), gray('r2')),
      ['a gray Deployment web-gray of release r2 stands although release r3 is at work'],
    ],
    [
      'is all that differs, stable first',
      after(),
      live(null, gray('r2'), gray('r3')),
      [
        'the Deployment web is gone',
        'a gray Deployment web-gray of release r2 stands although no release is at work',
        'a gray Deployment web-gray of release r3 stands although no release is at work',
      ],
    ],
  ])('%s', (_, expected, seen, said) => {
    expect(driftOf(expected, seen)).toEqual(said);
  });
});
