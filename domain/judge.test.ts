import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyTally, type AnalysisSettings, type Metric, type Sample, type Tally } from './analysis.js';
import { defaultAnalysis } from './application.js';
import { advance, check, conclude, decisionOf, measure } from './judge.js';

const asked = { queries: [{ query: 'q', answer: 'a' }], error: false };
const away = { queries: [], error: true };
const errors: Metric = { name: 'errors', builtin: 'error-rate', max: 1, hardMax: 20 };
const own: Metric = { name: 'own', counts: { total: 't', errors: 'e' }, max: 5 };
const latency: Metric = { name: 'p99', builtin: 'latency-p99', max: 500 };
const value: Metric = { name: 'queue', value: 'q', min: 2, max: 8, minRequests: 0 };
const counts = (total: number | null, failed: number | null, note?: string): Sample => ({
  total,
  errors: failed,
  value: null,
  ...(note === undefined ? {} : { note }),
});
const one = (found: number | null, total: number | null = null): Sample => ({
  total,
  errors: null,
  value: found,
});

describe('measure', () => {
  const table: [string, Metric, Sample, boolean, 'pass' | 'fail' | 'inconclusive', RegExp][] = [
    [
      'a source that is away is inconclusive',
      errors,
      counts(null, null, 'refused'),
      true,
      'inconclusive',
      /^refused$/,
    ],
    [
      'a source that is away without a note still says so',
      errors,
      counts(100, 0),
      true,
      'inconclusive',
      /did not answer/,
    ],
    [
      'a stale sample is inconclusive, even with good numbers',
      errors,
      counts(100, 0, 'stale: 90 s'),
      false,
      'inconclusive',
      /stale/,
    ],
    [
      'a negative number of requests makes no sense',
      errors,
      counts(-1, 0),
      false,
      'inconclusive',
      /no sense/,
    ],
    ['no data on the total is inconclusive', errors, counts(null, 0), false, 'inconclusive', /no data/],
    ['a total of NaN is inconclusive', errors, counts(Number.NaN, 0), false, 'inconclusive', /NaN/],
    ['an infinite total is inconclusive', errors, counts(Infinity, 0), false, 'inconclusive', /Infinity/],
    [
      'a value without a sample size needs minRequests 0',
      latency,
      one(10),
      false,
      'inconclusive',
      /minRequests: 0/,
    ],
    [
      'too few requests are inconclusive',
      errors,
      counts(9, 0),
      false,
      'inconclusive',
      /9 request\(s\).*at least 10/,
    ],
    [
      'too few requests are inconclusive although all failed',
      errors,
      counts(9, 9),
      false,
      'inconclusive',
      /at least 10/,
    ],
    [
      'no requests are inconclusive although none are needed',
      { ...errors, minRequests: 0 },
      counts(0, 0),
      false,
      'inconclusive',
      /no requests/,
    ],
    [
      'no data on the errors is inconclusive, not zero errors',
      errors,
      counts(100, null),
      false,
      'inconclusive',
      /errors is unknown/,
    ],
    ['negative errors make no sense', errors, counts(100, -2), false, 'inconclusive', /-2 errors/],
    ['no value is inconclusive', value, one(null), false, 'inconclusive', /value is unknown/],
    ['a value of NaN is inconclusive', value, one(Number.NaN), false, 'inconclusive', /NaN/],
    ['an infinite value is inconclusive', value, one(-Infinity), false, 'inconclusive', /-Infinity/],
    [
      'above the hard limit fails',
      errors,
      counts(100, 21),
      false,
      'fail',
      /21 % \(21 of 100 requests\), above the hard limit of 20 %/,
    ],
    ['at the hard limit it is only above max', errors, counts(100, 20), false, 'fail', /above 1 %/],
    ['only errors fail', errors, counts(40, 40), false, 'fail', /100 %/],
    ['above max fails', errors, counts(1000, 11), false, 'fail', /1.1 % .*above 1 %/],
    ['exactly max passes', errors, counts(1000, 10), false, 'pass', /within bounds/],
    ['more errors than requests count as all', own, counts(10, 10.4), false, 'fail', /100 %/],
    ['own counts are compared in percent', own, counts(100, 5), false, 'pass', /5 %/],
    [
      'latency is compared in milliseconds',
      latency,
      one(500.4, 20),
      false,
      'fail',
      /500.4 ms \(20 requests\), above 500 ms/,
    ],
    ['exactly min passes', value, one(2), false, 'pass', /2, within/],
    ['below min fails', value, one(1.9), false, 'fail', /1.9, below 2/],
    [
      'a metric without bounds is never passed',
      { name: 'x', value: 'q', minRequests: 0 },
      one(1),
      false,
      'inconclusive',
      /neither min nor max/,
    ],
    [
      'a hard limit alone is a bound',
      { name: 'x', value: 'q', minRequests: 0, hardMax: 3 },
      one(3),
      false,
      'pass',
      /within/,
    ],
  ];
  it.each(table)('%s', (_, metric, sample, error, verdict, why) => {
    const found = measure(metric, sample, { ...asked, error });
    expect(found.verdict).toBe(verdict);
    expect(found.why).toMatch(why);
    expect(found.error).toBe(error);
    expect(found.queries).toEqual(asked.queries);
  });

  it('marks only what is above the hard limit as hard', () => {
    expect(measure(errors, counts(100, 21), asked).hard).toBe(true);
    expect(measure(errors, counts(100, 20), asked).hard).toBe(false);
    expect(measure(errors, counts(9, 9), asked).hard).toBe(false);
  });

  it('never passes or fails without whole data, whatever the bounds', () => {
    const doubt = fc.constantFrom(null, Number.NaN, Infinity, -Infinity);
    const metric = fc.record(
      {
        name: fc.constant('m'),
        min: fc.double(),
        max: fc.double(),
        hardMax: fc.double(),
        minRequests: fc.nat(),
      },
      { requiredKeys: ['name'] },
    );
    fc.assert(
      fc.property(metric, doubt, fc.nat(), fc.boolean(), (bounds, gap, n, first) => {
        const ratio = { ...bounds, builtin: 'error-rate' } as Metric;
        expect(measure(ratio, first ? counts(gap, n) : counts(n, gap), asked).verdict).toBe('inconclusive');
        expect(measure({ ...bounds, value: 'q' }, one(gap, n), asked).verdict).toBe('inconclusive');
        expect(measure(ratio, counts(n, n, 'a note'), asked).verdict).toBe('inconclusive');
        expect(measure(ratio, counts(n, n), away).verdict).toBe('inconclusive');
      }),
    );
  });
});

const pass = measure(errors, counts(100, 0), asked);
const bad = measure(errors, counts(100, 5), asked);
const hard = measure(errors, counts(100, 50), asked);
const few = measure(errors, counts(1, 0), asked);
const gone = measure(errors, counts(null, null, 'Prometheus is away'), away);

describe('check', () => {
  it('fails when one fails', () => expect(check('t', [pass, few, bad]).verdict).toBe('fail'));
  it('is inconclusive when one is and none fails', () =>
    expect(check('t', [pass, few]).verdict).toBe('inconclusive'));
  it('passes when all pass', () => expect(check('t', [pass, pass]).verdict).toBe('pass'));
  it('is inconclusive when nothing was measured', () => expect(check('t', []).verdict).toBe('inconclusive'));
});

const run = (seen: readonly (typeof pass)[], settings: AnalysisSettings): Tally =>
  seen.reduce((tally, m, i) => advance(tally, check(`t${i}`, [m]), settings).tally, emptyTally);
const tolerant: AnalysisSettings = { ...defaultAnalysis, failureLimit: 2, consecutiveErrorLimit: 2 };

describe('advance', () => {
  it('fails at the first failed check by default', () => {
    expect(advance(emptyTally, check('t', [bad]), defaultAnalysis).decision).toBe('fail');
  });
  it('forgives as many failures in total as allowed, passes between them or not', () => {
    expect(decisionOf(run([bad, pass, bad], tolerant), tolerant)).toBe('go-on');
    expect(decisionOf(run([bad, pass, bad, pass, bad], tolerant), tolerant)).toBe('fail');
  });
  it('fails at once on a hard limit whatever is forgiven', () => {
    expect(advance(emptyTally, check('t', [hard]), tolerant).decision).toBe('fail');
  });
  it('never fails on what it could not see', () => {
    expect(decisionOf(run([gone, few, gone, gone, gone, gone], tolerant), tolerant)).toBe('go-on');
  });
  it('starts counting errors anew after an answer', () => {
    expect(run([gone, gone, pass], tolerant).consecutiveErrors).toBe(0);
  });
  it('keeps the count once more errors came in a row than are forgiven', () => {
    expect(run([gone, gone, gone, pass, pass], tolerant).consecutiveErrors).toBe(3);
  });
});

describe('conclude', () => {
  const table: [string, readonly (typeof pass)[], 'pass' | 'fail' | 'inconclusive', RegExp][] = [
    ['nothing checked is inconclusive', [], 'inconclusive', /nothing was checked/],
    ['a hard limit in the last check fails', [pass, hard], 'fail', /hard limit/],
    ['more failures than forgiven fail', [bad, bad, bad], 'fail', /5 %/],
    [
      'more failures than forgiven fail although the last passed',
      [bad, bad, bad, pass],
      'fail',
      /3 of 4.*2 forgiven/,
    ],
    [
      'too many errors in a row stay inconclusive although the last check passed',
      [gone, gone, gone, pass],
      'inconclusive',
      /3 times in a row, 2 forgiven$/,
    ],
    ['too many errors in a row say what is wrong', [gone, gone, gone], 'inconclusive', /Prometheus is away/],
    ['a passed last check passes', [pass, pass], 'pass', /^2 of 2 check\(s\) passed$/],
    [
      'forgiven failures and gaps do not stop a pass',
      [bad, gone, gone, pass],
      'pass',
      /1 of 4 .*1 failed and forgiven/,
    ],
    ['a last check without data is inconclusive', [pass, few], 'inconclusive', /at least 10/],
    ['a forgiven failure at the end is no pass', [pass, bad], 'inconclusive', /forgiven but no pass/],
  ];
  it.each(table)('%s', (_, seen, verdict, why) => {
    const conclusion = conclude(run(seen, tolerant), tolerant);
    expect(conclusion.verdict).toBe(verdict);
    expect(conclusion.why).toMatch(why);
  });
  it('says that no metric was asked', () => {
    const { tally } = advance(emptyTally, check('t', []), tolerant);
    expect(conclude(tally, tolerant)).toEqual({ verdict: 'inconclusive', why: 'no metric was asked' });
  });
  it('passes only if the last check passed, for every history', () => {
    const seen = fc.array(fc.constantFrom(pass, bad, hard, few, gone));
    fc.assert(
      fc.property(seen, fc.nat(3), fc.nat(3), (history, failureLimit, consecutiveErrorLimit) => {
        const settings = { ...defaultAnalysis, failureLimit, consecutiveErrorLimit };
        const tally = run(history, settings);
        const { verdict } = conclude(tally, settings);
        const allowed = {
          pass: tally.last?.verdict === 'pass',
          fail: tally.failures > 0,
          inconclusive: true,
        };
        expect(allowed[verdict]).toBe(true);
      }),
    );
  });
});
