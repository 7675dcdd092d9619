/** Finds what releases left: objects with their labels, and the notes on the routes. Which of them have ended is for others to say. */
import { Context } from '@temporalio/activity';
import type { Application } from '../../domain/application.js';
import { releaseSettings } from '../../domain/application.js';
import { milliseconds } from '../../domain/duration.js';
import { edgeIn } from '../../domain/edge.js';
import { grayName, labels as ours } from '../../domain/ids.js';
import type { Found, Leftover, LeftoverErrand } from '../../domain/leftover.js';
import { homeOf, type AnyRoute, type IngressTarget } from '../../domain/traffic.js';
import type { Activities } from '../contract.js';
import { CatalogueError, describe } from '../failure.js';
import { footprintOf, notedRoute } from '../traffic/footprint.js';
import { routers } from '../traffic/index.js';
import { noteOf } from '../traffic/ingress/note.js';
import { look } from '../traffic/ingress/objects.js';
import { noteIn, trafficIn } from '../traffic/ingress/state.js';
import { roughTrafficOf, rulesOf } from '../traffic/rules.js';
import type { Cluster } from './client.js';
import { isCopyFor, isOwn } from './clone.js';
import { kubeFailure } from './errors.js';
import { sketch } from './gray-sketch.js';
import type { KubeObject } from './objects.js';
import { lookout, type Lookout } from './observation.js';
import { copiesIn } from './policies/find.js';
import { called, type Found as Piece } from './removal.js';
import { resources, type Resource } from './resources.js';
import type { KubernetesDeps } from './workload.js';

export function leftoverActivities(deps: KubernetesDeps): Pick<Activities, 'findLeftovers'> {
  return { findLeftovers: (errand) => findLeftovers(deps, errand, Context.current().cancellationSignal) };
}

/** Whatever goes wrong with one application is its answer; throws nothing but the signal's reason. */
export async function findLeftovers(
  { clusters }: KubernetesDeps,
  { cluster: name, environment, applications }: LeftoverErrand,
  signal: AbortSignal,
): Promise<Found> {
  const looks = await Promise.all(
    applications.map(async (application): Promise<Found> => {
      try {
        return {
          leftovers: await ofApplication(clusters(name), application, environment, signal),
          unseen: [],
        };
      } catch (error) {
        signal.throwIfAborted();
        const { namespace } = application.environments.find((e) => e.name === environment)!;
        const why = whyUnseen(error, name, namespace);
        return { leftovers: [], unseen: [{ application: application.name, why }] };
      }
    }),
  );
  return { leftovers: looks.flatMap((l) => l.leftovers), unseen: looks.flatMap((l) => l.unseen) };
}

/** For people. */
export function whyUnseen(error: unknown, cluster: string, namespace: string): string {
  const known = kubeFailure(error, { cluster, namespace, what: 'the look at what is left' });
  return known instanceof CatalogueError ? known.failure.message : describe(known);
}

async function ofApplication(
  cluster: Cluster,
  application: Application,
  environment: string,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const declared = application.environments.find((e) => e.name === environment)!;
  const at = lookout(application, declared, { lane: null });
  const labelSelector = `${ours.application}=${application.name}`;
  const list = async (resource: Resource): Promise<readonly Piece[]> =>
    (await cluster.list(resource, at.namespace, { labelSelector }, signal)).items.map((object) => ({
      resource,
      object,
    }));
  const edge = edgeIn(application, environment, releaseSettings(application, declared));
  const [deployments, services, copies, noted, guest] = await Promise.all([
    list(resources.deployments),
    list(resources.services),
    copiesIn(cluster, at.namespace, signal),
    noteOn(cluster, application.name, at.route, signal),
    noteOn(cluster, application.name, edge?.route ?? null, signal),
  ]);
  const named = [...deployments, ...services].filter(({ object }) => isTrackOf(at, object));
  const pieces = [
    ...named,
    ...copies
      .filter(({ object }) =>
        isCopyFor(object, {
          ...lookout(application, declared, { lane: laneOf(object) }),
          application: application.name,
        }),
      )
      .map(({ kind, object }) => ({ resource: kind.resource, object })),
  ].filter(({ object }) => isOwn(object, application.name));
  const lanes = new Map(pieces.map(({ object }) => [keyOf(object), laneOf(object)]));
  const found = [...lanes].map(([key, lane]): Leftover => {
    const own = pieces.filter(({ object }) => keyOf(object) === key);
    const release = own[0]!.object.metadata.labels![ours.release]!;
    const place = lookout(application, declared, { lane });
    const note = noted?.release === release && noted.target.grayService === place.gray ? noted : null;
    return leftover(place, release, own, note);
  });
  // The share of an application behind it, whose objects are found there.
  const shares = guest === null ? [] : [leftover(at, guest.release, [], guest)];
  if (noted === null || found.some((l) => l.release === noted.release && l.route !== null))
    return [...found, ...shares];
  // Its objects are gone, and the route still sends to them.
  const bare = leftover({ ...at, gray: noted.target.grayService }, noted.release, [], noted);
  return [...found, bare, ...shares];
}

const laneOf = ({ metadata }: KubeObject): string => metadata.labels?.[ours.lane] ?? '';
const keyOf = (object: KubeObject): string => `${object.metadata.labels?.[ours.release]} ${laneOf(object)}`;

/** Gray of this Deployment: the same application may be in one namespace twice, for two environments. */
const isTrackOf = ({ deployment }: Lookout, object: KubeObject): boolean =>
  object.metadata.name === grayName(deployment, laneOf(object));

interface Noted {
  readonly release: string;
  readonly kind: string;
  readonly weight: number;
  readonly target: AnyRoute;
}

async function noteOn(
  cluster: Cluster,
  application: string,
  route: AnyRoute | null,
  signal: AbortSignal,
): Promise<Noted | null> {
  if (route === null) return null;
  if (route.router === 'ingress') return canaryBeside(cluster, application, route, signal);
  const router = routers[route.router];
  const object = await cluster.get(router.resource, homeOf(route), route.route, signal);
  const footprint = object === null ? null : footprintOf(object, route);
  if (object === null || footprint === null) return null;
  const target = notedRoute(route, footprint);
  const rules = rulesOf(object, router, target, footprint.origins);
  const weight = footprint.traffic?.gray ?? roughTrafficOf(router, rules, target).gray;
  return { release: footprint.release, kind: router.resource.kind, weight, target };
}

/** The one that has a share is called like gray's Service. */
async function canaryBeside(
  cluster: Cluster,
  application: string,
  route: IngressTarget,
  signal: AbortSignal,
): Promise<Noted | null> {
  const { ingresses } = resources;
  const labelSelector = `${ours.application}=${application}`;
  const { items } = await cluster.list(ingresses, route.namespace, { labelSelector }, signal);
  for (const object of items) {
    const note = noteOf(object);
    if (note === null) continue;
    const target = { ...route, grayService: object.metadata.name };
    const seen = await look(cluster, target, signal);
    if (noteIn(seen, target) === null) continue;
    return { release: note.release, kind: ingresses.kind, weight: trafficIn(seen, target).gray, target };
  }
  return null;
}

function leftover(place: Lookout, release: string, pieces: readonly Piece[], note: Noted | null): Leftover {
  const { application, environment } = place;
  const route = note?.target ?? place.route;
  const { drain } = releaseSettings(application, environment);
  return {
    release,
    target: { ...sketch(place, route, ''), progressDeadlineMs: removalMs },
    objects: pieces.map((piece) => called(piece, place.namespace)),
    route: note === null ? null : `${note.kind} ${note.target.route}`,
    weight: note?.weight ?? 0,
    drainMs: milliseconds(drain),
  };
}

/** How long pods may take to go. */
const removalMs = 90_000;
