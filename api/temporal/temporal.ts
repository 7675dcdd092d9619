/** All that the API asks of Temporal, bound to one connection. Loaded after the API listens: the client is the slow part of a start. */
import type { Patience } from '../../domain/waiting.js';
import { examine } from '../doctor/examine.js';
import { connectTemporal } from './access.js';
import { applicationNames, declareApplication, listApplications, readApplication } from './applications.js';
import { releaseChanges } from './changes.js';
import { cleanEnvironment } from './clean.js';
import { endedRelease } from './ended.js';
import { listEnvironments, readEnvironment } from './environments.js';
import { removeApplication } from './removal.js';
import { unreadiness } from './readiness.js';
import { decide, readRelease, releaseEvents, releaseStatus, steer } from './releases.js';
import { Few } from './few.js';
import { planRelease, repeatedRelease, submitRelease } from './submit.js';
import { standing } from './standing.js';
import { listLanes } from './standing-lanes.js';
import { listReleases } from './visibility.js';
import type { TemporalAccess } from './access.js';

type Bound<F> = F extends (access: TemporalAccess, ...rest: infer A) => infer R ? (...rest: A) => R : never;

export interface Temporal {
  readonly declareApplication: Bound<typeof declareApplication>;
  readonly readApplication: Bound<typeof readApplication>;
  readonly applicationNames: Bound<typeof applicationNames>;
  readonly listApplications: Bound<typeof listApplications>;
  readonly removeApplication: Bound<typeof removeApplication>;
  readonly listEnvironments: Bound<typeof listEnvironments>;
  readonly readEnvironment: Bound<typeof readEnvironment>;
  readonly listLanes: Bound<typeof listLanes>;
  readonly cleanEnvironment: Bound<typeof cleanEnvironment>;
  readonly submitRelease: Bound<typeof submitRelease>;
  readonly repeatedRelease: Bound<typeof repeatedRelease>;
  readonly planRelease: Bound<typeof planRelease>;
  readonly listReleases: Bound<typeof listReleases>;
  readonly readRelease: Bound<typeof readRelease>;
  readonly endedRelease: Bound<typeof endedRelease>;
  readonly releaseStatus: Bound<typeof releaseStatus>;
  readonly releaseEvents: Bound<typeof releaseEvents>;
  readonly releaseChanges: Bound<typeof releaseChanges>;
  readonly decide: Bound<typeof decide>;
  readonly steer: Bound<typeof steer>;
  readonly examine: Bound<typeof examine>;
  readonly standing: Bound<typeof standing>;
  readonly unreadiness: Bound<typeof unreadiness>;
  readonly close: () => Promise<void>;
}

/** Pre-flights under way at the same time: releases that hold a weight need the same workers. */
const preflights = { most: 4, patienceMs: 10_000 } as const;

export function temporalOver(access: TemporalAccess): Temporal {
  const few = new Few(preflights.most, preflights.patienceMs);
  const bind =
    <A extends unknown[], R>(f: (access: TemporalAccess, ...rest: A) => R) =>
    (...rest: A): R =>
      f(access, ...rest);
  return {
    declareApplication: bind(declareApplication),
    readApplication: bind(readApplication),
    applicationNames: bind(applicationNames),
    listApplications: bind(listApplications),
    removeApplication: bind(removeApplication),
    listEnvironments: bind(listEnvironments),
    readEnvironment: bind(readEnvironment),
    listLanes: bind(listLanes),
    cleanEnvironment: bind(cleanEnvironment),
    submitRelease: (...rest) => few.run(() => submitRelease(access, ...rest)),
    repeatedRelease: bind(repeatedRelease),
    planRelease: (...rest) => few.run(() => planRelease(access, ...rest)),
    listReleases: bind(listReleases),
    readRelease: bind(readRelease),
    endedRelease: bind(endedRelease),
    releaseStatus: bind(releaseStatus),
    releaseEvents: bind(releaseEvents),
    releaseChanges: bind(releaseChanges),
    decide: bind(decide),
    steer: bind(steer),
    examine: bind(examine),
    standing: bind(standing),
    unreadiness: bind(unreadiness),
    close: () => access.client.connection.close(),
  };
}

export const openTemporal = (
  env: Readonly<Record<string, string | undefined>>,
  taskQueue: string,
  patience?: Patience,
): Temporal => temporalOver(connectTemporal(env, taskQueue, patience));
