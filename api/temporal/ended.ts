/** A release that is over, with everything that its application has to know of it. */
import { failure, type Failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import { hasEnded, type ReleaseView } from '../../domain/release.js';
import { problemOf, ProblemError, throwFailure } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { serverCall } from './errors.js';
import { readRelease } from './releases.js';

/** Throws `not_now` while it is under way. */
export async function endedRelease(access: TemporalAccess, id: string): Promise<ReleaseView> {
  const view = await readRelease(access, id);
  if ('partial' in view) return throwFailure(failure('worker_missing', undefined));
  if (!hasEnded(view.phase)) {
    const why = 'it has not ended.';
    const problem = problemOf(failure('not_now', { action: 'rollback', phase: view.phase, why }));
    throw new ProblemError({ ...problem, remedy: `Abort it, which undoes it: sluice abort ${id}` });
  }
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const unknown = (): Failure => failure('release_unknown', { id });
  // Its last words to the application are said after its view says that it has ended; a refused one has no result.
  await serverCall(access, unknown, async () => {
    if ((await handle.describe()).status.name === 'RUNNING') await handle.result().catch(() => undefined);
  });
  return view;
}
