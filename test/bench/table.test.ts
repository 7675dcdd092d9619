import { describe, expect, it } from 'vitest';
import type { Results } from './figures.js';
import type { Measured } from './measure.js';
import { judged, ratio, report, shown, targetTable } from './table.js';

describe('shown', () => {
  it.each([
    ['one figure with its unit', [3.456], { digits: 1, unit: 's' as const }, '3.5 s'],
    ['several', [3.17, 3.46], { digits: 2, unit: 's' as const }, '3.17 / 3.46 s'],
    ['one that is missing', [250, null, 300], { digits: 0, unit: 'MiB' as const }, '250 / - / 300 MiB'],
    ['nothing', [null, null], { digits: 0, unit: 's' as const }, '-'],
    ['thousands', [6900], { digits: 0, unit: '' as const }, '6,900'],
    ['a year is no exception', [2026.25], { digits: 2, unit: 's' as const }, '2,026.25 s'],
  ])('%s', (_, figures, row, expected) => {
    expect(shown(figures, row)).toBe(expected);
  });
});

describe('judged', () => {
  it.each([
    ['at most the target', [3.2], [3.2], 1, 'yes'],
    ['rounded as the target is spelt', [3.24], [3.2], 1, 'yes'],
    ['above it', [3.26], [3.2], 1, 'no'],
    ['each for itself where they differ', [3.0, 3.5], [3.0, 3.2], 1, 'yes / no'],
    ['together where they do not', [1, 2], [3, 3], 0, 'yes'],
    ['not measured', [null], [10], 0, '-'],
    ['no target was measured either', [10], [null], 0, '-'],
    ['reported only', [10], null, 0, ''],
  ])('%s', (_, own, target, digits, expected) => {
    expect(judged(own, target, digits)).toBe(expected);
  });
});

describe('ratio', () => {
  it.each([
    ['how many times ours', [25, 26.8], [3, 3.2], ' (8.3× / 8.4×)'],
    ['whole from ten on', [1_700], [20], ' (85×)'],
    ['less than ours', [0.05], [0.1], ' (0.5×)'],
    ['nothing to compare', [null], [3], ''],
    ['nothing to divide by', [1_700], [0], ''],
  ])('%s', (_, theirs, own, expected) => {
    expect(ratio(theirs, own)).toBe(expected);
  });
});

const round = (holdsMs: number[], requests: number) => ({
  allMs: 20_000,
  firstWeightMs: [100, 120],
  holdsMs,
  requests: { total: requests, by: {} },
  cpuSeconds: { worker: 10, 'kube-apiserver': 20, others: 6 },
  cpuSecondsPerRelease: 0.08,
  memoryMiB: 240,
  problem: null,
});
const measured = (change: Partial<Measured>): Measured => ({
  candidate: 'sluice',
  count: 50,
  holdMs: 3_000,
  good: [round([3_010, 3_020, 3_150], 1_000)],
  bad: [{ firstWeightMs: [110], answeredToZeroMs: [4, 980], escaped: 0, problem: null }],
  idle: { seconds: 20, requests: { total: 0, by: {} }, cpuSeconds: 0, memoryMiB: 200 },
  temporal: null,
  problem: null,
  ...change,
});
const results: Results = {
  at: '2026-01-02T03:04:05.000Z',
  minutes: 30,
  machine: { cores: 2 },
  versions: { Sluice: '0.1.0' },
  measured: [
    measured({}),
    measured({ candidate: 'argo', good: [round([25_000, 26_800], 7_600)], idle: null }),
    measured({ candidate: 'flagger', count: 200, good: [], bad: [], problem: 'it did not start' }),
  ],
  leftOut: ['Argo, tuned: no Go'],
  starts: { workerFirstTaskMs: [900, 950, 1_500], apiFirstAnswerMs: [310], apiFirstListMs: [600] },
  waiting: null,
};

describe('the table', () => {
  const lines = targetTable(results);
  const of = (title: string): string => lines.find((line) => line.includes(title)) ?? '';

  it.each([
    ['50 at once: a hold', '| 25.0 / 26.8 s (8.3× / 8.5×) | - | - | 3.0 / 3.1 s | 3.0 / 3.2 s | yes |'],
    ['50 at once: first failing', '| 0.98 s (1.0×) | - | - | 0.98 s | 1.05 s | yes |'],
    ['API requests for one', '| - / 152 / - (7.6×) | - | - | - / 20 / - | 25 / 25 / 25 | - / yes / - |'],
    ['API requests in 20 s', '| - | - | - | - / 0 | 0 / 0 | - / yes |'],
    ['worker: start', '| - | - | - | 0.95 / 0.31 s | 1.00 / 0.30 s | yes / no |'],
    ['asked for, to first weight', "| - | - | - | - | at most Argo's | - |"],
  ])('%s', (title, expected) => {
    expect(of(title)).toContain(expected);
  });

  it('has a cell for every column in every line', () => {
    expect(new Set(lines.map((line) => line.split('|').length))).toEqual(new Set([9]));
  });
});

describe('the report', () => {
  const text = report(results);

  it('says when, on what and of what', () => {
    expect(text).toContain('Measured 2026-01-02 03:04 UTC in 30 minutes. cores 2.\n\nSluice 0.1.0.');
  });

  it("says where the processors' time went", () => {
    expect(text).toContain(
      "50 releases of Sluice at once took 20 s; the processors' time went to kube-apiserver 50 %, worker 25 %, others 15 %.",
    );
  });

  it('says that the machine had other work', () => {
    expect(text).toContain('for 15 % of its time');
    expect(report({ ...results, machine: { cores: 8 } })).not.toContain('other work');
  });

  it('says what could not be measured, and why', () => {
    expect(text).toContain('- Flagger, 200 at once: it did not start\n- Argo, tuned: no Go\n');
  });
});
