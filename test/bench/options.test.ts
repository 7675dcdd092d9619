import { describe, expect, it } from 'vitest';
import { optionsOf } from './options.js';

const nothing = {
  candidates: ['sluice', 'argo', 'argo-tuned', 'flagger'],
  sizes: null,
  extras: true,
  only: null,
  out: null,
  record: false,
  profile: false,
  build: true,
};

describe('optionsOf', () => {
  it.each([
    ['nothing: everything', [], nothing],
    ['some candidates', ['--candidates', 'sluice,argo'], { ...nothing, candidates: ['sluice', 'argo'] }],
    ['some sizes', ['--sizes', '1,50'], { ...nothing, sizes: [1, 50] }],
    ['another file', ['--out', 'x.json'], { ...nothing, out: 'x.json' }],
    ['a lane alone', ['--only', 'lane'], { ...nothing, candidates: ['sluice'], only: 'lane' }],
    ['the record', ['--record'], { ...nothing, record: true }],
    [
      'neither extras nor a build',
      ['--no-extras', '--no-build'],
      { ...nothing, extras: false, build: false },
    ],
  ])('%s', (_, args, expected) => {
    expect(optionsOf(args)).toEqual(expected);
  });

  it.each([
    [['--candidates', 'kayenta'], 'unknown candidate kayenta; known: sluice, argo, argo-tuned, flagger'],
    [['--sizes', '0'], '--sizes takes whole numbers from 1 to 1000, not 0'],
    [['--sizes', '1,x'], 'not x'],
    [['--record', '--out', 'x.json'], '--record and --out exclude each other'],
    [['--only', 'starts'], '--only takes lane, not starts'],
    [['--only', 'lane', '--record'], '--only excludes --record and --no-extras'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j is refused', (args, why) => {
    expect(() => optionsOf(args)).toThrow(why);
  });
});
