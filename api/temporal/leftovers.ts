/** A look at what releases left, by a short workflow, and which of those releases are at work. */
import { randomUUID } from 'node:crypto';
import { failure } from '../../domain/failures.js';
import { environmentWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { Found, LeftoverErrand } from '../../domain/leftover.js';
import type { StrayErrand } from '../../domain/stray.js';
import { problemOf, ProblemError } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { failureFrom, isMissing, isTimeout, serverCall } from './errors.js';

/** Longer than any look may take. */
const lookMs = 25_000;

export async function look(
  access: TemporalAccess,
  errands: readonly LeftoverErrand[],
  spots: readonly StrayErrand[],
): Promise<Required<Found>> {
  try {
    const handle = await access.client.workflow.start('leftovers', {
      workflowId: environmentWorkflowId(randomUUID()),
      taskQueue: access.taskQueue,
      args: [errands, spots],
      workflowExecutionTimeout: '40s',
      staticSummary: `look for what is left of ${errands.flatMap((e) => e.applications).length} application(s)`,
    });
    const found = access.client.withDeadline(Date.now() + lookMs, () => handle.result());
    return { strays: [], ...((await found) as Found) };
  } catch (error) {
    throw new ProblemError(problemOf(failureFrom(error, isTimeout(error) ? 'worker' : 'server')));
  }
}

export type State = 'running' | 'ended' | 'unknown';

/** As Temporal itself says it now, not as a list that is a moment behind. */
export async function statesOf(
  access: TemporalAccess,
  left: readonly { readonly release: string }[],
): Promise<ReadonlyMap<string, State>> {
  const ids = [...new Set(left.map((l) => l.release))];
  const missing = () => failure('internal', { what: 'Temporal does not say whether releases run' });
  const stateOf = async (id: string): Promise<State> => {
    try {
      const { status } = await access.client.workflow.getHandle(releaseWorkflowId(id)).describe();
      return status.name === 'RUNNING' ? 'running' : 'ended';
    } catch (error) {
      if (isMissing(error)) return 'unknown';
      throw error;
    }
  };
  const states = await serverCall(access, missing, () => Promise.all(ids.map(stateOf)));
  return new Map(ids.map((id, i) => [id, states[i]!]));
}
