/** `npm run bench`: Sluice and its peers on one cluster, one after the other. docs/how-to/benchmark.md says what is measured. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureTools } from '../../infra/local/tools.js';
import type { CandidateName } from './candidates/candidate.js';
import { needsOf } from './candidates/known.js';
import { Cluster } from './cluster.js';
import type { Results } from './figures.js';
import { machine, versions } from './machine.js';
import { optionsOf, usage, type Options } from './options.js';
import { write } from './results.js';
import { Run } from './run.js';
import { report, titles } from './table.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const begun = Date.now();
const say = (line: string): void =>
  console.log(`${String(Math.round((Date.now() - begun) / 1_000)).padStart(5)} s  ${line}`);

let options: Options;
try {
  options = optionsOf(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exit(2);
}
await bench(options);

async function bench(asked: Options): Promise<void> {
  if (asked.build) {
    say('building dist');
    await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  }
  const { candidates, leftOut } = await thoseThatCanBeHad(asked.candidates);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const cluster = await Cluster.start({ dir, ...needsOf(candidates), log: say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cluster.stop().finally(() => process.exit(130)));
  }
  say(`cluster ready, its logs are in ${dir}`);
  const at = new Date().toISOString();
  let figures: Awaited<ReturnType<Run['all']>>;
  try {
    figures = await new Run(cluster, { ...asked, candidates }, say).all();
  } finally {
    await cluster.stop();
  }
  const results: Results = {
    at,
    minutes: Math.round((Date.now() - begun) / 60_000),
    machine: machine(),
    versions: versions(root),
    ...figures,
    leftOut: [...leftOut, ...figures.leftOut],
  };
  const path = await write(results, asked, root);
  console.log(`\n${report(results)}\nwritten to ${path}`);
  await rm(dir, { recursive: true, force: true });
}

/** Builds the peers where need be; without Go there is still Sluice to be measured. */
async function thoseThatCanBeHad(
  names: readonly CandidateName[],
): Promise<{ readonly candidates: readonly CandidateName[]; readonly leftOut: readonly string[] }> {
  const leftOut: string[] = [];
  const candidates: CandidateName[] = [];
  // One after the other: two candidates may need the same binary.
  for (const name of names) {
    try {
      await ensureTools(needsOf([name]).peers, { onProgress: say });
      candidates.push(name);
    } catch (error) {
      say(`${name} is left out: ${(error as Error).message}`);
      leftOut.push(`${titles[name]}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return { candidates, leftOut };
}
