/** Lanes that there are now: nobody administers them, they follow from the gray tracks that stand. Pure. */
import { levelsOf, reachedFrom, type Calls } from './chain.js';
import { declaredCalls, withEdges } from './edge.js';
import { declares, type Declared, type EnvironmentRow } from './environment.js';
import { eachOnce } from './enter.js';
import { trackOf, type LaneEntry, type LaneMember, type Track } from './lane-track.js';
import type { ReleaseView } from './release.js';

/** An application of the chain that has no gray track: its stable answers the requests of the lane as well. */
export interface LaneBaseline {
  readonly application: string;
  /** What was released, where that is what runs; else null. */
  readonly version: string | null;
  /** As the Deployment spells it; null: not known. */
  readonly image: string | null;
  readonly digest: string | null;
  readonly ready: number;
  readonly replicas: number;
  /** Why nothing is known of it, for people; null where something is. */
  readonly unseen: string | null;
}

export interface LaneView {
  readonly environment: string;
  /** Names of the lane, sorted: gray objects are called after one. Several where releases of several names share the tag. */
  readonly names: readonly string[];
  /** `header: value`; null: no request is told by a tag, it has a share and that is all. */
  readonly tag: string | null;
  /** Sorted by application. */
  readonly entries: readonly LaneEntry[];
  /** Caller before called. */
  readonly members: readonly LaneMember[];
  /** Caller before called. */
  readonly baseline: readonly LaneBaseline[];
  /** Names of both, caller before called. */
  readonly chain: readonly string[];
}

/** An application that could not be looked at, and why, for people. */
export interface LaneUnseen {
  readonly environment: string;
  readonly application: string;
  readonly why: string;
}

export interface LaneList {
  /** When the clusters were asked, by the API's clock, ISO. */
  readonly at: string;
  /** Sorted by environment, then by tag. */
  readonly items: readonly LaneView[];
  readonly unseen: readonly LaneUnseen[];
}

/**
 * @param rows of all applications of the environment
 * @param views by release, where they are known
 */
export function lanesIn(
  environment: string,
  all: readonly Declared[],
  rows: readonly EnvironmentRow[],
  views: ReadonlyMap<string, ReleaseView>,
): readonly LaneView[] {
  const applications = all.filter((d) => declares(d, environment)).map((d) => d.current.application);
  const calls = withEdges(declaredCalls(applications), applications, environment);
  const tracks = rows.flatMap((row) =>
    (row.live?.gray ?? []).map((gray) =>
      trackOf(gray, row, environment, applications, views.get(gray.release)),
    ),
  );
  const keys = [...new Set(tracks.map(keyOf))].sort();
  return keys.map((key) =>
    laneOf(
      environment,
      tracks.filter((track) => keyOf(track) === key),
      rows,
      calls,
    ),
  );
}

/** Without a tag only its release holds a track together with others. */
const keyOf = ({ tag, member }: Track): string => tag ?? `~ ${member.release}`;

function laneOf(
  environment: string,
  tracks: readonly Track[],
  rows: readonly EnvironmentRow[],
  calls: Calls,
): LaneView {
  const members = tracks.map((track) => track.member);
  const names = new Set(members.map((m) => m.application));
  const entries = merged(tracks.flatMap((track) => track.entries));
  const chain = chainFrom([...names, ...entries.map((e) => e.application)], calls);
  const placeOf = ({ application }: LaneMember): number => chain.indexOf(application);
  return {
    environment,
    names: [...new Set(tracks.map((track) => track.lane))].sort(),
    tag: tracks[0]!.tag,
    entries,
    members: members.toSorted((a, b) => placeOf(a) - placeOf(b)),
    baseline: chain.filter((name) => !names.has(name)).map((name) => baselineOf(environment, name, rows)),
    chain,
  };
}

/** All that a request may get to from there, caller before called. */
function chainFrom(starts: readonly string[], calls: Calls): readonly string[] {
  const all = [...new Set([...starts, ...starts.flatMap((name) => [...reachedFrom(name, calls)])])].sort();
  const levels = levelsOf(all, calls);
  return all.toSorted((a, b) => levels.get(b)! - levels.get(a)!);
}

/** Several releases may have a share at one route. */
function merged(entries: readonly LaneEntry[]): readonly LaneEntry[] {
  const names = [...new Set(entries.map((e) => e.application))].sort();
  return names.map((name) => {
    const own = entries.filter((e) => e.application === name);
    return { ...own[0]!, enter: eachOnce(own.flatMap((e) => e.enter)) };
  });
}

function baselineOf(environment: string, application: string, rows: readonly EnvironmentRow[]): LaneBaseline {
  const row = rows.find((r) => r.application === application);
  const stable = row?.live?.stable ?? null;
  const released = row?.released ?? null;
  const runs = stable === null || released?.digest === stable.digest ? released : null;
  return {
    application,
    version: runs?.version ?? null,
    image: stable?.image ?? null,
    digest: stable === null ? (released?.digest ?? null) : stable.digest,
    ready: stable?.ready ?? 0,
    replicas: stable?.replicas ?? 0,
    unseen: whyUnseen(environment, row),
  };
}

function whyUnseen(environment: string, row: EnvironmentRow | undefined): string | null {
  if (row === undefined) return `it is not declared in ${environment}`;
  if (row.live === null) return row.unseen;
  return row.live.stable === null ? `there is no Deployment ${row.deployment}` : null;
}
