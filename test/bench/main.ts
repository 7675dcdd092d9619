/** `npm run bench`: Sluice and its peers on one cluster, one after the other. docs/how-to/benchmark.md says what is measured. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pushImage } from '../../infra/local/images.js';
import { candidateOf, peersOf } from './candidates/known.js';
import { Cluster } from './cluster.js';
import { measure, type Measured } from './measure.js';
import { defaultSizes, optionsOf, usage, type Options } from './options.js';
import { write } from './results.js';

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
await run(options);

async function run({ candidates, sizes, build, out, record }: Options): Promise<void> {
  if (build) {
    say('building dist');
    await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  }
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const cluster = await Cluster.start({ dir, ...peersOf(candidates), log: say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cluster.stop().finally(() => process.exit(130)));
  }
  say(`cluster ready, its logs are in ${dir}`);
  const measured: Measured[] = [];
  try {
    const images = await pushVersions(cluster);
    for (const name of candidates) {
      for (const count of sizes ?? defaultSizes[name]) {
        const heading = `${name}, ${count} at once`;
        say(heading);
        const place = { cluster, namespace: `${name}-${count}`, count, image: (n: number) => images[n]! };
        measured.push(await measure(name, candidateOf(name), place, (line) => say(`${heading}: ${line}`)));
      }
    }
  } finally {
    await cluster.stop();
  }
  await write({ measured }, { out, record, root });
  await rm(dir, { recursive: true, force: true });
}

/** References by digest of as many versions as a candidate releases at one size. */
async function pushVersions({ info: { registry } }: Cluster): Promise<string[]> {
  const repository = 'bench/app';
  const digests = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      pushImage({ registry, repository, tag: `v${n}`, env: { VERSION: `v${n}` } }),
    ),
  );
  return digests.map((digest) => `${registry}/${repository}@${digest}`);
}
