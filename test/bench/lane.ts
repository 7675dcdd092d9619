/** How much longer a step takes a lane of several applications than it takes one: the same release, with one application and with all. */
import type { ReleaseInput } from '../../domain/application.js';
import { applicationName, pause, type Place } from './candidates/candidate.js';
import { sluice, type SluiceRunning } from './candidates/sluice.js';
import { removeNamespace } from './measure.js';
import { summary } from './statistics.js';
import { WeightWatch, type Seen } from './weights.js';

/** Which lanes are measured. Of fifty it is to be seen that they come to their end. */
export const lanePlans: readonly LanePlan[] = [
  { size: 10, shape: 'entries', rounds: 5 },
  { size: 10, shape: 'behind one', rounds: 5 },
  { size: 50, shape: 'behind one', rounds: 2 },
];

export interface LanePlan {
  /** Applications of the lane, each with a route of its own. */
  readonly size: number;
  /** Whether requests come to each of them, or to the first, which calls the others. */
  readonly shape: 'entries' | 'behind one';
  /** How often it is released, less the one that warms up. */
  readonly rounds: number;
}

const deadlineMs = 240_000;
const holdMs = 1_000;

/** As lanes go: requests with the tag first, so that every route is in hand when somebody approves, then shares. */
const release: ReleaseInput = {
  strategy: 'gray',
  steps: [10, 30, 50].map((weight) => ({ weight, hold: `${holdMs}ms` })),
};

/** Of one release, milliseconds. */
export interface LaneRound {
  /** From the approval to the first weight of the last route. */
  readonly approvedMs: number;
  /** From a weight of the last route to the next, less the hold, for each of the others. */
  readonly lateMs: readonly number[];
  /** From the first route that has a weight to the last, for each weight. */
  readonly spreadMs: readonly number[];
}

export interface Lane extends Pick<LanePlan, 'size' | 'shape'> {
  /** Side by side: each release of one is followed by one of the lane. */
  readonly alone: readonly LaneRound[];
  readonly together: readonly LaneRound[];
  readonly problem: string | null;
}

/** Of the medians: how many times as long a lane takes from the approval to the last weight. Null: not measured. */
export function laneRatio({ alone, together }: Pick<Lane, 'alone' | 'together'>): number | null {
  const median = (all: readonly LaneRound[]) => summary(all.map((round) => round.approvedMs))?.p50 ?? null;
  const [one, many] = [median(alone), median(together)];
  return one === null || many === null ? null : many / one;
}

/** @param place its count is that of the lane and one more, which is released alone */
export async function measureLane(
  place: Place,
  { size, shape, rounds }: LanePlan,
  say: (line: string) => void,
): Promise<Lane> {
  const { cluster, namespace } = place;
  const all = Array.from({ length: size }, (_, i) => i + 1);
  const entries = shape === 'entries' ? all : all.slice(0, 1);
  const calls = (i: number): readonly number[] =>
    entries.includes(i) ? all.filter((n) => !entries.includes(n)) : [];
  const alone: LaneRound[] = [];
  const together: LaneRound[] = [];
  let problem: string | null = null;
  await cluster.createNamespace(namespace);
  await cluster.answer(100);
  const watch = new WeightWatch(cluster.kube, namespace);
  try {
    const running = await sluice({ approval: true, release, calls }).start(place);
    say('ready');
    try {
      // Versions go up by round; the first round warms up.
      for (let round = 0; round <= rounds; round++) {
        const one = await take(running, watch, [0], [0], round + 2);
        const many = await take(running, watch, all, entries, round + 2);
        say(`one ${text(one)}, ${size} ${text(many)}${round === 0 ? ', not counted' : ''}`);
        if (round === 0) continue;
        alone.push(one);
        together.push(many);
      }
    } finally {
      await running.stop();
    }
  } catch (error) {
    problem = (error as Error).message;
  } finally {
    watch.close();
    await cluster.endCandidate();
    await removeNamespace(cluster, namespace);
  }
  return { size, shape, alone, together, problem };
}

const text = ({ approvedMs, lateMs, spreadMs }: LaneRound): string =>
  `${approvedMs} ms (then ${lateMs.join(', ')} late, ${spreadMs.join(', ')} apart)`;

/** One release of these applications, from the approval to its end; requests come to the entries among them. */
async function take(
  running: SluiceRunning,
  watch: WeightWatch,
  applications: readonly number[],
  entries: readonly number[],
  version: number,
): Promise<LaneRound> {
  await running.askTogether(applications, version);
  const planHash = await running.awaitApproval(deadlineMs);
  await pause(500);
  watch.clear();
  const from = Date.now();
  await running.approve(planHash);
  await running.ended('promoted', deadlineMs);
  return roundOf(
    entries.map((i) => watch.of(applicationName(i))),
    from,
    holdMs,
  );
}

/** What routes went through together; each has seen the same weights. Throws where one has not. */
export function roundOf(routes: readonly (readonly Seen[])[], from: number, holdMs: number): LaneRound {
  const ways = routes.map((seen) => seen.filter(({ weight }) => weight > 0));
  const [first = []] = ways;
  const weights = first.map(({ weight }) => weight);
  const odd = ways.find((way) => way.map(({ weight }) => weight).join() !== weights.join());
  if (weights.length === 0 || odd !== undefined)
    throw new Error(
      `the routes went different ways: ${weights.join()} and ${odd?.map((s) => s.weight).join()}`,
    );
  const spans = weights.map((_, n) => {
    const times = ways.map((way) => way[n]!.at);
    return { first: Math.min(...times), last: Math.max(...times) };
  });
  return {
    approvedMs: spans[0]!.last - from,
    lateMs: spans.slice(1).map(({ last }, n) => last - spans[n]!.last - holdMs),
    spreadMs: spans.map(({ first: begun, last }) => last - begun),
  };
}
