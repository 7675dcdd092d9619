/** The results in Markdown: the table of targets, how cost grows with the number of releases, and what limits the largest. */
import { candidateNames, type CandidateName } from './candidates/candidate.js';
import {
  cpuOf,
  firstWeights,
  holds,
  lastReturns,
  memoryOf,
  requestsOf,
  rows,
  type Figures,
  type Results,
  type Row,
} from './figures.js';
import type { Measured } from './measure.js';
import { rounded } from './statistics.js';

export const titles: Readonly<Record<CandidateName, string>> = {
  sluice: 'Sluice',
  argo: 'Argo Rollouts',
  'argo-tuned': 'Argo, tuned',
  flagger: 'Flagger',
};
const peers = candidateNames.filter((name) => name !== 'sluice');

export function report(results: Results): string {
  return [
    '# Benchmark',
    '',
    ...heading(results),
    '',
    ...disturbance(results),
    ...targetTable(results),
    '',
    'In brackets: how many times the figure of Sluice. A dash: not measured. How each figure is taken is in',
    '[how to measure](../how-to/benchmark.md); the raw ones are in [results.json](results.json).',
    '',
    '![How late a weight comes, by the number of releases at once](lateness.svg)',
    '',
    'Lateness is the 95th percentile of the holds, less the 3 s that were asked for; of Flagger, which holds 10 s, less those.',
    '',
    '## How cost grows',
    '',
    ...growth(results),
    ...limits(results),
    ...problems(results),
  ].join('\n');
}

function heading({ at, minutes, machine, versions }: Results): string[] {
  const list = (values: Readonly<Record<string, string | number>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    `Measured ${at.slice(0, 16).replace('T', ' ')} UTC in ${minutes} minutes. ${list(machine)}.`,
    '',
    `${list(versions)}.`,
  ];
}

function disturbance(results: Results): string[] {
  const percent = Math.round(100 * foreignShare(results));
  return percent < 10
    ? []
    : [
        `**The machine was busy with other work** for ${percent} % of its time, so these figures are provisional.`,
        '',
      ];
}

export function targetTable(results: Results): string[] {
  return [
    line(['', ...peers.map((name) => titles[name]), titles.sluice, 'target', 'met']),
    line(Array.from({ length: peers.length + 4 }, () => '---')),
    ...rows.map((row) => targetRow(row, results)),
  ];
}

function targetRow(row: Row, results: Results): string {
  const own = row.of(results, 'sluice');
  const target = row.target === 'argo' ? row.of(results, 'argo') : row.target;
  return line([
    row.title,
    ...peers.map((name) => {
      const theirs = row.of(results, name);
      return `${shown(theirs, row)}${ratio(theirs, own)}`;
    }),
    shown(own, row),
    row.target === 'argo' ? "at most Argo's" : target === null ? 'reported' : shown(target, row),
    judged(own, target, row.digits),
  ]);
}

/** `yes` where every figure, rounded as the target is spelt, is at most the target; which ones are not, else. */
export function judged(own: Figures, target: Figures | null, digits: number): string {
  if (target === null) return '';
  const verdicts = own.map((value, i) => {
    const most = target[i] ?? null;
    return value === null || most === null
      ? '-'
      : rounded(value, digits) <= rounded(most, digits)
        ? 'yes'
        : 'no';
  });
  return new Set(verdicts).size === 1 ? verdicts[0]! : verdicts.join(' / ');
}

export function shown(figures: Figures, { digits, unit }: Pick<Row, 'digits' | 'unit'>): string {
  if (figures.every((value) => value === null)) return '-';
  const numbers = figures.map((value) => (value === null ? '-' : thousands(value.toFixed(digits))));
  return `${numbers.join(' / ')}${unit === '' ? '' : ` ${unit}`}`;
}

const thousands = (text: string): string =>
  text.replace(/^\d{4,}(?=\.|$)/, (n) => Number(n).toLocaleString('en'));

/** Nothing where there is nothing to compare, or nothing to divide by. */
export function ratio(theirs: Figures, own: Figures): string {
  const times = theirs.map((value, i) => {
    const mine = own[i] ?? null;
    return value === null || mine === null || mine === 0 ? null : value / mine;
  });
  const text = times.flatMap((n) => (n === null ? [] : [`${n < 10 ? n.toFixed(1) : Math.round(n)}×`]));
  return text.length === 0 ? '' : ` (${text.join(' / ')})`;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function growth({ measured }: Results): string[] {
  const columns = [
    'first weight p50 / p95',
    'hold p50 / p95',
    'breach to the last 0',
    'requests',
    'CPU',
    'memory',
  ];
  const body = measured
    .filter((m) => m.good.length > 0)
    .map((m) => line([titles[m.candidate], String(m.count), ...growthCells(m)]));
  return [line(['', 'at once', ...columns]), line(Array.from({ length: 8 }, () => '---')), ...body];
}

function growthCells(m: Measured): string[] {
  const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1_000);
  const [first, held] = [firstWeights(m), holds(m)];
  return [
    shown([seconds(first?.p50), seconds(first?.p95)], { digits: 2, unit: 's' }),
    shown([seconds(held?.p50), seconds(held?.p95)], { digits: 2, unit: 's' }),
    shown([seconds(lastReturns(m)?.p50)], { digits: 3, unit: 's' }),
    shown([requestsOf(m)], { digits: 0, unit: '' }),
    shown([cpuOf(m)], { digits: 2, unit: 's' }),
    shown([memoryOf(m)], { digits: 0, unit: 'MiB' }),
  ];
}

/** Where the processors' time went in the largest round of Sluice: what has none to spare limits it. */
function limits({ measured, machine }: Results): string[] {
  const largest = measured.filter((m) => m.candidate === 'sluice' && m.good.length > 0).at(-1);
  const round = largest?.good[0];
  if (largest === undefined || round === undefined) return [];
  const all = (round.allMs / 1_000) * Number(machine['cores']);
  const shares = Object.entries(round.cpuSeconds)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 6)
    .map(([name, used]) => `${name} ${Math.round((100 * used) / all)} %`);
  const took = (round.allMs / 1_000).toFixed(0);
  return [
    '',
    `${largest.count} releases of Sluice at once took ${took} s; the processors' time went to ${shares.join(', ')}.`,
  ];
}

/** Share of the processors' time that went to work that is not the bench's, in all rounds together. */
export function foreignShare({ measured, machine }: Results): number {
  const rounds = measured.flatMap((m) => m.good);
  const all = rounds.reduce((sum, { allMs }) => sum + (allMs / 1_000) * Number(machine['cores']), 0);
  const foreign = rounds.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds['others'] ?? 0), 0);
  return all === 0 ? 0 : foreign / all;
}

function problems({ measured, waiting, lanes = [], leftOut }: Results): string[] {
  const found = [
    ...measured.flatMap((m) =>
      m.problem === null ? [] : [`${titles[m.candidate]}, ${m.count} at once: ${m.problem}`],
    ),
    ...measured.flatMap(escaped),
    ...leftOut,
    ...(waiting?.problem == null ? [] : [`Waiting releases: ${waiting.problem}`]),
    ...lanes.flatMap(({ shape, problem }) => (problem === null ? [] : [`A lane, ${shape}: ${problem}`])),
  ];
  return found.length === 0
    ? ['']
    : ['', '## What could not be measured', '', ...found.map((text) => `- ${text}`), ''];
}

function escaped(m: Measured): string[] {
  const most = Math.max(0, ...m.bad.map((round) => round.escaped));
  const what = 'were past their last judged weight when the metric broke, so their return is not counted';
  return most === 0 ? [] : [`${titles[m.candidate]}, ${m.count} at once: up to ${most} ${what}`];
}
