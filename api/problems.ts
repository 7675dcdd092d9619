/** Problem details (RFC 9457): the one form in which this API says that something went wrong. */
import { failure, type Failure, type FailureCode } from '../domain/failures.js';
import type { FieldError } from './fields.js';

export const problemType = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable; see domain/failures.ts. */
  readonly code: FailureCode;
  readonly remedy: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly errors?: readonly (FieldError | ProblemCause)[];
}

/** A failure of the catalogue behind another one, e.g. each problem of a refused release. */
export interface ProblemCause {
  readonly pointer: string;
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
}

/** Thrown anywhere below a route; the app answers it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly problem: Problem,
    /** What it came from, without secrets: for the log, never for the answer. */
    readonly why: string | null = null,
  ) {
    super(problem.detail);
  }
}

export function problemOf(known: Failure, errors: Problem['errors'] = causes([known])): Problem {
  return {
    type: `urn:sluice:problem:${known.code}`,
    title: titleOf(known.code),
    status: known.status,
    detail: known.message,
    code: known.code,
    remedy: known.remedy,
    retryable: known.retryable,
    ...(errors.length === 0 ? {} : { errors }),
  };
}

/** Only failures that blame a field or stand beside others are worth listing. */
function causes(failures: readonly Failure[]): readonly ProblemCause[] {
  return failures.length === 1 && failures[0]?.pointer === undefined ? [] : failures.map(causeOf);
}

const causeOf = ({ pointer, code, message, remedy }: Failure): ProblemCause => ({
  pointer: pointer ?? '',
  code,
  message,
  remedy,
});

/** Every wrong field of a body at once. */
export const invalidBody = (errors: readonly FieldError[]): Problem =>
  problemOf(failure('invalid_body', { problems: errors.length }), errors);

/**
 * A release that was refused before it changed anything; one that runs already, or has nothing to do, is a conflict, not a mistake. It may be
 * asked for again as it is where nothing but a neighbour that is away stood in its way.
 */
export function refused(problems: readonly Failure[]): Problem {
  const conflict = problems.find((p) => p.code === 'release_in_progress' || p.code === 'rollback_needless');
  const known = conflict ?? failure('release_refused', { problems: problems.map((p) => p.message) });
  return { ...problemOf(known, problems.map(causeOf)), retryable: problems.every((p) => p.retryable) };
}

export function throwFailure(known: Failure): never {
  throw new ProblemError(problemOf(known));
}

export function problemResponse(problem: Problem): Response {
  const headers = new Headers({ 'content-type': problemType, 'cache-control': 'no-store' });
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer realm="sluice"');
  if (problem.status === 503) headers.set('retry-after', '2');
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** release_refused -> "Release refused". */
function titleOf(code: FailureCode): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
