import type { Condition, ContainerStatus, Pod } from './pod.js';

/** Status of a pod as its containers make it, for a strategic merge patch: conditions of others stay. */
export function podStatus(
  pod: Pod,
  containers: readonly ContainerStatus[],
  address: string,
  terminating: boolean,
): Record<string, unknown> {
  const now = new Date().toISOString();
  const before = new Map(pod.status?.conditions?.map((condition) => [condition.type, condition]));
  const notReady = containers.filter((container) => !container.ready).map((container) => container.name);
  const containersReady = notReady.length === 0 && !terminating;
  const gates = (pod.spec.readinessGates ?? []).every(
    (gate) => before.get(gate.conditionType)?.status === 'True',
  );
  const condition = (type: string, holds: boolean, reason: string, message?: string): Condition => {
    const status = holds ? 'True' : 'False';
    const same = before.get(type)?.status === status;
    return {
      type,
      status,
      lastTransitionTime: (same && before.get(type)?.lastTransitionTime) || now,
      ...(!holds && { reason, ...(message && { message }) }),
    };
  };
  const message = notReady.length > 0 ? `containers with unready status: [${notReady.join(' ')}]` : undefined;
  return {
    phase: phaseOf(pod, containers),
    hostIP: '127.0.0.1',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: pod.status?.startTime ?? now,
    conditions: [
      condition('Initialized', true, ''),
      condition('ContainersReady', containersReady, 'ContainersNotReady', message),
      condition('Ready', containersReady && gates, 'ContainersNotReady', message),
    ],
    containerStatuses: containers,
  };
}

function phaseOf(pod: Pod, containers: readonly ContainerStatus[]): string {
  const restarts = pod.spec.restartPolicy ?? 'Always';
  if (restarts !== 'Always' && containers.every(({ state }) => state.terminated)) {
    return containers.every(({ state }) => state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  const begun = containers.every(({ imageID }) => imageID !== '');
  return begun ? 'Running' : 'Pending';
}
