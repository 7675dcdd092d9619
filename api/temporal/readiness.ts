/** Whether a release could run now: Temporal answers, a worker polls, the search attributes are there. */
import type { Failure } from '../../domain/failures.js';
import { failure } from '../../domain/failures.js';
import { searchAttributes } from '../../workflows/messages.js';
import { serverMs, type TemporalAccess } from './access.js';
import { failureFrom, missingAttributes } from './errors.js';

/** A worker asks again at least each minute, so one that was silent for longer is gone. */
const silentMs = 75_000;

/** Workers that have lately asked for workflow tasks; 0 also where Temporal is away. */
export async function pollersOf(access: TemporalAccess): Promise<number> {
  try {
    return await countPollers(access);
  } catch {
    return 0;
  }
}

/** Null: ready. */
export async function unreadiness(access: TemporalAccess): Promise<Failure | null> {
  try {
    const pollers = await countPollers(access);
    const missing = await missingSearchAttributes(access);
    if (missing.length > 0) return missingAttributes(missing);
    return pollers === 0 ? failure('worker_missing', undefined) : null;
  } catch (error) {
    return failureFrom(access, error);
  }
}

async function countPollers({ client, namespace, taskQueue }: TemporalAccess): Promise<number> {
  const { pollers } = await client.withDeadline(Date.now() + serverMs, () =>
    client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
    }),
  );
  const oldest = Date.now() - silentMs;
  return (pollers ?? []).filter((p) => Number(p.lastAccessTime?.seconds ?? 0) * 1_000 > oldest).length;
}

async function missingSearchAttributes({ client, namespace }: TemporalAccess): Promise<readonly string[]> {
  try {
    const { customAttributes } = await client.withDeadline(Date.now() + serverMs, () =>
      client.connection.operatorService.listSearchAttributes({ namespace }),
    );
    return Object.values(searchAttributes).filter((name) => !(name in customAttributes));
  } catch {
    // Not every account may ask; a start will tell.
    return [];
  }
}
