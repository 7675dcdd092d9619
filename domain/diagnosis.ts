/** What `sluice doctor` says of the surroundings: one answer for each thing that was looked at. Pure. */
import type { Application } from './application.js';
import type { Failure } from './failures.js';
import { clusterTaskQueue } from './ids.js';

/** ok: fine; warning: works, with a risk; problem: releases suffer; skipped: could not be looked at, and `seen` says why. */
export const healthStates = ['ok', 'warning', 'problem', 'skipped'] as const;
export type HealthState = (typeof healthStates)[number];

/** In the order in which they are told. */
export const healthTopics = [
  'api',
  'token',
  'temporal',
  'namespace',
  'search-attributes',
  'workers',
  'workflows',
  'cluster',
  'permissions',
  'crds',
  'application',
  'route',
  'prometheus',
  'series',
  'registry',
  'clock',
] as const;
export type HealthTopic = (typeof healthTopics)[number];

export interface HealthCheck {
  readonly topic: HealthTopic;
  /** What was looked at, e.g. `cluster eu`, `web in prod`. */
  readonly subject: string;
  readonly state: HealthState;
  /** What was seen; with skipped: why it was not looked at. */
  readonly seen: string;
  /** How to mend it; null where there is nothing to mend. */
  readonly remedy: string | null;
}

export interface Diagnosis {
  /** The API's clock, ISO. */
  readonly at: string;
  /** The worst of its checks; skipped counts as a warning. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly checks: readonly HealthCheck[];
}

/** One errand of a diagnosis: on the queue of a cluster, for one application that is there, or for the cluster itself. */
export interface Errand {
  readonly cluster: string;
  /** Null: the cluster itself. */
  readonly application: Application | null;
  /** Whether the registry of the application is asked too: by the workers that resolve images, those of the default cluster. */
  readonly registry: boolean;
}

export interface ErrandReport {
  readonly cluster: string;
  /** The worker's clock when it began, ISO; null: no worker took it up. */
  readonly at: string | null;
  readonly checks: readonly HealthCheck[];
}

type About = Pick<HealthCheck, 'topic' | 'subject'>;

export const fine = (about: About, seen: string): HealthCheck => ({
  ...about,
  state: 'ok',
  seen,
  remedy: null,
});
export const warning = (about: About, seen: string, remedy: string): HealthCheck => ({
  ...about,
  state: 'warning',
  seen,
  remedy,
});
export const problem = (about: About, seen: string, remedy: string): HealthCheck => ({
  ...about,
  state: 'problem',
  seen,
  remedy,
});
export const skipped = (about: About, why: string): HealthCheck => ({
  ...about,
  state: 'skipped',
  seen: `not looked at, because ${why}`,
  remedy: null,
});
/** A failure of the catalogue as what a check saw. */
export const failed = (about: About, { message, remedy }: Failure): HealthCheck =>
  problem(about, message, remedy);

export function diagnosisOf(at: string, checks: readonly HealthCheck[]): Diagnosis {
  const order = (c: HealthCheck): number => healthTopics.indexOf(c.topic);
  // Two applications may need the same thing.
  const once = new Map(checks.map((c) => [JSON.stringify(c), c]));
  return { at, state: worst(checks), checks: [...once.values()].sort((a, b) => order(a) - order(b)) };
}

export function worst(checks: readonly HealthCheck[]): Diagnosis['state'] {
  if (checks.some((c) => c.state === 'problem')) return 'problem';
  return checks.every((c) => c.state === 'ok') ? 'ok' : 'warning';
}

/** What has to be looked at for these applications: each cluster that they name, and each application in each of its clusters. */
export function errandsFor(applications: readonly Application[]): readonly Errand[] {
  const clustersOf = (application: Application): string[] => [
    ...new Set(application.environments.map((e) => e.cluster ?? 'default')),
  ];
  const clusters = new Set(['default', ...applications.flatMap(clustersOf)]);
  // The registry is asked on the default queue, wherever the application runs.
  const homes = (application: Application): string[] => [...new Set(['default', ...clustersOf(application)])];
  return [
    ...[...clusters].map((cluster) => ({ cluster, application: null, registry: false })),
    ...applications.flatMap((application) =>
      homes(application).map((cluster) => ({ cluster, application, registry: cluster === 'default' })),
    ),
  ];
}

/** Why the errand of a queue came back without an answer. */
export type Unanswered = 'nobody took it up' | 'it did not end in time';

export function unanswered(errand: Errand, queue: string, why: Unanswered | Failure): readonly HealthCheck[] {
  const { cluster, application } = errand;
  const own = clusterTaskQueue(queue, cluster);
  const about: About =
    application === null
      ? { topic: 'cluster', subject: cluster }
      : { topic: 'application', subject: application.name };
  if (typeof why === 'object') return [failed(about, why)];
  switch (why) {
    case 'nobody took it up':
      // The cluster's own errand says who is missing; it need not be said again for each application.
      return application === null
        ? [workerAway(own, cluster), skipped(about, `no worker takes up tasks of queue ${own}`)]
        : [skipped(about, `no worker takes up tasks of queue ${own}`)];
    case 'it did not end in time':
      return [problem(about, 'The worker did not end its look in time.', 'See its log and its load.')];
  }
}

export function workerAway(queue: string, cluster: string): HealthCheck {
  const base = cluster === 'default' ? queue : queue.slice(0, -cluster.length - 1);
  const serves = cluster === 'default' ? '' : ` whose SLUICE_CLUSTERS_FILE names the cluster "${cluster}"`;
  const other = cluster === 'default' ? '' : ', or correct environments[].cluster';
  return problem(
    { topic: 'workers', subject: `queue ${queue}` },
    `No worker takes up tasks of queue ${queue}.`,
    `Start a worker with SLUICE_TASK_QUEUE=${base}${serves}${other}.`,
  );
}

/** Clocks that differ by more than this make deadlines and windows of queries wrong. */
const skewMs = { warning: 2_000, problem: 30_000 } as const;

/**
 * A clock that was read between two readings of ours: off by less than the time between is no skew. Times in milliseconds.
 * Its own precision is a second where it comes from an HTTP header.
 */
export function clockCheck(
  subject: string,
  clock: { readonly before: number; readonly read: number; readonly after: number },
): HealthCheck {
  const about = { topic: 'clock', subject } as const;
  const { before, read, after } = clock;
  const ahead = read > after ? read - after : read < before ? read - before : 0;
  const off = Math.abs(ahead);
  if (off <= skewMs.warning) return fine(about, 'agrees');
  const seen = `It is ${seconds(off)} ${ahead > 0 ? 'ahead' : 'behind'}.`;
  const remedy = 'Let both machines follow a time server (chrony, systemd-timesyncd).';
  return off <= skewMs.problem ? warning(about, seen, remedy) : problem(about, seen, remedy);
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
