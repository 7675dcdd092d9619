/** Errors of the Temporal client as failures of the catalogue. No gRPC error leaves this file: it carries metadata. */
import {
  ApplicationFailure,
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { failure, type Failure } from '../../domain/failures.js';
import { searchAttributes } from '../../workflows/messages.js';
import { problemOf, ProblemError } from '../problems.js';
import { serverMs, type TemporalAccess } from './access.js';

/** gRPC status codes that are told apart. */
const grpc = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/**
 * Runs a call within a time; whatever goes wrong becomes a ProblemError. `missing` says what it means that the workflow is not there, or,
 * for an update, not running any more.
 */
export async function call<T>(
  access: TemporalAccess,
  timeoutMs: number,
  missing: () => Failure | Promise<Failure>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await access.client.withDeadline(Date.now() + timeoutMs, work);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const known = isMissing(error) ? await missing() : await failureFrom(access, error);
    throw new ProblemError(problemOf(known));
  }
}

export const isMissing = (error: unknown): boolean =>
  !(error instanceof NamespaceNotFoundError) &&
  (error instanceof WorkflowNotFoundError || grpcOf(error)?.code === grpc.notFound);

/** Whether time ran out, which for a query or an update means that no worker answered. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcOf(error)?.code === grpc.deadlineExceeded;

export async function failureFrom(access: TemporalAccess, error: unknown): Promise<Failure> {
  if (error instanceof WorkflowUpdateFailedError) return carried(error.cause);
  if (error instanceof NamespaceNotFoundError) {
    return failure('temporal_unreachable', { why: `it has no namespace "${error.namespace}"` });
  }
  if (isTimeout(error)) {
    return (await isServing(access))
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
    case grpc.failedPrecondition:
      return failure('worker_missing', undefined);
    case grpc.invalidArgument:
      return /search attribute/i.test(details)
        ? missingAttributes(Object.values(searchAttributes))
        : failure('internal', { what: 'Temporal took a request for invalid' });
    default:
      return failure('internal', { what: `Temporal answered with status ${code}` });
  }
}

export function missingAttributes(missing: readonly string[]): Failure {
  const pairs = missing.map(
    (name) => `--name ${name} --type ${name === searchAttributes.weight ? 'Int' : 'Keyword'}`,
  );
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
    what: cause instanceof Error ? cause.message.slice(0, 300) : 'an update failed',
  });
}

function grpcOf(error: unknown): { readonly code: number; readonly details?: string } | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (isGrpcServiceError(current)) return current;
  }
  return null;
}

/** Whether Temporal answers at all, quickly. */
export async function isServing({ client }: TemporalAccess): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + serverMs / 2, () => client.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}
