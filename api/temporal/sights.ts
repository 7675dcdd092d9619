/** What stands in the clusters, as their workers see it by a short workflow. Whoever is away makes a reason, not an error. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { errandsTo, type Place, type Sight } from '../../domain/environment.js';
import { environmentWorkflowId } from '../../domain/ids.js';
import { serverMs, type TemporalAccess } from './access.js';
import { failureFrom, isTimeout } from './errors.js';

export type Sighted = Pick<Sight, 'live' | 'unseen'>;

/** Longer than any errand may take. */
const lookMs = 10_000;

/** Answers what was seen, by application. Never throws. */
export async function sightsOf(
  access: TemporalAccess,
  places: readonly Place[],
): Promise<(application: string) => Sighted> {
  if (places.length === 0) return () => ({ live: null, unseen: 'It was not asked for.' });
  const seen = await look(access, places);
  if (typeof seen === 'string') return () => ({ live: null, unseen: seen });
  const known = new Map(seen.map(({ application, live, unseen }) => [application, { live, unseen }]));
  return (application) =>
    known.get(application) ?? { live: null, unseen: 'The worker did not say what it saw there.' };
}

/** A text: why nothing was seen. */
async function look(access: TemporalAccess, places: readonly Place[]): Promise<readonly Sight[] | string> {
  const { client } = access;
  let handle: WorkflowHandle;
  try {
    handle = await client.withDeadline(Date.now() + serverMs, () => begin(access, places));
  } catch (error) {
    return failureFrom(error, 'server').message;
  }
  try {
    return (await client.withDeadline(Date.now() + lookMs, () => handle.result())) as readonly Sight[];
  } catch (error) {
    // Not waited for: its own timeout ends it as well.
    void handle.terminate('nobody waits for it').catch(() => undefined);
    return isTimeout(error)
      ? `No workflow answered within ${lookMs / 1_000} s.`
      : failureFrom(error, 'worker').message;
  }
}

const begin = ({ client, taskQueue }: TemporalAccess, places: readonly Place[]): Promise<WorkflowHandle> =>
  client.workflow.start('environment', {
    workflowId: environmentWorkflowId(randomUUID()),
    taskQueue,
    args: [errandsTo(places)],
    workflowExecutionTimeout: '20s',
    staticSummary: `look at ${places.length} application(s)`,
  });
