/** The figures of the table, each taken from what was measured of one candidate. Null: not measured. */
import type { CandidateName } from './candidates/candidate.js';
import { lanePlans, laneRatio, type Lane } from './lane.js';
import type { Measured } from './measure.js';
import { mean, summary, type Summary } from './statistics.js';
import type { Starts } from './starts.js';
import type { Waiting } from './waiting.js';

export interface Results {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly minutes: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly measured: readonly Measured[];
  /** What was not even begun, and why. */
  readonly leftOut: readonly string[];
  /** Of Sluice. */
  readonly starts: Starts | null;
  readonly waiting: Waiting | null;
  /** Absent: the run was before it was measured. */
  readonly lanes?: readonly Lane[];
}

export type Figures = readonly (number | null)[];

export interface Row {
  readonly title: string;
  readonly unit: 's' | 'ms' | 'MiB' | '';
  /** Digits after the point, of the figures and of the comparison with the target. */
  readonly digits: number;
  readonly of: (results: Results, name: CandidateName) => Figures;
  /** At most these; `argo`: at most what Argo Rollouts took in the same run; null: reported, not judged. */
  readonly target: readonly number[] | 'argo' | null;
}

export const at = ({ measured }: Results, name: CandidateName, count: number): Measured | null =>
  measured.find((m) => m.candidate === name && m.count === count) ?? null;

export const firstWeights = (m: Measured | null): Summary | null =>
  summary((m === null ? [] : [...m.good, ...m.bad]).flatMap((round) => round.firstWeightMs));
export const holds = (m: Measured | null): Summary | null =>
  summary(m?.good.flatMap((round) => round.holdsMs) ?? []);
/** From the first failing answer to the last weight 0, of each round. */
export const lastReturns = (m: Measured | null): Summary | null =>
  summary(m?.bad.flatMap((round) => round.answeredToZeroMs.at(-1) ?? []) ?? []);

const meanOf = (m: Measured | null, of: (round: Measured['good'][number]) => number): number | null =>
  m === null || m.good.length === 0 ? null : mean(m.good.map(of));
export const requestsOf = (m: Measured | null): number | null =>
  meanOf(m, (round) => round.requests.total / m!.count);
export const cpuOf = (m: Measured | null): number | null => meanOf(m, (round) => round.cpuSecondsPerRelease);
export const memoryOf = (m: Measured | null): number | null =>
  m === null || m.good.length === 0 ? null : Math.max(...m.good.map((round) => round.memoryMiB));

const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1_000);
const holdSeconds = (m: Measured | null): Figures => {
  const held = holds(m);
  return [seconds(held?.p50), seconds(held?.p95)];
};
const median = (values: readonly number[] | undefined): number | null => summary(values ?? [])?.p50 ?? null;

export const rows: readonly Row[] = [
  {
    title: '1 release: asked for, to first weight (warm; median)',
    unit: 's',
    digits: 2,
    of: (r, name) => [seconds(firstWeights(at(r, name, 1))?.p50)],
    target: 'argo',
  },
  {
    title: '1 release: failing sample answered, to weight 0 (median)',
    unit: 'ms',
    digits: 0,
    of: (r, name) => [lastReturns(at(r, name, 1))?.p50 ?? null],
    target: [10],
  },
  {
    title: '50 at once: a hold of 3 s (p50 / p95)',
    unit: 's',
    digits: 1,
    of: (r, name) => holdSeconds(at(r, name, 50)),
    target: [3.0, 3.2],
  },
  {
    title: '50 at once: first failing sample answered, to the last weight 0',
    unit: 's',
    digits: 2,
    of: (r, name) => [seconds(lastReturns(at(r, name, 50))?.p50)],
    target: [1.05],
  },
  {
    title: '200 at once: a hold of 3 s (p50 / p95)',
    unit: 's',
    digits: 1,
    of: (r, name) => holdSeconds(at(r, name, 200)),
    target: [3.1, 3.4],
  },
  {
    title: '200 at once: first failing sample answered, to the last weight 0',
    unit: 's',
    digits: 2,
    of: (r, name) => [seconds(lastReturns(at(r, name, 200))?.p50)],
    target: [1.2],
  },
  {
    title: 'API requests for one release, alone / among 50 / among 200',
    unit: '',
    digits: 0,
    of: (r, name) => [1, 50, 200].map((count) => requestsOf(at(r, name, count))),
    target: [25, 25, 25],
  },
  {
    title: 'API requests in 20 s after 1 / 50 were rolled back',
    unit: '',
    digits: 0,
    of: (r, name) => [1, 50].map((count) => at(r, name, count)?.idle?.requests.total ?? null),
    target: [0, 0],
  },
  {
    title: 'CPU of the controller or worker for one release, among 50 / 200',
    unit: 's',
    digits: 2,
    of: (r, name) => [50, 200].map((count) => cpuOf(at(r, name, count))),
    target: [0.1, 0.1],
  },
  {
    title: 'memory with 50 / 200 running / 1,000 waiting for approval',
    unit: 'MiB',
    digits: 0,
    of: (r, name) => [
      memoryOf(at(r, name, 50)),
      memoryOf(at(r, name, 200)),
      name === 'sluice' ? (r.waiting?.memoryMiB ?? null) : null,
    ],
    target: [250, 350, 300],
  },
  {
    title: '500 at once, one worker: a hold of 3 s (p50 / p95)',
    unit: 's',
    digits: 1,
    of: (r, name) => holdSeconds(at(r, name, 500)),
    target: null,
  },
  {
    title: 'worker: start to first task / API: start to first answer (median)',
    unit: 's',
    digits: 2,
    of: ({ starts }, name) =>
      name === 'sluice'
        ? [
            seconds(median(starts?.workerFirstTaskMs) ?? undefined),
            seconds(median(starts?.apiFirstAnswerMs) ?? undefined),
          ]
        : [null, null],
    target: [1, 0.3],
  },
  {
    title: `a lane of ${lanePlans.map(({ size, shape }) => `${size}, ${shape}`).join(' / ')}: approval to the last weight, in times of one application (median)`,
    unit: '',
    digits: 1,
    of: ({ lanes = [] }, name) =>
      lanePlans.map(({ size, shape }) => {
        const lane = lanes.find((one) => one.size === size && one.shape === shape && name === 'sluice');
        return lane === undefined ? null : laneRatio(lane);
      }),
    target: [1.5, 1.5],
  },
  {
    title: 'Temporal actions for one release (what a cloud bills)',
    unit: '',
    digits: 0,
    of: (r, name) => [at(r, name, 50)?.temporal?.actions ?? at(r, name, 1)?.temporal?.actions ?? null],
    target: [60],
  },
];
