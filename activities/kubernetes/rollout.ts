/** How far a rollout is, decided from what was seen of it. Pure. */
import { digestOf, imageOf, isReady, sameImage, type Deployment, type Pod } from './objects.js';
import { diagnose, isObserved, progressText, type Problem } from './pods.js';

export interface Expected {
  readonly container: string;
  /** Image that the Deployment was given. */
  readonly image: string;
  /** Generation that the write answered; what is older is not looked at. */
  readonly generation: number;
  /** How many pods must be available; null: as many as the Deployment asks for. */
  readonly replicas: number | null;
  /** It was made smaller: what counts is that no more pods are left, ready or not. Default false. */
  readonly shrinks?: boolean;
}

export interface Seen {
  readonly deployment: Deployment | null;
  readonly pods: readonly Pod[];
  /** Whether the Deployment was there and is gone. */
  readonly deleted: boolean;
  /** The problem that was found last time, and since when. */
  readonly problem: { readonly reason: string; readonly since: number } | null;
  /** Since when the Deployment says that it is done. */
  readonly completeSince: number | null;
}

export type RolloutState =
  | { readonly kind: 'available' }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | {
      readonly kind: 'waiting';
      readonly status: string;
      readonly next: Pick<Seen, 'problem' | 'completeSince'>;
    };

/** The pods' own watch may be a little behind the Deployment's; evidence waits for it this long. */
const podsLagMs = 500;
const nothing = { problem: null, completeSince: null };

export function rolloutState(seen: Seen, expected: Expected, now: number): RolloutState {
  const { deployment } = seen;
  const failed = (reason: string, why: string): RolloutState => ({
    kind: 'failed',
    problem: { reason, why, graceMs: 0 },
  });
  if (seen.deleted) return failed('Deleted', 'somebody deleted it meanwhile.');
  if (deployment === null || (deployment.metadata.generation ?? 0) < expected.generation) {
    return { kind: 'waiting', status: 'waiting for the API server', next: nothing };
  }
  const image = imageOf(deployment, expected.container);
  if (!sameImage(image, expected.image)) {
    return failed('Changed', `somebody set its image to ${image ?? 'nothing'} meanwhile.`);
  }
  const replicas = expected.replicas ?? deployment.spec.replicas ?? 1;
  if (expected.shrinks === true) return shrunk(deployment, replicas);
  const pods = seen.pods.filter((p) => isOfImage(p, expected));
  const completeSince = isComplete(deployment, replicas) ? (seen.completeSince ?? now) : null;
  if (completeSince !== null) {
    const all = pods.filter(isReady).length >= replicas;
    if (all || now - completeSince >= podsLagMs) return { kind: 'available' };
  }
  const found = completeSince === null ? diagnose(pods, deployment) : null;
  const since = found !== null && found.reason === seen.problem?.reason ? seen.problem.since : now;
  if (found !== null && now - since >= found.graceMs) return { kind: 'failed', problem: found };
  const status = progressText(pods, deployment, replicas);
  return {
    kind: 'waiting',
    status: found === null ? status : `${status}; ${found.why}`,
    next: { problem: found === null ? null : { reason: found.reason, since }, completeSince },
  };
}

function shrunk(deployment: Deployment, replicas: number): RolloutState {
  const asked = deployment.spec.replicas ?? 1;
  const left = deployment.status?.replicas ?? 0;
  if (asked !== replicas) {
    const why = `somebody scaled it to ${asked} meanwhile.`;
    return { kind: 'failed', problem: { reason: 'Scaled', why, graceMs: 0 } };
  }
  if (isObserved(deployment) && left === replicas) return { kind: 'available' };
  return { kind: 'waiting', status: `${left} pod(s), to be ${replicas}`, next: nothing };
}

/** Observed, everything of the latest version, and enough of it available. */
function isComplete(deployment: Deployment, replicas: number): boolean {
  const status = deployment.status ?? {};
  const updated = status.updatedReplicas ?? 0;
  return (
    isObserved(deployment) &&
    updated >= replicas &&
    (status.availableReplicas ?? 0) >= replicas &&
    (status.replicas ?? 0) === updated
  );
}

/** Whether no rollout is under way: all pods are of the latest version, and they have been available once. */
export function isSettled(deployment: Deployment): boolean {
  const status = deployment.status ?? {};
  const progress = status.conditions?.find((c) => c.type === 'Progressing');
  return (
    isComplete(deployment, deployment.spec.replicas ?? 1) ||
    (isObserved(deployment) &&
      (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
      progress?.reason === 'NewReplicaSetAvailable')
  );
}

/** Whether a rollout may take down all pods before a new one is ready. */
export function mayRunDry({ spec: { strategy, replicas = 1 } }: Deployment): boolean {
  if (strategy?.type === 'Recreate') return true;
  const { maxUnavailable = '25%', maxSurge = '25%' } = strategy?.rollingUpdate ?? {};
  const of = (part: number | string, round: (pods: number) => number): number =>
    typeof part === 'number' ? part : round((Number.parseInt(part, 10) * replicas) / 100);
  const unavailable = of(maxUnavailable, Math.floor);
  // Where neither may be, Kubernetes takes one pod down all the same.
  const most = unavailable === 0 && of(maxSurge, Math.ceil) === 0 ? 1 : unavailable;
  return most >= replicas;
}

/** Pods of the version before are not judged; a mirror may have changed the registry, not the digest. */
export function isOfImage(pod: Pod, expected: Pick<Expected, 'container' | 'image'>): boolean {
  return sameImage(pod.spec?.containers?.find((c) => c.name === expected.container)?.image, expected.image);
}

/** One line per pod for evidence. */
export function podFindings(pods: readonly Pod[], container: string): readonly Record<string, unknown>[] {
  return pods.map((pod) => {
    const status = pod.status?.containerStatuses?.find((s) => s.name === container);
    const image = pod.spec?.containers?.find((c) => c.name === container)?.image;
    return {
      pod: pod.metadata.name,
      node: pod.spec?.nodeName ?? null,
      ready: isReady(pod),
      restarts: status?.restartCount ?? 0,
      image: image ?? null,
      digest: digestOf(status?.imageID) ?? digestOf(image),
    };
  });
}
