/** What a release left of an application that nobody declares where it is: found without its declaration. Pure. */
import type { Application, Environment } from './application.js';
import type { Leftover, LeftoverErrand, LeftoverRow, Unseen } from './leftover.js';

/** A namespace of a cluster. */
export interface Spot {
  readonly cluster: string;
  readonly namespace: string;
}

/** Where is looked for objects of applications that nobody declares there. */
export interface StrayErrand extends Spot {
  /** Names of those that are looked at by their declaration, or are another's. */
  readonly known: readonly string[];
}

/** Objects of one release and one application, found by their labels alone. */
export interface Stray extends Spot {
  readonly release: string;
  readonly application: string;
  readonly lane: string;
  readonly objects: readonly string[];
}

export interface FoundStrays {
  readonly strays: readonly Stray[];
  readonly unseen: readonly Unseen[];
}

/** The namespaces in which the environment is, and one more where that is asked for. */
export function spotsOf(
  applications: readonly Application[],
  environment: string,
  asked: Spot | null,
): readonly Spot[] {
  const here = applications.flatMap(({ environments }) => environments.filter((e) => e.name === environment));
  const all = [...here.map(spotOf), ...(asked === null ? [] : [asked])];
  return all.filter((spot, i) => all.findIndex((other) => isSame(other, spot)) === i);
}

const spotOf = ({ cluster = 'default', namespace }: Environment): Spot => ({ cluster, namespace });
const isSame = (a: Spot, b: Spot): boolean => a.cluster === b.cluster && a.namespace === b.namespace;

/** The environments of an application that are there. */
export const environmentsAt = ({ environments }: Application, spot: Spot): readonly Environment[] =>
  environments.filter((e) => isSame(spotOf(e), spot));

/** What could not be looked at there, in place of an application. */
export const othersAt = ({ cluster, namespace }: Spot): string => `others in ${cluster}/${namespace}`;

/** Whether it is what the labels told. */
export const isOf = ({ release, target }: Leftover, stray: Stray): boolean =>
  release === stray.release && target.application === stray.application && isSame(target, stray);

/** Looks at applications as they were declared once, in those of their environments that are there. */
export const errandsAt = (
  applications: readonly Application[],
  spots: readonly Spot[],
): readonly LeftoverErrand[] =>
  applications.flatMap((application) =>
    spots.flatMap((spot) =>
      environmentsAt(application, spot).map(({ name }) => ({
        cluster: spot.cluster,
        environment: name,
        applications: [application],
      })),
    ),
  );

/** One that stays, with the reason. */
export function untouched(
  { release, application, cluster, namespace, lane, objects }: Stray,
  state: LeftoverRow['state'],
): LeftoverRow {
  const why =
    state === 'unknown'
      ? 'this server does not know the release, so it may be at work for another installation'
      : 'nobody can tell any more what the release began with';
  return {
    application,
    cluster,
    namespace,
    lane,
    release,
    state,
    declared: false,
    objects,
    route: null,
    weight: 0,
    removed: [],
    left: `${application} is not declared there, and ${why}. Declare it there again to have it removed.`,
  };
}
