/** What `npm run bench` is asked for. */
import { parseArgs } from 'node:util';
import { candidateNames, type CandidateName } from './candidates/candidate.js';

export const defaultSizes: Readonly<Record<CandidateName, readonly number[]>> = {
  sluice: [1, 10, 50, 200, 500],
  argo: [1, 50],
  'argo-tuned': [50, 200],
  flagger: [1, 50, 200],
};

export interface Options {
  readonly candidates: readonly CandidateName[];
  /** Null: `defaultSizes`. */
  readonly sizes: readonly number[] | null;
  /** Whether starts of processes, waiting releases and a lane are measured too. */
  readonly extras: boolean;
  /** Nothing but this. Null: everything. */
  readonly only: 'lane' | null;
  /** Path of the JSON; the table and the chart stand beside it. Null: `bench-results/results.json`. */
  readonly out: string | null;
  /** Writes to docs/benchmark. */
  readonly record: boolean;
  /** Whether the time of Sluice's worker is sampled; what took most is printed. It costs some speed. */
  readonly profile: boolean;
  /** Whether `dist` is built first. */
  readonly build: boolean;
}

export const usage = `npm run bench -- [--candidates ${candidateNames.join(',')}] [--sizes 1,50] [--no-extras | --only lane] [--no-build] [--profile] [--out FILE.json | --record]`;

/** Throws naming the option that is wrong. */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      candidates: { type: 'string' },
      sizes: { type: 'string' },
      extras: { type: 'boolean', default: true },
      only: { type: 'string' },
      out: { type: 'string' },
      record: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      build: { type: 'boolean', default: true },
    },
  });
  const only = onlyOf(values.only);
  if (only !== null && (values.record || !values.extras))
    throw new Error('--only excludes --record and --no-extras');
  if (values.record && values.out !== undefined) throw new Error('--record and --out exclude each other');
  return {
    candidates:
      only === null ? (values.candidates?.split(',').map(candidateOf) ?? candidateNames) : ['sluice'],
    sizes: values.sizes?.split(',').map(sizeOf) ?? null,
    extras: values.extras,
    only,
    out: values.out ?? null,
    record: values.record,
    profile: values.profile,
    build: values.build,
  };
}

function onlyOf(text: string | undefined): Options['only'] {
  if (text === undefined || text === 'lane') return text ?? null;
  throw new Error(`--only takes lane, not ${text}`);
}

function candidateOf(text: string): CandidateName {
  const name = candidateNames.find((one) => one === text);
  if (name === undefined) throw new Error(`unknown candidate ${text}; known: ${candidateNames.join(', ')}`);
  return name;
}

function sizeOf(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1 || size > 1_000)
    throw new Error(`--sizes takes whole numbers from 1 to 1000, not ${text}`);
  return size;
}
