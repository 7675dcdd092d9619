/** The one place where an answer of Kubernetes becomes a failure of the catalogue. */
import { failure, type Failure } from '../../domain/failures.js';
import { CatalogueError } from '../failure.js';
import { KubeError } from './kube-error.js';

export interface KubeContext {
  readonly cluster: string;
  readonly namespace: string;
  /** What was asked for, for people: `the gray Deployment "shop-gray"`. */
  readonly what: string;
}

/** KubeError -> CatalogueError; every other error passes through. A 404 that means something is told apart by the caller before. */
export function kubeFailure(error: unknown, context: KubeContext): unknown {
  if (!(error instanceof KubeError)) return error;
  const retryAfterMs = error.retryAfter === null ? undefined : error.retryAfter * 1_000;
  return new CatalogueError(failureOf(error, context), retryAfterMs);
}

function failureOf(error: KubeError, { cluster, namespace, what }: KubeContext): Failure {
  const { status, message } = error;
  const answer = `${status} ${message}`;
  if (status === 401)
    return failure('cluster_denied', { cluster, verb: 'log in to', resource: 'the API server', namespace });
  if (status === 403 && !isRefusal(message))
    return failure('cluster_denied', { cluster, namespace, ...deniedIn(message, what) });
  if (status === 409)
    return failure('internal', { what: `somebody else was faster with ${what}: ${answer}` });
  if (status >= 500 && /failed calling webhook/.test(message))
    return failure('admission_unreachable', { cluster, answer: `${what}: ${answer}` });
  // 408 and 429 are the server's own "later".
  if (status === 408 || status === 429 || status >= 500 || isStorage(message)) {
    return failure('cluster_unreachable', { cluster, why: `${what}: ${answer}` });
  }
  return failure('cluster_refused', { what, answer });
}

/**
 * Admission answers 403 too (a quota, a limit range, a policy, a webhook), and no role helps against it. What lacks a right is told
 * as `... is forbidden: User "x" cannot ...`.
 */
const isRefusal = (message: string): boolean =>
  /is forbidden: (?!User )|exceeded quota|admission webhook|denied (the )?request|violates PodSecurity/.test(
    message,
  );

/** The API server lost its etcd in the middle of a check, and says so as if the object were wrong: a Service without an address, a quota. */
const isStorage = (message: string): boolean =>
  /rpc error: code = (Unavailable|DeadlineExceeded|Canceled)|etcdserver: /.test(message);

function deniedIn(message: string, what: string): { verb: string; resource: string } {
  const match = /cannot (\w+) resource "([^"]+)"/.exec(message);
  return { verb: match?.[1] ?? 'touch', resource: match?.[2] ?? what };
}
