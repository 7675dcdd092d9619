/** When a release that waits in a queue can expect its turn: its application knows. */
import { failure, type Failure } from '../../domain/failures.js';
import { applicationWorkflowId } from '../../domain/ids.js';
import { expectedStarts } from '../../domain/queue.js';
import type { ReleaseView, Waiting } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import type { TemporalAccess } from './access.js';
import { workerCall } from './errors.js';
import type { PartialRelease } from './partial.js';

const shortMs = 2_000;

/** The same view where it waits for something else; null where nobody can tell, or the application does not answer in time. */
export async function withExpectedStart<V extends ReleaseView | PartialRelease>(
  access: TemporalAccess,
  view: V,
): Promise<V> {
  const { waitingOn } = view;
  if (waitingOn?.queue === undefined) return view;
  const expectedAt = await expectedStart(access, view.id, waitingOn.queue).catch(() => null);
  return { ...view, waitingOn: { ...waitingOn, queue: { ...waitingOn.queue, expectedAt } } };
}

async function expectedStart(
  access: TemporalAccess,
  id: string,
  { application, environment }: NonNullable<Waiting['queue']>,
): Promise<string | null> {
  const handle = access.client.workflow.getHandle(applicationWorkflowId(application));
  const unknown = (): Failure => failure('application_unknown', { name: application, known: [] });
  const queue = await workerCall(access, unknown, () => handle.query(messages.queue, environment), shortMs);
  const place = queue.waiting.findIndex(({ release }) => release === id);
  return expectedStarts(queue, Date.now())[place] ?? null;
}
