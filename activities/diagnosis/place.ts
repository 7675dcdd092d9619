/** How each look is taken: with a deadline of its own, so that none hides another. */
import { failed, problem, type HealthCheck } from '../../domain/diagnosis.js';
import { failure } from '../../domain/failures.js';
import { DeadlineError, withDeadline } from '../deadline.js';
import { CatalogueError, describe } from '../failure.js';
import { KubeError } from '../kubernetes/kube-error.js';
import { kubeFailure } from '../kubernetes/errors.js';

/** Milliseconds for each. */
const lookMs = 6_000;

export interface Look {
  readonly topic: HealthCheck['topic'];
  readonly subject: string;
  readonly cluster: string;
  readonly namespace?: string;
}

/** Whatever goes wrong with the look is its answer; throws nothing but the signal's reason. */
export async function look(
  about: Look,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<readonly HealthCheck[]>,
): Promise<readonly HealthCheck[]> {
  try {
    return await withDeadline(lookMs, signal, work);
  } catch (error) {
    signal.throwIfAborted();
    return [complaint(about, error)];
  }
}

function complaint({ topic, subject, cluster, namespace = '' }: Look, error: unknown): HealthCheck {
  const about = { topic, subject };
  const what = `the look at ${subject}`;
  const known = error instanceof KubeError ? kubeFailure(error, { cluster, namespace, what }) : error;
  if (known instanceof CatalogueError) return failed(about, known.failure);
  if (known instanceof DeadlineError)
    return problem(
      about,
      `There was no answer within ${lookMs / 1_000} s.`,
      'Check that it is up, and the network between it and the worker.',
    );
  return failed(about, failure('internal', { what: describe(known) }));
}
