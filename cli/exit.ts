/** How the command ends: one code for each thing that a script may want to tell apart. */
import type { Outcome } from '../domain/release.js';

export const exitCodes = {
  succeeded: 0,
  internal: 1,
  usage: 2,
  rolledBack: 3,
  rejected: 4,
  refused: 5,
  unreachable: 6,
  cancelled: 7,
  failed: 8,
  timeout: 9,
  attention: 10,
  unwell: 11,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  succeeded: 'done; with --wait and watch: the release succeeded',
  internal: 'something unexpected, a bug or a server error',
  usage: 'wrong arguments, or a file that cannot be read or parsed',
  rolledBack: 'the release was rolled back',
  rejected: 'an approver rejected the release, or nobody decided until the deadline',
  refused: 'the API refused the request (400, 401, 403, 404, 409, 422)',
  unreachable: 'the API cannot be reached, or it cannot reach Temporal or a worker',
  cancelled: 'the release was cancelled or aborted',
  failed: 'the release failed: nothing was changed, or the outcome says what is left behind',
  timeout: '--timeout passed; the release goes on',
  attention: 'undoing could not be finished and waits for a person; the release goes on',
  unwell: 'doctor found a problem, env --check or diff drift or what could not be looked at; each is told',
  interrupted: 'interrupted (Ctrl-C); the release goes on',
};

export function exitHelp(): string {
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  const lines = names.map((name) => `  ${String(exitCodes[name]).padStart(3)}  ${exitMeanings[name]}`);
  return ['', 'Exit codes:', ...lines].join('\n');
}

/** The reason first: a rejection or an abort is the same news whether something had to be undone or not. */
export function exitCodeOf({ phase, failure }: Outcome): ExitCode {
  if (failure?.code === 'approval_rejected' || failure?.code === 'approval_expired')
    return exitCodes.rejected;
  if (failure?.code === 'aborted') return exitCodes.cancelled;
  switch (phase) {
    case 'succeeded':
      return exitCodes.succeeded;
    case 'rolled_back':
      return exitCodes.rolledBack;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'failed':
      return exitCodes.failed;
  }
}
