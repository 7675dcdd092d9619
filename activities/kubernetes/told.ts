/** Whether the Service of stable tells of its pods as a rollout has left them: EndpointSlices follow it in their own time. */
import { uptimeMs } from '../clock.js';
import { kinds } from './kinds.js';
import { heard, recentMs, trustedMs } from './mirrors.js';
import { imageOf, isReady, type Deployment, type Pod } from './objects.js';
import type { Place } from './place.js';
import { resources } from './resources.js';
import { isOfImage } from './rollout.js';
import { labelSelectorText } from './selectors.js';
import { heardSlices, readyIn, sliceChange, slicesOf } from './slices.js';

/** Busy controllers take seconds. ms */
const longestMs = 10_000;
/** Between two looks without a word, ms. */
const lookMs = 200;
/** Pods that are asked about one by one in a look. */
const mostAsked = 10;

/**
 * Waits until stable's Service names each of its pods that is ready, and none that is gone, going, or of another version: whoever gets
 * traffic next would send it there. Ends after ten seconds in any case; a write of traffic looks at the endpoints itself.
 */
export async function awaitTold(place: Place): Promise<void> {
  const { cluster, target, running } = place;
  const { route, strategy, namespace } = target;
  if (route === null || strategy === 'first' || strategy === 'rolling') return;
  const service = route.stableService;
  const until = uptimeMs() + longestMs;
  const others = new Set<string>();
  try {
    while (!(await isTold(place, service, others)) && uptimeMs() < until) {
      running.say(`Service ${service} hears of its pods`);
      await sliceChange(cluster, { namespace, service }, lookMs, running.signal);
    }
  } catch {
    // The rollout is done, whatever cannot be read just now.
    running.signal.throwIfAborted();
  }
}

/** @param others pods of other Deployments behind the Service, as far as they are known */
async function isTold(place: Place, service: string, others: Set<string>): Promise<boolean> {
  const { cluster, target, running } = place;
  const { namespace } = target;
  const [deployment, slices] = await Promise.all([
    stableOf(place),
    heardSlices(cluster, namespace)?.(service) ?? slicesOf(cluster, namespace, [service], running.signal),
  ]);
  const image = deployment === null ? undefined : imageOf(deployment, target.container);
  if (deployment === null || image === undefined) return true;
  const pods = await podsOf(place, deployment);
  const isOfIt = (pod: Pod): boolean => isOfImage(pod, { container: target.container, image });
  // Something may write images of pods in another way than that of their Deployment.
  const tells = pods.some(isOfIt);
  const isCurrent = (pod: Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined && (!tells || isOfIt(pod));
  const named = readyIn(slices, service).flatMap(({ targetRef }) =>
    targetRef?.kind === 'Pod' && targetRef.name !== undefined ? [targetRef.name] : [],
  );
  const ready = pods.filter((pod) => isCurrent(pod) && isReady(pod));
  if (!ready.every(({ metadata }) => named.includes(metadata.name))) return false;
  const own = pods.filter(({ metadata }) => named.includes(metadata.name));
  if (!own.every(isCurrent)) return false;
  const unknown = named.filter((name) => !others.has(name) && own.every((pod) => pod.metadata.name !== name));
  for (const name of unknown.slice(0, mostAsked)) {
    if (await isGone(place, name)) return false;
    others.add(name);
  }
  return unknown.length <= mostAsked;
}

const stableOf = async ({ cluster, target, running }: Place): Promise<Deployment | null> => {
  const { namespace, deployment: name } = target;
  const known = heard(cluster, kinds.deployments, namespace, trustedMs)?.get(name);
  return (
    known ??
    ((await cluster.get(resources.deployments, namespace, name, running.signal)) as Deployment | null)
  );
};

async function podsOf({ cluster, target, running }: Place, { spec }: Deployment): Promise<readonly Pod[]> {
  const shelf = heard(cluster, kinds.pods, target.namespace, recentMs);
  if (shelf !== null) return shelf.select(spec.selector);
  const labelSelector = labelSelectorText(spec.selector);
  const { items } = await cluster.list(resources.pods, target.namespace, { labelSelector }, running.signal);
  return items;
}

/** One that the Deployment does not select: it has gone, or is of another that the Service leads to as well. */
async function isGone({ cluster, target, running }: Place, name: string): Promise<boolean> {
  const fieldSelector = `metadata.name=${name}`;
  const { items } = await cluster.list(resources.pods, target.namespace, { fieldSelector }, running.signal);
  return items.length === 0;
}
