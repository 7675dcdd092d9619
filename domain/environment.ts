/** An environment across all applications: what was released where, what is at work there, and what was seen to run. Pure. */
import {
  environmentTypes,
  workloadSettings,
  type Application,
  type Environment,
  type EnvironmentType,
} from './application.js';
import { driftOf } from './drift.js';
import type { EnvironmentState } from './queue.js';
import type { HistoryEntry, Phase } from './release.js';

/** Where an application runs in one environment, from its declaration alone. */
export interface Place {
  readonly application: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly deployment: string;
  /** As declared; null: the only one, else the one named like the application. */
  readonly container: string | null;
}

/** One errand of a survey: all places of one cluster. */
export interface SurveyErrand {
  readonly cluster: string;
  readonly places: readonly Place[];
}

export interface LiveWorkload {
  readonly name: string;
  /** As the Deployment spells it; null: it has no container that a release would set. */
  readonly image: string | null;
  /** Of the image, else what all its pods say; null: not known. */
  readonly digest: string | null;
  /** Pods that it is asked to have. */
  readonly replicas: number;
  readonly ready: number;
}

export interface GrayTrack extends LiveWorkload {
  readonly lane: string;
  /** Id of the release that made it. */
  readonly release: string;
}

/** What stands in the cluster. */
export interface Live {
  /** Null: there is no such Deployment. */
  readonly stable: LiveWorkload | null;
  readonly gray: readonly GrayTrack[];
}

/** One place as it was looked at. */
export interface Sight {
  readonly application: string;
  readonly live: Live | null;
  /** Why `live` is null, for people; null where it is not. */
  readonly unseen: string | null;
}

/** What the last successful release left. */
export interface Released {
  readonly release: string;
  readonly version: string;
  readonly digest: string;
  readonly by: string;
  /** When that release ended, ISO. */
  readonly since: string;
}

export interface AtWork {
  readonly release: string;
  /** Null: not known just now. */
  readonly phase: Phase | null;
  /** Since when it holds the environment, ISO; null: not known. */
  readonly since: string | null;
}

/** One application in one environment. */
export interface EnvironmentRow extends Omit<Sight, 'application'>, Omit<Place, 'container'> {
  readonly type: EnvironmentType;
  /** Null: nothing that the history of the application still knows. */
  readonly released: Released | null;
  readonly running: AtWork | null;
  /** How many releases wait for their turn. */
  readonly waiting: number;
  /** How what runs differs from what was released, one sentence each; empty also where nothing could be looked at. */
  readonly drift: readonly string[];
}

/** A page of the applications of one environment. */
export interface EnvironmentView {
  readonly name: string;
  /** When the clusters were asked, by the API's clock, ISO. */
  readonly at: string;
  /** Sorted by application. */
  readonly items: readonly EnvironmentRow[];
  /** Of the next page; null after the last. */
  readonly cursor: string | null;
}

export interface EnvironmentSummary {
  readonly name: string;
  /** Applications may disagree; in the order test, pre, gray, prod. */
  readonly types: readonly EnvironmentType[];
  /** How many declare it. */
  readonly applications: number;
  /** Ids of the releases at work there, sorted; one of several applications counts once. */
  readonly running: readonly string[];
  /** How many releases wait for their turn. */
  readonly waiting: number;
}

/** What an application tells of itself. */
export interface Declared {
  readonly current: { readonly application: Application };
  readonly environments: readonly EnvironmentState[];
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
}

export const declares = ({ current }: Declared, name: string): boolean =>
  current.application.environments.some((e) => e.name === name);

/** The place of an application in an environment that it declares; null where it does not. */
export function placeIn({ current: { application } }: Declared, name: string): Place | null {
  const environment = environmentOf(application, name);
  if (environment === undefined) return null;
  const { name: deployment, container = null } = workloadSettings(application, environment);
  const { cluster = 'default', namespace } = environment;
  return { application: application.name, cluster, namespace, deployment, container };
}

const environmentOf = ({ environments }: Application, name: string): Environment | undefined =>
  environments.find((e) => e.name === name);

/** One errand for each cluster. */
export function errandsTo(places: readonly Place[]): readonly SurveyErrand[] {
  const clusters = [...new Set(places.map((p) => p.cluster))];
  return clusters.map((cluster) => ({ cluster, places: places.filter((p) => p.cluster === cluster) }));
}

/** Null where the application does not declare the environment. `phases`: by release, where they are known. */
export function environmentRow(
  declared: Declared,
  name: string,
  { live, unseen }: Pick<Sight, 'live' | 'unseen'>,
  phases: ReadonlyMap<string, Phase>,
): EnvironmentRow | null {
  const place = placeIn(declared, name);
  const environment = environmentOf(declared.current.application, name);
  if (place === null || environment === undefined) return null;
  const { application, cluster, namespace, deployment } = place;
  const state = declared.environments.find((e) => e.name === name);
  const released = releasedIn(declared.history, name);
  const running = state?.running ?? null;
  return {
    application,
    type: environment.type,
    cluster,
    namespace,
    deployment,
    released,
    running:
      running === null
        ? null
        : { release: running, phase: phases.get(running) ?? null, since: state?.since ?? null },
    waiting: state?.queue.length ?? 0,
    live,
    unseen,
    drift: live === null ? [] : driftOf({ deployment, released, running }, live),
  };
}

function releasedIn(history: readonly HistoryEntry[], environment: string): Released | null {
  const last = history.find((h) => h.environment === environment && h.phase === 'succeeded');
  if (last === undefined) return null;
  const { release, version, digest, initiator, endedAt } = last;
  return { release, version, digest, by: initiator, since: endedAt };
}

/** All environments that these applications declare, sorted by name. */
export function environmentSummaries(all: readonly Declared[]): readonly EnvironmentSummary[] {
  const names = new Set(all.flatMap((d) => d.current.application.environments.map((e) => e.name)));
  return [...names].sort().map((name) => {
    const here = all.filter((d) => declares(d, name));
    const types = new Set(here.map((d) => environmentOf(d.current.application, name)?.type));
    const states = here.flatMap((d) => d.environments.filter((e) => e.name === name));
    const running = new Set(states.flatMap((e) => (e.running === null ? [] : [e.running])));
    return {
      name,
      types: environmentTypes.filter((type) => types.has(type)),
      applications: here.length,
      running: [...running].sort(),
      waiting: new Set(states.flatMap((e) => e.queue)).size,
    };
  });
}
