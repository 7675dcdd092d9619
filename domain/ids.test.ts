import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds, durationText } from './duration.js';
import { canonicalJson, clusterTaskQueue, grayName, hashOf, releaseIdOfKey } from './ids.js';

describe('ids and names', () => {
  it('gives the same release to the same key', () => {
    expect(releaseIdOfKey('build-1')).toBe(releaseIdOfKey('build-1'));
    expect(releaseIdOfKey('build-1')).not.toBe(releaseIdOfKey('build-2'));
    expect(releaseIdOfKey('build-1')).toMatch(/^[0-9a-z]{12}$/);
  });

  it('keeps names within what Kubernetes allows, and two long names apart', () => {
    const long = (c: string): string => `${'a'.repeat(62)}${c}`;
    expect(grayName('shop', 'gray')).toBe('shop-gray');
    expect(grayName(long('x'), 'gray').length).toBeLessThanOrEqual(63);
    expect(grayName(long('x'), 'gray')).not.toBe(grayName(long('y'), 'gray'));
  });

  it('hashes values, not the order of their keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        expect(hashOf(reversed)).toBe(hashOf(value));
      }),
    );
    expect(canonicalJson({ b: 1, a: [undefined, { c: undefined }] })).toBe('{"a":[null,{}],"b":1}');
  });

  it('keeps the default cluster on the common queue and gives others one of their own', () => {
    expect(clusterTaskQueue('sluice', 'default')).toBe('sluice');
    expect(clusterTaskQueue('sluice', 'eu')).toBe('sluice-eu');
  });
});

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('%s is %d ms', (text, ms) => expect(milliseconds(text)).toBe(ms));

  it('refuses what is no duration', () =>
    expect(() => milliseconds('soon')).toThrow('"soon" is not a duration'));

  it('writes what it reads', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e9 }), (ms) => {
        expect(milliseconds(durationText(ms))).toBe(ms);
      }),
    );
  });
});
