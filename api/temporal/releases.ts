/** Releases: read, decided and steered. */
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { DecisionRequest } from '../../domain/approval.js';
import { failure, type Failure, type FailureCode } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseEvent, ReleaseView } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { ProblemError } from '../problems.js';
import type { SteeringVerb } from '../steering.js';
import type { TemporalAccess } from './access.js';
import { isUnseen, serverCall, workerCall } from './errors.js';
import { withExpectedStart } from './queue.js';
import { cutOff, partialRelease, type PartialRelease } from './partial.js';
import { withProgress } from './progress.js';
import { rowOf } from './visibility.js';

/** The fallback is better than a long silence. */
const viewMs = 5_000;

/** An ended release is read from its result, a running one is asked; where no worker answers, what Temporal itself knows. */
export async function readRelease(access: TemporalAccess, id: string): Promise<ReleaseView | PartialRelease> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const unknown = (): Failure => failure('release_unknown', { id });
  const description = await serverCall(access, unknown, () => handle.describe());
  const ended = await resultOf(access, handle, description);
  if (ended !== null) return ended;
  const seen = await viewOf(access, handle, description, unknown);
  const view = withProgress(await withExpectedStart(access, seen), description);
  const { status, closeTime } = description;
  return status.name === 'RUNNING' || status.name === 'FAILED' ? view : cutOff(view, closeTime);
}

/** Temporal is there, but nobody can tell the state. */
const unanswered: ReadonlySet<FailureCode> = new Set(['worker_missing', 'workflow_unreadable']);

async function viewOf(
  access: TemporalAccess,
  handle: WorkflowHandle,
  description: WorkflowExecutionDescription,
  unknown: () => Failure,
): Promise<ReleaseView | PartialRelease> {
  try {
    return await workerCall(access, unknown, () => handle.query(messages.state), viewMs);
  } catch (error) {
    if (!(error instanceof ProblemError) || !unanswered.has(error.problem.code)) throw error;
    return partialRelease(description, error.problem.detail);
  }
}

/** Null while it runs, and where it was refused: then there is no result. */
async function resultOf(
  access: TemporalAccess,
  handle: WorkflowHandle,
  { status }: WorkflowExecutionDescription,
): Promise<ReleaseView | null> {
  if (status.name !== 'COMPLETED') return null;
  const work = (): Promise<messages.ReleaseResult> => handle.result() as Promise<messages.ReleaseResult>;
  return (await serverCall(access, () => failure('internal', { what: 'the result is gone' }), work)).view;
}

/** Whether it has ended; throws where there is none. Needs no worker. */
export async function releaseStatus(
  access: TemporalAccess,
  id: string,
): Promise<{ readonly ended: boolean }> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const unknown = (): Failure => failure('release_unknown', { id });
  const { status } = await serverCall(access, unknown, () => handle.describe());
  return { ended: status.name !== 'RUNNING' };
}

export async function releaseEvents(
  access: TemporalAccess,
  id: string,
  after: number,
): Promise<readonly ReleaseEvent[]> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  return workerCall(
    access,
    () => failure('release_unknown', { id }),
    () => handle.query(messages.events, after),
  );
}

export async function decide(
  access: TemporalAccess,
  id: string,
  request: DecisionRequest,
): Promise<messages.Answer> {
  return update(access, id, messages.decide.name, request);
}

/** The names that the workflow listens to. */
const updates = {
  pause: messages.pause,
  resume: messages.resume,
  extend: messages.extend,
  weight: messages.weight,
  promote: messages.promote,
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
  return update(access, id, updates[verb].name, steering);
}

const mostResent = 5;

async function update(
  access: TemporalAccess,
  id: string,
  name: string,
  arg: DecisionRequest | messages.Steering,
): Promise<messages.Answer> {
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const send = async (left = mostResent): Promise<messages.Answer> => {
    try {
      return await handle.executeUpdate<messages.Answer, [typeof arg]>(name, { args: [arg] });
    } catch (error) {
      if (left === 0 || !isUnseen(error)) throw error;
      return send(left - 1);
    }
  };
  return workerCall(
    access,
    () => notRunning(access, handle, id),
    () => send(),
  );
}

/** Nobody takes updates there: the release has ended, or never was. */
async function notRunning(access: TemporalAccess, handle: WorkflowHandle, id: string): Promise<Failure> {
  const description = await serverCall(
    access,
    () => failure('release_unknown', { id }),
    () => handle.describe(),
  );
  return failure('release_ended', { id, phase: rowOf(description).phase });
}
