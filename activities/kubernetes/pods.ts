/** What keeps a Deployment from becoming available, read from it and its pods. Pure. */
import type { ContainerStatus, Deployment, Pod, Terminated } from './objects.js';
import { isReady } from './objects.js';
import { maskText } from '../../domain/mask.js';

export interface Problem {
  /** Kubernetes' own word, e.g. CrashLoopBackOff; the same problem keeps it. */
  readonly reason: string;
  /** A sentence for people: which pod, which container, what was said. */
  readonly why: string;
  /** How long it may last before it counts; 0: it does not go away by itself. */
  readonly graceMs: number;
  /** Where the last words can be read when the container left no message. */
  readonly log?: { readonly pod: string; readonly container: string };
}

/** A registry answers again, pods of the version before go. */
const graceMs = 15_000;
/** Autoscalers add nodes in minutes, webhooks come back: the release's own deadline is the limit. */
const untilDeadline = Number.POSITIVE_INFINITY;
/** A Deployment that was changed may for a moment still report what the version before suffered from. */
const staleMs = 2_000;

const finalWaits = new Set([
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'SignatureValidationFailed',
]);
const passingWaits = new Set(['ErrImagePull', 'RegistryUnavailable', 'ImageInspectError']);
const deadlineExceeded = 'ProgressDeadlineExceeded';
const passingMessage =
  /failed calling webhook|object has been modified|timed out waiting|context deadline exceeded|connection (refused|reset)|etcdserver|rpc error: code = Unavailable|try again/i;

/** The worst problem, one that does not go away first; null while everything may still become ready. */
export function diagnose(pods: readonly Pod[], deployment: Deployment): Problem | null {
  const alive = pods.filter((p) => p.metadata.deletionTimestamp === undefined);
  const found = [
    ...alive.flatMap(podProblems),
    ...(isObserved(deployment) ? deploymentProblems(deployment) : []),
  ];
  const worst = found.find((p) => p.graceMs === 0) ?? found[0];
  if (worst?.reason !== deadlineExceeded) return worst ?? null;
  // That time is up says nothing; what kept it does.
  const cause = found.find((p) => p.reason !== deadlineExceeded);
  return cause === undefined ? worst : { ...worst, why: `${worst.why} ${cause.why}` };
}

/** Whether the controller has seen the latest spec, so that the status speaks of it. */
export const isObserved = (deployment: Deployment): boolean =>
  (deployment.status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);

function deploymentProblems(deployment: Deployment): Problem[] {
  const { name } = deployment.metadata;
  const status = deployment.status ?? {};
  const condition = (type: string) => status.conditions?.find((c) => c.type === type);
  if (deployment.spec.paused === true) {
    return [{ reason: 'Paused', why: 'it is paused (spec.paused), so nothing is rolled out.', graceMs: 0 }];
  }
  const failure = condition('ReplicaFailure');
  const progress = condition('Progressing');
  // While pods of the version before are there, their going may make room for the new ones.
  const rolling = (status.replicas ?? 0) > (status.updatedReplicas ?? 0);
  const passing = passingMessage.test(failure?.message ?? '');
  const changed = (deployment.metadata.generation ?? 1) > 1;
  const failureGraceMs = passing ? untilDeadline : rolling ? graceMs : changed ? staleMs : 0;
  return [
    ...(failure?.status === 'True'
      ? [
          {
            reason: failure.reason ?? 'ReplicaFailure',
            why: `${failure.reason ?? 'ReplicaFailure'}: ${failure.message ?? 'no message'}`,
            graceMs: failureGraceMs,
          },
        ]
      : []),
    ...(progress?.status === 'False' && progress.reason === deadlineExceeded
      ? [
          {
            reason: progress.reason,
            why: `${progress.reason}: ${progress.message ?? `Deployment "${name}" made no progress`}`,
            // It stays until the first progress of the new version.
            graceMs: changed ? graceMs : 0,
          },
        ]
      : []),
  ];
}

function podProblems(pod: Pod): Problem[] {
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const why = `pod ${pod.metadata.name}: Unschedulable: ${scheduled.message ?? 'no message'}`;
    return [{ reason: 'Unschedulable', why, graceMs: untilDeadline }];
  }
  // Evicted or refused: its ReplicaSet makes another one.
  if (pod.status?.phase === 'Failed') return [];
  return [
    ...(pod.status?.initContainerStatuses ?? []).flatMap((c) => containerProblems(pod, c, true)),
    ...(pod.status?.containerStatuses ?? []).flatMap((c) => containerProblems(pod, c, false)),
  ];
}

function containerProblems(pod: Pod, status: ContainerStatus, init: boolean): Problem[] {
  if (status.ready === true) return [];
  const where = `pod ${pod.metadata.name}, container ${status.name}`;
  const waiting = status.state?.waiting;
  const reason = waiting?.reason ?? '';
  const last = status.state?.terminated ?? status.lastState?.terminated;
  const died =
    (status.restartCount ?? 0) + (isDead(status.state?.terminated, init) ? 1 : 0) >= 2 && last !== undefined;
  if (reason === 'CrashLoopBackOff' || died) {
    const ended = last === undefined ? (waiting?.message ?? 'no message') : lastWords(last);
    const why = `${where}: ${reason === '' ? 'terminated again and again' : reason}: ${ended}`;
    const said = last?.message !== undefined && last.message.trim() !== '';
    const log = said ? {} : { log: { pod: pod.metadata.name, container: status.name } };
    return [{ reason: 'CrashLoopBackOff', why, graceMs: 0, ...log }];
  }
  if (finalWaits.has(reason) || passingWaits.has(reason)) {
    const message = waiting?.message ?? 'no message';
    const passing = passingWaits.has(reason) || passingMessage.test(message);
    const lasting = passing && reason !== 'ImagePullBackOff';
    return [{ reason, why: `${where}: ${reason}: ${maskText(message)}`, graceMs: lasting ? graceMs : 0 }];
  }
  return [];
}

/** An init container that ended well has done its work. */
const isDead = (terminated: Terminated | undefined, init: boolean): boolean =>
  terminated !== undefined && !(init && terminated.exitCode === 0);

function lastWords(last: Terminated): string {
  const message = last.message?.trim() ?? '';
  const signal = last.signal === undefined || last.signal === 0 ? '' : `, signal ${last.signal}`;
  const reason = last.reason === undefined || last.reason === 'Error' ? '' : `${last.reason}, `;
  const said = message === '' ? '' : `; its last words: ${maskText(message)}`;
  return `${reason}exit code ${last.exitCode ?? 'unknown'}${signal}${said}`;
}

/** One line of how far it is, e.g. "1 of 2 ready; web-gray-x: ContainerCreating". */
export function progressText(pods: readonly Pod[], deployment: Deployment | null, replicas: number): string {
  const alive = pods.filter((p) => p.metadata.deletionTimestamp === undefined);
  const ready = alive.filter(isReady).length;
  const waiting = alive.filter((p) => !isReady(p)).map((p) => `${p.metadata.name}: ${podState(p)}`);
  const old =
    deployment === null
      ? 0
      : Math.max(0, (deployment.status?.replicas ?? 0) - (deployment.status?.updatedReplicas ?? 0));
  return [
    `${Math.min(ready, replicas)} of ${replicas} ready`,
    ...(waiting.length === 0 ? [] : [waiting.slice(0, 3).join(', ')]),
    ...(old === 0 ? [] : [`${old} of the version before still there`]),
  ].join('; ');
}

function podState(pod: Pod): string {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const waiting = statuses.find((s) => s.state?.waiting?.reason !== undefined)?.state?.waiting?.reason;
  if (waiting !== undefined) return waiting;
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False');
  if (scheduled !== undefined) return scheduled.reason ?? 'not scheduled';
  return pod.status?.phase === 'Running' ? 'runs, not ready' : (pod.status?.phase ?? 'unknown');
}
