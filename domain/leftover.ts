/** What a release left in a cluster that did not undo it: one whose workflow was ended by force, or is not known any more. Pure. */
import type { Application } from './application.js';
import { levelsOf, reachedFrom, type Calls } from './chain.js';
import type { Stray } from './stray.js';
import type { Target } from './target.js';

/** Where is looked, all of one cluster. */
export interface LeftoverErrand {
  readonly cluster: string;
  readonly environment: string;
  readonly applications: readonly Application[];
}

/** Of one release and one application, found by labels and by the note on the route. */
export interface Leftover {
  readonly release: string;
  /** As the release would have had it; its image is unknown. */
  readonly target: Target;
  /** E.g. `Deployment shop-gray`. */
  readonly objects: readonly string[];
  /** The route that the release still holds, e.g. `HTTPRoute shop`; null: none. */
  readonly route: string | null;
  /** Percent of untagged requests that go to gray by that route. */
  readonly weight: number;
  /** How long connections get to end before gray goes, ms. */
  readonly drainMs: number;
}

export interface Found {
  readonly leftovers: readonly Leftover[];
  /** Applications that could not be looked at, and why, for people. */
  readonly unseen: readonly Unseen[];
  /** Absent: they were not looked for. */
  readonly strays?: readonly Stray[];
}

export interface Unseen {
  readonly application: string;
  readonly why: string;
}

/** What became of one. */
export interface Cleaned {
  readonly release: string;
  readonly application: string;
  readonly removed: readonly string[];
  /** Why it could not be removed, for people; null: it is gone. */
  readonly left: string | null;
}

export interface CleanRequest {
  readonly environment: string;
  readonly leftovers: readonly Leftover[];
  /** Of each application whom its requests may get to, of those with a leftover, on whatever way. Absent: an older API asks, and levels tell. */
  readonly reaches?: Calls;
  readonly by: string;
  readonly reason: string;
}

/** Who may go on leading requests to others, and why, for people: `<application> <why>`. */
export interface Doubt {
  readonly application: string;
  readonly why: string;
}

/** What the API answers of one. */
export interface LeftoverRow extends Omit<Leftover, 'target' | 'drainMs'>, Omit<Cleaned, 'release'> {
  readonly cluster: string;
  readonly namespace: string;
  readonly lane: string;
  /** `ended`: Temporal knows the release; `unknown`: it does not, another installation may. */
  readonly state: 'ended' | 'unknown';
  /** Whether the application is declared there. */
  readonly declared: boolean;
}

export interface CleanView {
  readonly name: string;
  /** Whether nothing was removed, because only a look was asked for. */
  readonly dryRun: boolean;
  /** Sorted by application. */
  readonly items: readonly LeftoverRow[];
  readonly unseen: readonly Unseen[];
}

/**
 * As traffic is given back: who is called after its callers, so that no request is told by its tag to go where the rule has gone; each with its
 * level among them.
 */
export function callersFirst(leftovers: readonly Leftover[], calls: Calls): readonly Leftover[] {
  const names = [...new Set(leftovers.map((l) => l.target.application))];
  const levels = levelsOf(names, calls);
  const levelOf = ({ target }: Leftover): number => levels.get(target.application) ?? 0;
  return leftovers
    .map((one): Leftover => ({ ...one, target: { ...one.target, level: levelOf(one) } }))
    .toSorted((a, b) => b.target.level - a.target.level);
}

/** Of each application with a leftover, which others of them its requests may get to. */
export function reachesOf(leftovers: readonly Leftover[], calls: Calls): Calls {
  const names = [...new Set(leftovers.map((l) => l.target.application))];
  return Object.fromEntries(
    names.map((name) => {
      const reached = reachedFrom(name, calls);
      return [name, names.filter((other) => other !== name && reached.has(other))];
    }),
  );
}

/** What has to stay, and why: the tag and the share of those in doubt, whatever they are, may lead requests to it. */
export function keptBehind(
  leftovers: readonly Leftover[],
  doubts: readonly Doubt[],
  calls: Calls,
): ReadonlyMap<Leftover, string> {
  const known = doubts.map((doubt) => ({ doubt, reached: reachedFrom(doubt.application, calls) }));
  return new Map(
    leftovers.flatMap((one) => {
      const found = known.find(({ reached }) => reached.has(one.target.application));
      return found === undefined ? [] : [[one, `${found.doubt.application} ${found.doubt.why}`] as const];
    }),
  );
}

/** Whether requests with the tag of one may meet the other. */
export const isOneLane = (one: Leftover, other: Leftover): boolean =>
  one.release === other.release || one.target.lane === other.target.lane;
