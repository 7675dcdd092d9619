/** `npm run bench`: Sluice and its peers on one cluster, one after the other. docs/how-to/benchmark.md says what is measured. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pushImage } from '../../infra/local/images.js';
import { candidateOf, needsOf } from './candidates/known.js';
import { Cluster } from './cluster.js';
import type { Results } from './figures.js';
import { machine, versions } from './machine.js';
import { measure, type Measured } from './measure.js';
import { defaultSizes, optionsOf, usage, type Options } from './options.js';
import { profilesIn } from './profile.js';
import { write } from './results.js';
import { measureStarts } from './starts.js';
import { report } from './table.js';
import { measureWaiting } from './waiting.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const begun = Date.now();
const say = (line: string): void =>
  console.log(`${String(Math.round((Date.now() - begun) / 1_000)).padStart(5)} s  ${line}`);
/** What has not begun by then is left out, so that a slow machine ends too. */
const lastBeginMs = 34 * 60_000;
const waitingReleases = 1_000;

try {
  await bench(optionsOf(process.argv.slice(2)));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}

async function bench(options: Options): Promise<void> {
  if (options.build) {
    say('building dist');
    await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  }
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const cluster = await Cluster.start({ dir, ...needsOf(options.candidates), log: say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cluster.stop().finally(() => process.exit(130)));
  }
  say(`cluster ready, its logs are in ${dir}`);
  let results: Results;
  try {
    results = await measureAll(cluster, options);
  } finally {
    await cluster.stop();
  }
  const path = await write(results, options, root);
  console.log(`\n${report(results)}\nwritten to ${path}`);
  await rm(dir, { recursive: true, force: true });
}

async function measureAll(
  cluster: Cluster,
  { candidates, sizes, extras, profile }: Options,
): Promise<Results> {
  const at = new Date().toISOString();
  const images = await pushVersions(cluster);
  const placeOf = (namespace: string, count: number) => ({
    cluster,
    namespace,
    count,
    image: (version: number): string => images[version]!,
  });
  const measured: Measured[] = [];
  for (const name of candidates) {
    for (const count of sizes ?? defaultSizes[name]) {
      const heading = `${name}, ${count} at once`;
      if (isLate(heading)) continue;
      const place = placeOf(`${name}-${count}`, count);
      const samples = profile && name === 'sluice' ? await mkdtemp(join(tmpdir(), 'sluice-profile-')) : null;
      const candidate = candidateOf(name, samples);
      measured.push(await measure(name, candidate, place, (line) => say(`${heading}: ${line}`)));
      if (samples !== null)
        console.log([`samples in ${samples}`, ...(await profilesIn(samples))].join('\n\n'));
    }
  }
  const withExtras = extras && candidates.includes('sluice');
  const starts = withExtras ? await measureStarts(cluster) : null;
  const waitingHeading = `sluice, ${waitingReleases} waiting`;
  const waiting =
    withExtras && !isLate(waitingHeading)
      ? await measureWaiting(placeOf('sluice-waiting', waitingReleases), (line) =>
          say(`${waitingHeading}: ${line}`),
        )
      : null;
  const minutes = Math.round((Date.now() - begun) / 60_000);
  return { at, minutes, machine: machine(), versions: versions(root), measured, starts, waiting };
}

function isLate(heading: string): boolean {
  const late = Date.now() - begun > lastBeginMs;
  say(late ? `${heading}: left out, it took too long until here` : heading);
  return late;
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
