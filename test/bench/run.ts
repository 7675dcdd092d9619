/** One run: every candidate at every size, one after the other, on one cluster. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '../../infra/local/images.js';
import type { Place } from './candidates/candidate.js';
import { candidateOf } from './candidates/known.js';
import type { Cluster } from './cluster.js';
import type { Results } from './figures.js';
import { lanePlans, measureLane, type Lane } from './lane.js';
import { measure, type Measured } from './measure.js';
import { defaultSizes, type Options } from './options.js';
import { profilesIn } from './profile.js';
import { measureStarts, type Starts } from './starts.js';
import { measureWaiting, type Waiting } from './waiting.js';

/** What has not begun by then is left out, so that a slow machine ends too. */
const lastBeginMs = 45 * 60_000;
const waitingReleases = 1_000;

export class Run {
  private readonly begun = Date.now();
  private readonly measured: Measured[] = [];
  private readonly leftOut: string[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly options: Pick<Options, 'candidates' | 'sizes' | 'extras' | 'only' | 'profile'>,
    private readonly say: (line: string) => void,
  ) {}

  async all(): Promise<Pick<Results, 'measured' | 'leftOut' | 'starts' | 'waiting' | 'lanes'>> {
    const { candidates, sizes, extras, only } = this.options;
    const images = await pushVersions(this.cluster);
    const placeOf = (namespace: string, count: number): Place => ({
      cluster: this.cluster,
      namespace,
      count,
      image: (version) => images[version]!,
    });
    for (const name of only === null ? candidates : []) {
      for (const count of sizes ?? defaultSizes[name])
        await this.begin(`${name}, ${count} at once`, (say) =>
          this.measure(name, placeOf(`${name}-${count}`, count), say),
        );
    }
    let starts: Starts | null = null;
    let waiting: Waiting | null = null;
    const lanes: Lane[] = [];
    if (extras && candidates.includes('sluice')) {
      for (const [i, plan] of lanePlans.entries())
        await this.begin(`sluice, a lane of ${plan.size}, ${plan.shape}`, async (say) => {
          lanes.push(await measureLane(placeOf(`sluice-lane-${i}`, plan.size + 1), plan, say));
        });
    }
    if (extras && only === null && candidates.includes('sluice')) {
      await this.begin('sluice, starts', async () => {
        starts = await measureStarts(this.cluster);
      });
      await this.begin(`sluice, ${waitingReleases} waiting`, async (say) => {
        // What waits is the release; its pods would only take time.
        const place = { ...placeOf('sluice-waiting', waitingReleases), pods: 1 };
        waiting = await measureWaiting(place, say);
      });
    }
    return { measured: this.measured, leftOut: this.leftOut, starts, waiting, lanes };
  }

  /** What fails or comes too late is told in the results; the others are measured all the same. */
  private async begin(heading: string, work: (say: (line: string) => void) => Promise<void>): Promise<void> {
    if (Date.now() - this.begun > lastBeginMs) {
      this.leftOut.push(`${heading}: the run had taken ${lastBeginMs / 60_000} minutes`);
      return this.say(this.leftOut.at(-1)!);
    }
    this.say(heading);
    try {
      await work((line) => this.say(`${heading}: ${line}`));
    } catch (error) {
      this.leftOut.push(`${heading}: ${(error as Error).message}`);
      this.say(this.leftOut.at(-1)!);
    }
  }

  private async measure(
    name: Measured['candidate'],
    place: Place,
    say: (line: string) => void,
  ): Promise<void> {
    const sampled = this.options.profile && name === 'sluice';
    const samples = sampled ? await mkdtemp(join(tmpdir(), 'sluice-profile-')) : null;
    this.measured.push(await measure(name, candidateOf(name, samples), place, say));
    if (samples !== null) say([`samples are in ${samples}`, ...(await profilesIn(samples))].join('\n\n'));
  }
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
