/** Errors of the Temporal client as failures of the catalogue. No gRPC error leaves this file: it carries metadata. */
import {
  ApplicationFailure,
  isGrpcServiceError,
  NamespaceNotFoundError,
  QueryNotRegisteredError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowService,
} from '@temporalio/client';
import { failure, type Failure } from '../../domain/failures.js';
import { searchAttributes, searchAttributeTypes } from '../../workflows/messages.js';
import { problemOf, ProblemError } from '../problems.js';
import { noWorkerMs, serverMs, workerMs, type TemporalAccess } from './access.js';

/** gRPC status codes that are told apart. */
const grpc = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** Type of the failure that the server gives an update whose workflow ended, or was ended, before it answered. */
const endedUnanswered = 'AcceptedUpdateCompletedWorkflow';
/** The same of an update that its worker forgot together with the workflow. */
const neverSeen = 'UnprocessedUpdate';

/**
 * A call that Temporal itself answers. Whatever goes wrong becomes a ProblemError; `missing` says what it means that the workflow is not
 * there.
 */
export async function serverCall<T>(
  access: TemporalAccess,
  missing: () => Failure | Promise<Failure>,
  work: () => Promise<T>,
): Promise<T> {
  return within(access, serverMs, 'server', missing, work);
}

/** A call that a worker answers: a query or an update; for an update, `missing` also means that it is not running any more. */
export async function workerCall<T>(
  access: TemporalAccess,
  missing: () => Failure | Promise<Failure>,
  work: () => Promise<T>,
  timeoutMs = workerMs,
): Promise<T> {
  const someone = await serverCall(access, missing, () => hasWorker(access));
  return within(access, someone ? timeoutMs : noWorkerMs, 'worker', missing, work);
}

async function within<T>(
  access: TemporalAccess,
  timeoutMs: number,
  who: 'server' | 'worker',
  missing: () => Failure | Promise<Failure>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await access.client.withDeadline(Date.now() + timeoutMs, work);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const known = isMissing(error) ? await missing() : failureFrom(error, who);
    throw new ProblemError(problemOf(known), causeOf(error));
  }
}

/** The workflow is not there, or not running any more and therefore silent. */
export const isMissing = (error: unknown): boolean =>
  !(error instanceof NamespaceNotFoundError) &&
  (error instanceof WorkflowNotFoundError ||
    grpcOf(error)?.code === grpc.notFound ||
    (error instanceof WorkflowUpdateFailedError &&
      error.cause instanceof ApplicationFailure &&
      error.cause.type === endedUnanswered));

/** Whether no workflow has seen the update, so that it may be sent again. */
export const isUnseen = (error: unknown): boolean =>
  error instanceof WorkflowUpdateFailedError &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === neverSeen;

/** Whether time ran out; a query that waits for a worker is cancelled by the server then. */
export const isTimeout = (error: unknown): boolean => {
  const code = grpcOf(error)?.code;
  return (
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    code === grpc.deadlineExceeded ||
    code === grpc.cancelled
  );
};

/** `who` was to answer; a worker is only asked after Temporal has answered. */
export function failureFrom(error: unknown, who: 'server' | 'worker'): Failure {
  if (error instanceof WorkflowUpdateFailedError) return carried(error.cause);
  if (error instanceof NamespaceNotFoundError) {
    return failure('temporal_unreachable', { why: `it has no namespace "${error.namespace}"` });
  }
  // The client has one error for every query that fails.
  if (error instanceof QueryNotRegisteredError)
    return failure('workflow_unreadable', { why: error.message.slice(0, longest) });
  if (isTimeout(error)) {
    return who === 'worker'
      ? failure('worker_missing', undefined)
      : failure('temporal_unreachable', { why: 'it did not answer in time' });
  }
  const found = grpcOf(error);
  if (found === null) return failure('internal', { what: 'the Temporal client failed' });
  return fromGrpc(found.code, found.details ?? '');
}

function fromGrpc(code: number, details: string): Failure {
  switch (code) {
    case grpc.unavailable:
      return failure('temporal_unreachable', { why: 'nothing answers at its address' });
    case grpc.permissionDenied:
    case grpc.unauthenticated:
      return failure('temporal_unreachable', { why: 'it refused the credentials' });
    case grpc.resourceExhausted:
      return failure('temporal_unreachable', { why: 'it is overloaded' });
    // The client has asked again before, up to the deadline where that may help; the server is restarting, or a proxy stands before it.
    case grpc.unknown:
    case grpc.aborted:
    case grpc.outOfRange:
    case grpc.internal:
    case grpc.dataLoss:
      return failure('temporal_unreachable', { why: `it failed with status ${code}` });
    case grpc.unimplemented:
      return failure('temporal_unreachable', { why: 'it is too old for a call, or is no Temporal' });
    case grpc.failedPrecondition:
      return /limit/i.test(details)
        ? failure('temporal_unreachable', { why: 'the workflow has taken as many updates as it may' })
        : failure('worker_missing', undefined);
    case grpc.invalidArgument:
      return /search attribute/i.test(details)
        ? missingAttributes(Object.values(searchAttributes))
        : failure('internal', { what: 'Temporal took a request for invalid' });
    default:
      return failure('internal', { what: `Temporal answered with status ${code}` });
  }
}

export function missingAttributes(missing: readonly string[]): Failure {
  const pairs = missing.map((name) => `--name ${name} --type ${searchAttributeTypes[name] ?? 'Keyword'}`);
  return failure('search_attributes_missing', {
    missing,
    command: `temporal operator search-attribute create ${pairs.join(' ')}`,
  });
}

/** The catalogue failure that a workflow's answer carries. */
function carried(cause: unknown): Failure {
  const detail: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  if (typeof detail === 'object' && detail !== null && 'code' in detail && 'remedy' in detail) {
    return detail as Failure;
  }
  return failure('internal', {
    what: cause instanceof Error ? cause.message.slice(0, longest) : 'an update failed',
  });
}

/** Characters that are told of somebody else's message. */
const longest = 300;

/** For the log: names and messages, and no metadata, which carries credentials. */
export function causeOf(error: unknown): string {
  const said: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause)
    said.push(`${current.name}: ${current.message.slice(0, longest)}`);
  return said.length === 0 ? String(error).slice(0, longest) : said.join(' <- ');
}

function grpcOf(error: unknown): { readonly code: number; readonly details?: string } | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (isGrpcServiceError(current)) return current;
  }
  return null;
}

/** By their numbers in the protocol, whose enums the client does not export. */
const numbers: unknown = { workflows: 1, activities: 2 };
const queueTypes = numbers as Readonly<Record<'workflows' | 'activities', QueueType>>;
type QueueType = NonNullable<Parameters<WorkflowService['describeTaskQueue']>[0]['taskQueueType']>;

/** A worker asks again at least each minute, so one that was silent for longer is gone. */
const silentMs = 75_000;

/** Workers that have lately asked for workflow tasks. Throws what Temporal throws; one that died is counted for up to 75 s more. */
export const countPollers = (access: TemporalAccess): Promise<number> =>
  pollersOf(access, access.taskQueue, 'workflows');

/** When one was seen last, on a clock that nobody steps. */
const workersSeen = new WeakMap<TemporalAccess, number>();
const seenMs = 1_000;

/** Whether some worker has lately asked for workflow tasks; what was seen a second ago still counts. */
export async function hasWorker(access: TemporalAccess): Promise<boolean> {
  if (performance.now() - (workersSeen.get(access) ?? -Infinity) < seenMs) return true;
  const someone = (await countPollers(access)) > 0;
  if (someone) workersSeen.set(access, performance.now());
  return someone;
}

/** Pollers of any queue, by what is asked for. */
export async function pollersOf(
  { client, namespace }: TemporalAccess,
  queue: string,
  kind: 'workflows' | 'activities',
): Promise<number> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    taskQueueType: queueTypes[kind],
  });
  const oldest = Date.now() - silentMs;
  return (pollers ?? []).filter((p) => Number(p.lastAccessTime?.seconds ?? 0) * 1_000 > oldest).length;
}
