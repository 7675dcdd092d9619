/** What stands in an environment: one list of Deployments for each namespace, and one of pods where an image does not say its digest. */
import { Context } from '@temporalio/activity';
import { failure } from '../../domain/failures.js';
import type { Place, Sight, SurveyErrand } from '../../domain/environment.js';
import type { Activities } from '../contract.js';
import { DeadlineError, withDeadline } from '../deadline.js';
import { CatalogueError, describe } from '../failure.js';
import type { Cluster } from './client.js';
import { kubeFailure } from './errors.js';
import { KubeError } from './kube-error.js';
import { kinds, type Kind } from './kinds.js';
import { isSameTrack, type Deployment, type KubeObject, type Pod } from './objects.js';
import { matchesSelector } from './selectors.js';
import { concerns, liveAt, needsPods } from './sight.js';
import type { KubernetesDeps } from './workload.js';

export interface SurveyLimits {
  /** From the beginning until the Deployments have to be known, ms. */
  readonly deploymentsMs: number;
  /** The same for pods, without which a digest is not known. */
  readonly podsMs: number;
}

const limits: SurveyLimits = { deploymentsMs: 3_000, podsMs: 4_500 };
/** Namespaces at once: releases that hold a weight need the same connections. */
const atOnce = 8;
const pageSize = '500';

export function surveyActivities(deps: KubernetesDeps): Pick<Activities, 'survey'> {
  return { survey: (errand) => survey(deps, errand, Context.current().cancellationSignal) };
}

/** Whatever goes wrong with the look at a namespace is the answer of its places; throws nothing but the signal's reason. */
export async function survey(
  { clusters }: KubernetesDeps,
  { cluster: name, places }: SurveyErrand,
  signal: AbortSignal,
  { deploymentsMs, podsMs }: SurveyLimits = limits,
): Promise<readonly Sight[]> {
  const begun = performance.now();
  const left = (ms: number): number => Math.max(1, begun + ms - performance.now());
  const visit = async (namespace: string, here: readonly Place[]): Promise<readonly Sight[]> => {
    try {
      const cluster = clusters(name);
      const found = await withDeadline(left(deploymentsMs), signal, (limit) =>
        collected(cluster, kinds.deployments, namespace, limit, (d) => here.some((p) => concerns(p, d))),
      );
      const pods = await withDeadline(left(podsMs), signal, (limit) =>
        podsOf(cluster, namespace, wanting(here, found), limit),
      ).catch((): readonly Pod[] => []);
      const ofDeployment = (deployment: Deployment): readonly Pod[] =>
        pods.filter(
          (p) =>
            matchesSelector(deployment.spec.selector, p.metadata.labels ?? {}) && isSameTrack(p, deployment),
        );
      return here.map((place) => ({
        application: place.application,
        live: liveAt(place, found, ofDeployment),
        unseen: null,
      }));
    } catch (error) {
      signal.throwIfAborted();
      const unseen = whyOf(error, { cluster: name, namespace, deadlineMs: deploymentsMs });
      return here.map(({ application }) => ({ application, live: null, unseen }));
    }
  };
  const sights: Sight[] = [];
  const namespaces = [...new Set(places.map((p) => p.namespace))].values();
  const visitSome = async (): Promise<void> => {
    // All take from the same iterator.
    for (const namespace of namespaces) {
      const here = places.filter((p) => p.namespace === namespace);
      sights.push(...(await visit(namespace, here)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, visitSome));
  return sights;
}

/** Deployments of which only their pods know the digest. */
const wanting = (here: readonly Place[], found: readonly Deployment[]): readonly Deployment[] =>
  found.filter((d) => here.some((place) => concerns(place, d) && needsPods(place, d)));

async function podsOf(
  cluster: Cluster,
  namespace: string,
  deployments: readonly Deployment[],
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  if (deployments.length === 0) return [];
  return collected(cluster, kinds.pods, namespace, signal, ({ metadata: { labels = {} } }) =>
    deployments.some((d) => matchesSelector(d.spec.selector, labels)),
  );
}

/** What is wanted of a whole namespace, in parts, as each is held in memory whole. */
async function collected<T extends KubeObject>(
  cluster: Cluster,
  { resource, slim }: Kind<T>,
  namespace: string,
  signal: AbortSignal,
  isWanted: (object: T) => boolean,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (let next: string | undefined; ;) {
    const page = { limit: pageSize, ...(next === undefined ? {} : { continue: next }) };
    const { items, metadata } = await cluster.list(resource, namespace, page, signal);
    found.push(...items.map(slim).filter(isWanted));
    next = metadata.continue === '' ? undefined : metadata.continue;
    if (next === undefined) return found;
  }
}

function whyOf(
  error: unknown,
  {
    cluster,
    namespace,
    deadlineMs,
  }: { readonly cluster: string; readonly namespace: string; readonly deadlineMs: number },
): string {
  if (error instanceof DeadlineError) {
    const why = `namespace "${namespace}" was not told within ${deadlineMs / 1_000} s`;
    return failure('cluster_unreachable', { cluster, why }).message;
  }
  const what = `the look at namespace "${namespace}"`;
  const known = error instanceof KubeError ? kubeFailure(error, { cluster, namespace, what }) : error;
  if (known instanceof CatalogueError) return known.failure.message;
  return failure('internal', { what: describe(known) }).message;
}
