/** Ingresses as they are in the cluster: looked at together, and written only as they were seen. */
import { fieldManager, labels } from '../../../domain/ids.js';
import type { IngressTarget } from '../../../domain/traffic.js';
import { uptimeMs } from '../../clock.js';
import { fail } from '../../failure.js';
import type { Cluster } from '../../kubernetes/client.js';
import { KubeError } from '../../kubernetes/kube-error.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { Recent } from '../../kubernetes/recent.js';
import { path, resources } from '../../kubernetes/resources.js';
import { mapped, pause } from '../change.js';
import { objectOf } from '../json.js';
import { marksOf, namesOf, shareName, type Canary } from './canaries.js';
import { controllers } from './controllers.js';
import { isMade, noteOf, noteText, type Note } from './note.js';

const { ingresses, services } = resources;

export interface Seen {
  /** The user's; null: there is none. */
  readonly stable: KubeObject | null;
  /** What releases made for this route, by name. */
  readonly canaries: ReadonlyMap<string, KubeObject>;
}

/** How often somebody else may be faster. */
const maxConflicts = 8;

/** Does it again with what is there by then, each time that somebody else was faster. */
export async function tried<T>(
  cluster: Cluster,
  route: IngressTarget,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await attempt();
    } catch (error) {
      const raced = error instanceof KubeError && (error.status === 409 || error.status === 404);
      if (!raced || conflicts === maxConflicts) throw mapped(error, cluster, route);
      await pause(10 + Math.random() * 30 * (conflicts + 1), signal);
    }
  }
}

export async function look(cluster: Cluster, route: IngressTarget, signal: AbortSignal): Promise<Seen> {
  const { namespace, route: name } = route;
  const [stable, made] = await Promise.all([
    cluster.get(ingresses, namespace, name, signal),
    cluster.list(ingresses, namespace, { labelSelector: labels.release }, signal),
  ]);
  const names = namesOf(route);
  const ours = made.items.filter(({ metadata }) => names.includes(metadata.name));
  return { stable, canaries: new Map(ours.map((one) => [one.metadata.name, one])) };
}

/** Labels of the gray Service, and what makes Kubernetes take a canary away with it if nobody else does. */
export interface Owner {
  readonly labels: Readonly<Record<string, string>>;
  readonly reference: object;
}

export async function ownerOf(
  cluster: Cluster,
  { namespace, grayService: name }: IngressTarget,
  signal: AbortSignal,
): Promise<Owner> {
  const service = await cluster.get(services, namespace, name, signal);
  if (service === null) fail('endpoints_missing', { track: 'gray', service: name });
  const { uid, labels: found = {} } = service.metadata;
  const kept = Object.entries(found).filter(([key]) => key === labels.application || key === labels.lane);
  return {
    labels: Object.fromEntries(kept),
    reference: { apiVersion: 'v1', kind: services.kind, name, uid },
  };
}

export const marked = (route: IngressTarget, object: KubeObject): string =>
  marksOf(controllers[route.controller], {
    annotations: object.metadata.annotations ?? {},
    spec: objectOf(object['spec']) ?? {},
  });

export type NewNote = Omit<Note, 'left'>;

const noted = (route: IngressTarget, canary: Canary, note: NewNote): Record<string, string> => ({
  ...canary.annotations,
  [labels.footprint]: noteText({ ...note, left: marksOf(controllers[route.controller], canary) }),
});

/** One of that name that no release made is refused (`gray_name_taken`), one of a release is a conflict. */
export async function create(
  cluster: Cluster,
  route: IngressTarget,
  canary: Canary,
  note: NewNote,
  owner: Owner,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace } = route;
  const { name, spec } = canary;
  const metadata = {
    name,
    labels: { ...owner.labels, [labels.release]: note.release },
    annotations: noted(route, canary, note),
    ownerReferences: [owner.reference],
  };
  try {
    const created = await cluster.create(ingresses, namespace, { metadata, spec }, signal);
    touch(cluster, route);
    return created;
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 409)) throw error;
    const found = await cluster.get(ingresses, namespace, name, signal);
    if (found !== null && !isMade(found)) fail('gray_name_taken', { kind: ingresses.kind, name, namespace });
    throw error;
  }
}

/** Compare-and-set. What others added to it stays. Answers whether something differed. */
export async function update(
  cluster: Cluster,
  route: IngressTarget,
  seen: KubeObject,
  canary: Canary,
  note: NewNote,
  signal: AbortSignal,
): Promise<boolean> {
  const { own } = controllers[route.controller];
  const annotations = noted(route, canary, note);
  const found = seen.metadata.annotations ?? {};
  const gone = Object.keys(found).filter(
    (key) => own.some((start) => key.startsWith(start)) && annotations[key] === undefined,
  );
  const isSame =
    gone.length === 0 &&
    Object.entries(annotations).every(([key, value]) => found[key] === value) &&
    marked(route, seen) === marksOf(controllers[route.controller], canary);
  if (isSame) return false;
  const patch = {
    metadata: {
      resourceVersion: seen.metadata.resourceVersion,
      annotations: { ...annotations, ...Object.fromEntries(gone.map((key) => [key, null])) },
    },
    spec: { tls: null, ...canary.spec },
  };
  await cluster.merge(ingresses, route.namespace, canary.name, patch, signal);
  touch(cluster, route);
  return true;
}

/** Only as it was seen; no error where it is gone. */
export async function remove(
  cluster: Cluster,
  route: IngressTarget,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid, resourceVersion } = metadata;
  const body = { propagationPolicy: 'Background', preconditions: { uid, resourceVersion } };
  try {
    await cluster.call('DELETE', path(ingresses, route.namespace, name), { body, signal });
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 404)) throw error;
  }
  touch(cluster, route);
}

/** What somebody else changed since the last write, for people. */
export function foreignChanges(
  route: IngressTarget,
  { stable, canaries }: Seen,
  from: string | null,
): string[] {
  const changed = [...canaries.values()].filter((one) => {
    const note = noteOf(one);
    return note !== null && note.left !== marked(route, one);
  });
  const made = canaries.get(shareName(route));
  const was = made === undefined ? null : (noteOf(made)?.from ?? null);
  return [
    ...changed.map((one) => `${writerOf(one)} changed Ingress "${one.metadata.name}".`),
    ...(stable === null || was === null || from === null || was === from
      ? []
      : [`${writerOf(stable)} changed Ingress "${route.route}", and its canary follows.`]),
  ];
}

function writerOf({ metadata: { managedFields = [] } }: KubeObject): string {
  // A controller that writes the status changes nothing of this.
  const others = managedFields.filter(
    ({ manager, subresource }) =>
      manager !== undefined && manager !== fieldManager && subresource === undefined,
  );
  const last = others.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1);
  if (last === undefined) return 'somebody';
  return last.time === undefined ? `${last.manager}` : `${last.manager} at ${last.time}`;
}

/** When this worker wrote last, by `uptimeMs`. */
const written = new Recent<number>(60_000);
const keyOf = ({ namespace, grayService }: IngressTarget): string => `${namespace}/${grayService}`;
const touch = (cluster: Cluster, route: IngressTarget): void =>
  written.keep(cluster, keyOf(route), uptimeMs());

/** Until the controller has taken what was written: its time since the last write, or from now where that is not known. */
export async function settled(
  cluster: Cluster,
  route: IngressTarget,
  signal: AbortSignal,
  settleMs: number,
): Promise<void> {
  const since = written.get(cluster, keyOf(route)) ?? uptimeMs();
  const left = settleMs - (uptimeMs() - since);
  if (left > 0) await pause(left, signal);
}
