/** Where requests to an application come in, if not at its own route: the routes of others, at which the share is moved. Pure. */
import {
  releaseSettings,
  routeOf,
  trafficSettings,
  type Application,
  type Environment,
} from './application.js';
import { cycleIn, type Calls } from './chain.js';
import { milliseconds } from './duration.js';
import { failure, type Failure } from './failures.js';
import type { ReleaseInputs } from './release.js';
import type { Edge } from './target.js';
import type { Enter } from './enter.js';
import type { Tag } from './traffic.js';

/** Names of the applications at whose routes requests to it get the tag in this environment. */
export const edgesOf = (application: Application, environment: Environment): readonly string[] =>
  trafficSettings(application, environment)?.edges ?? [];

/** Whom these say that they call. */
export const declaredCalls = (applications: readonly Application[]): Calls =>
  Object.fromEntries(applications.map(({ name, dependsOn = [] }) => [name, dependsOn]));

/** Who calls whom in a release: those that are released, and what they call unreleased. */
export const callsIn = ({ applications, calls }: Pick<ReleaseInputs, 'applications' | 'calls'>): Calls => ({
  ...calls,
  ...declaredCalls(applications),
});

/** The calls with those from the edges, which need not be declared twice. */
export function withEdges(calls: Calls, applications: readonly Application[], environment: string): Calls {
  const all = new Map(Object.entries(calls));
  for (const application of applications) {
    const here = application.environments.find((e) => e.name === environment);
    for (const edge of here === undefined ? [] : edgesOf(application, here))
      all.set(edge, [...(all.get(edge) ?? []), application.name]);
  }
  return Object.fromEntries(all);
}

/** A way along the calls, and the edges in one of the environments, that ends where it began; null: there is none. */
export function circleIn(
  names: readonly string[],
  calls: Calls,
  applications: readonly Application[],
  environments: readonly string[],
): readonly string[] | null {
  for (const environment of environments) {
    const cycle = cycleIn(names, withEdges(calls, applications, environment));
    if (cycle !== null) return cycle;
  }
  return null;
}

/** What the share at an edge is told by. */
export interface Told {
  readonly tag: Tag;
  readonly enter?: Enter;
}

/** The route of an application that is not released, as one behind it splits it; null where there is none. */
export function edgeIn(
  application: Application,
  name: string,
  { tag, enter }: Told,
): (Omit<Edge, 'level'> & Required<Pick<Edge, 'drainMs'>>) | null {
  const environment = application.environments.find((e) => e.name === name);
  const traffic = environment === undefined ? null : trafficSettings(application, environment);
  if (environment === undefined || traffic === null) return null;
  const { cluster = 'default', namespace } = environment;
  const { service, entry, host = null, chainHeader } = traffic;
  const chain = chainHeader === undefined ? {} : { chain: { header: chainHeader, members: [] } };
  return {
    application: application.name,
    environment: name,
    cluster,
    namespace,
    route: {
      ...routeOf(traffic, { application: application.name, cluster, namespace, grayService: service }),
      stamps: tag,
      ...(enter === undefined ? {} : { enter }),
      guest: true,
    },
    probe: entry === undefined ? null : { entry, host, tag, ...chain },
    drainMs: milliseconds(releaseSettings(application, environment).drain),
  };
}

/** Edges that cannot be one, with the remedy. `known`: all that are declared, by name. */
export function edgeProblems(
  applications: readonly Application[],
  environment: string | null,
  known: ReadonlyMap<string, Application>,
): readonly Failure[] {
  return applications.flatMap((application) =>
    application.environments
      .filter((e) => environment === null || e.name === environment)
      .flatMap((e) =>
        edgesOf(application, e).flatMap((edge): Failure[] => {
          const found = known.get(edge);
          const there = found?.environments.find((other) => other.name === e.name);
          const why =
            found === undefined
              ? 'it is not declared.'
              : there === undefined
                ? `it has no environment "${e.name}".`
                : trafficSettings(found, there) === null
                  ? `it has no traffic in ${e.name}.`
                  : trafficSettings(found, there)?.router === 'ingress'
                    ? `it is at an Ingress in ${e.name}, which has room for a share of its own only.`
                    : null;
          const context = { application: application.name, edge, why: why ?? '' };
          return why === null ? [] : [failure('edge_unfit', context, '/traffic/edges')];
        }),
      ),
  );
}
