/** Releases: read, decided and steered. */
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { DecisionRequest } from '../../domain/approval.js';
import { failure, type Failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseEvent, ReleaseView } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { ProblemError } from '../problems.js';
import type { SteeringVerb } from '../steering.js';
import { serverMs, workerMs, type TemporalAccess } from './access.js';
import { call } from './errors.js';
import { partialRelease, type PartialRelease } from './partial.js';
import { rowOf } from './visibility.js';

export async function readRelease(access: TemporalAccess, id: string): Promise<ReleaseView | PartialRelease> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const unknown = (): Failure => failure('release_unknown', { id });
  try {
    return await call(access, workerMs, unknown, () => handle.query(messages.state));
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== 'worker_missing') throw error;
    const description = await call(access, serverMs, unknown, () => handle.describe());
    return (await resultOf(access, handle, description)) ?? partialRelease(description);
  }
}

/** An ended release has its view in its result, which needs no worker. */
async function resultOf(
  access: TemporalAccess,
  handle: WorkflowHandle,
  { status }: WorkflowExecutionDescription,
): Promise<ReleaseView | null> {
  if (status.name !== 'COMPLETED') return null;
  const work = (): Promise<messages.ReleaseResult> => handle.result() as Promise<messages.ReleaseResult>;
  return (await access.client.withDeadline(Date.now() + serverMs, work)).view;
}

/** Whether it has ended; throws where there is none. Needs no worker. */
export async function releaseStatus(
  access: TemporalAccess,
  id: string,
): Promise<{ readonly ended: boolean }> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const unknown = (): Failure => failure('release_unknown', { id });
  const { status } = await call(access, serverMs, unknown, () => handle.describe());
  return { ended: status.name !== 'RUNNING' };
}

export async function releaseEvents(
  access: TemporalAccess,
  id: string,
  after: number,
): Promise<readonly ReleaseEvent[]> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  return call(
    access,
    workerMs,
    () => failure('release_unknown', { id }),
    () => handle.query(messages.events, after),
  );
}

export async function decide(
  access: TemporalAccess,
  id: string,
  request: DecisionRequest,
): Promise<messages.Answer> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  return call(
    access,
    workerMs,
    () => notRunning(access, handle, id),
    () => handle.executeUpdate(messages.decide, { args: [request] }),
  );
}

const updates = {
  pause: messages.pause,
  resume: messages.resume,
  abort: messages.abort,
  retry: messages.retry,
  skip: messages.skip,
  abandon: messages.abandon,
} as const satisfies Record<SteeringVerb, unknown>;

export async function steer(
  access: TemporalAccess,
  id: string,
  verb: SteeringVerb,
  steering: messages.Steering,
): Promise<messages.Answer> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  return call(
    access,
    workerMs,
    () => notRunning(access, handle, id),
    () => handle.executeUpdate(updates[verb], { args: [steering] }),
  );
}

/** Nobody takes updates there: the release has ended, or never was. */
async function notRunning(access: TemporalAccess, handle: WorkflowHandle, id: string): Promise<Failure> {
  const description = await call(
    access,
    serverMs,
    () => failure('release_unknown', { id }),
    () => handle.describe(),
  );
  return failure('release_ended', { id, phase: rowOf(description).phase });
}
