/** The routes of what releases left are given back: of a lane nobody loses the rule for the tag while requests that have it may still come. */
import { patched, sleep } from '@temporalio/workflow';
import { isOneLane, type CleanRequest, type Leftover } from '../domain/leftover.js';
import { quickly } from './activities.js';
import { failureOf } from './failures.js';

/** How long a route is tried to be given back, ms. */
const patienceMs = 60_000;

/** Why a route could not be given back, for people; what is not in it was, or has none. */
type Problems = ReadonlyMap<Leftover, string>;

/** Who may still lead requests here holds its routes; who calls them waits for it. */
export function giveRoutesBack({ leftovers, reaches }: CleanRequest): Promise<Problems> {
  return reaches !== undefined && patched('who-waits-follows-from-the-calls')
    ? byCalls(leftovers, reaches)
    : byLevels(leftovers);
}

async function byCalls(
  found: readonly Leftover[],
  reaches: NonNullable<CleanRequest['reaches']>,
): Promise<Problems> {
  const problems = new Map<Leftover, string>();
  /** Given back, while requests that got the tag there may still be on their way. */
  const open = new Set<Leftover>();
  for (const [i, one] of found.entries()) {
    const { application, route } = one.target;
    const callers = found
      .slice(0, i)
      .filter(
        (other) => isOneLane(other, one) && reaches[other.target.application]?.includes(application) === true,
      );
    const stuck = callers.find((caller) => problems.has(caller));
    if (stuck === undefined && callers.some((caller) => open.has(caller))) {
      const releases = new Set([...open].map(({ release }) => release));
      await sleep(Math.max(...[...open].map(({ drainMs }) => drainMs)), {
        summary: `requests with the tag of release ${[...releases].join(', ')} end`,
      });
      open.clear();
    }
    const why = await problemOf(one, stuck, problems);
    if (why !== null) problems.set(one, why);
    else if (callers.length === 0 || route?.stamps !== undefined) open.add(one);
  }
  return problems;
}

/** As older APIs ask for it. */
async function byLevels(found: readonly Leftover[]): Promise<Problems> {
  const knowsLanes = patched('lanes-are-cleaned-from-the-entry-on');
  const problems = new Map<Leftover, string>();
  const drained = new Set<string>();
  for (const one of found) {
    const { release, target } = one;
    const callers = knowsLanes
      ? found.filter((other) => other.release === release && other.target.level > target.level)
      : [];
    const stuck = callers.find((caller) => problems.has(caller));
    if (callers.length > 0 && stuck === undefined && !drained.has(release)) {
      drained.add(release);
      await sleep(Math.max(...callers.map((caller) => caller.drainMs)), {
        summary: `requests with the tag of release ${release} end`,
      });
    }
    const why = await problemOf(one, stuck, problems);
    if (why !== null) problems.set(one, why);
  }
  return problems;
}

const problemOf = async (
  one: Leftover,
  stuck: Leftover | undefined,
  problems: Problems,
): Promise<string | null> =>
  stuck === undefined
    ? giveBack(one)
    : `${stuck.target.application} may still lead requests here: ${problems.get(stuck)!}`;

/** Why the route could not be given back; null: it was, or there is none. */
async function giveBack({ release, target: { route } }: Leftover): Promise<string | null> {
  if (route === null) return null;
  const summary = `give ${route.route} back for release ${release}`;
  try {
    // What is behind it may still have a rule for the tag.
    const input = { release, route, stays: true, strips: true };
    await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
    return null;
  } catch (error) {
    return failureOf(error).message;
  }
}
