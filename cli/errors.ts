/** The ways in which a command fails, each with its exit code. */
import type { Problem } from './answers.js';
import { exitCodes, type ExitCode } from './exit.js';

/** Wrong arguments or a file that is no use: nothing was sent. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    message: string,
    readonly remedy: string | null = null,
  ) {
    super(message);
  }
}

/** The API answered, and said no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title ?? `The API answered ${status}.`);
  }

  get exitCode(): ExitCode {
    if (this.status < 500) return exitCodes.refused;
    return this.status === 503 ? exitCodes.unreachable : exitCodes.internal;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  constructor(
    readonly server: string,
    readonly why: string,
    /** Whether the request may have arrived before the connection broke. */
    readonly mayHaveArrived: boolean,
  ) {
    super(`${server} cannot be reached: ${why}.`);
  }
}
