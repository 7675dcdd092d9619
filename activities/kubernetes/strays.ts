/** Finds what releases left of applications that nobody declares any more: by labels alone, so that it says what is there and not how it goes. */
import { Context } from '@temporalio/activity';
import { labels as ours } from '../../domain/ids.js';
import { othersAt, type FoundStrays, type Stray, type StrayErrand } from '../../domain/stray.js';
import type { Activities } from '../contract.js';
import type { Cluster } from './client.js';
import { whyUnseen } from './leftovers.js';
import { copiesIn } from './policies/find.js';
import { called } from './removal.js';
import { resources, type Resource } from './resources.js';
import type { KubernetesDeps } from './workload.js';

export function strayActivities(deps: KubernetesDeps): Pick<Activities, 'findStrays'> {
  return { findStrays: (errand) => findStrays(deps, errand, Context.current().cancellationSignal) };
}

/** Throws nothing but the signal's reason. */
export async function findStrays(
  { clusters }: KubernetesDeps,
  errand: StrayErrand,
  signal: AbortSignal,
): Promise<FoundStrays> {
  const { cluster, namespace } = errand;
  try {
    return { strays: await straysIn(clusters(cluster), errand, signal), unseen: [] };
  } catch (error) {
    signal.throwIfAborted();
    const why = whyUnseen(error, cluster, namespace);
    return { strays: [], unseen: [{ application: othersAt(errand), why }] };
  }
}

/** Gray and what was made with it; stable, which a first release makes, has none of these labels. */
const marks = [ours.release, ours.application, ours.lane] as const;

async function straysIn(
  cluster: Cluster,
  { cluster: name, namespace, known }: StrayErrand,
  signal: AbortSignal,
): Promise<readonly Stray[]> {
  const labelSelector = marks.join(',');
  const list = async (resource: Resource) =>
    (await cluster.list(resource, namespace, { labelSelector }, signal)).items.map((object) => ({
      resource,
      object,
    }));
  const [deployments, services, copies] = await Promise.all([
    list(resources.deployments),
    list(resources.services),
    copiesIn(cluster, namespace, signal),
  ]);
  const all = [
    ...deployments,
    ...services,
    ...copies.map(({ kind, object }) => ({ resource: kind.resource, object })),
  ];
  const found = new Map<string, Stray>();
  for (const piece of all) {
    const { object } = piece;
    if (marks.some((mark) => object.metadata.labels?.[mark] === undefined)) continue;
    const [release, application, lane] = marks.map((mark) => object.metadata.labels?.[mark] ?? '');
    if (known.includes(application!)) continue;
    const key = [release, application, lane].join(' ');
    const stray = { cluster: name, namespace, release: release!, application: application!, lane: lane! };
    const objects = [...(found.get(key)?.objects ?? []), called(piece, namespace)];
    found.set(key, { ...stray, objects });
  }
  return [...found.values()];
}
