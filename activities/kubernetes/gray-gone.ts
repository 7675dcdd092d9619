/** Notices that somebody removed gray while requests go to it, by the watches that all releases share. */
import type { Target } from '../../domain/target.js';
import { Alarm } from './alarm.js';
import type { Cluster } from './client.js';
import { kinds } from './kinds.js';
import { follow } from './mirrors.js';
import type { KubeObject } from './objects.js';
import { resources, type Resource } from './resources.js';
import { serviceLabel } from './slices.js';

/** Between two looks at what the watches have, without a word from them, ms. */
const lookMs = 5_000;

/**
 * Resolves with what is gone, for people, as the API server has confirmed it; with null where nothing can be seen, or nobody wants to know
 * any more. A gray whose pods are not ready is not gone: the metrics judge it.
 */
export async function grayGone(
  cluster: Cluster,
  { namespace, gray, route, strategy }: Target,
  signal: AbortSignal,
): Promise<string | null> {
  if (route === null || strategy === 'first' || strategy === 'rolling') return null;
  const alarm = new Alarm();
  // One that may not be watched leaves the other to see by.
  let blind = 0;
  const isBlind = (): boolean => blind === 2;
  const fatal = (): void => {
    blind++;
    alarm.ring();
  };
  const follower = { changed: alarm.ring, fatal };
  const part = { fieldSelector: `metadata.name=${gray}` };
  const topic = `${serviceLabel}=${route.grayService}`;
  const deployments = follow(cluster, kinds.deployments, namespace, { topic: gray, part }, follower);
  const slices = follow(
    cluster,
    kinds.endpointslices,
    namespace,
    { topic, part: { labelSelector: topic } },
    follower,
  );
  const isListed = ({ mirror }: typeof deployments | typeof slices): boolean =>
    mirror.ended === null && mirror.listedAt !== null;
  /** A Service takes its EndpointSlices with it. */
  const isSuspicious = (): boolean =>
    (isListed(deployments) && deployments.mirror.shelf.get(gray) === undefined) ||
    (isListed(slices) &&
      slices.mirror.shelf.select({ matchLabels: { [serviceLabel]: route.grayService } }).length === 0);
  const isGone = async (resource: Resource, name: string): Promise<boolean> =>
    isGoing(await cluster.get(resource, namespace, name, signal));
  signal.addEventListener('abort', alarm.ring);
  try {
    while (!signal.aborted && !isBlind()) {
      if (isSuspicious()) {
        const [deployment, service] = await Promise.all([
          isGone(resources.deployments, gray),
          isGone(resources.services, route.grayService),
        ]).catch(() => [false, false]);
        const gone = [
          ...(deployment ? [`Deployment "${gray}"`] : []),
          ...(service ? [`Service "${route.grayService}"`] : []),
        ];
        if (gone.length > 0) return `somebody deleted ${gone.join(' and ')}`;
      }
      await alarm.wait(lookMs);
    }
    return null;
  } finally {
    signal.removeEventListener('abort', alarm.ring);
    deployments.leave();
    slices.leave();
  }
}

const isGoing = (object: KubeObject | null): boolean =>
  object === null || object.metadata.deletionTimestamp !== undefined;
