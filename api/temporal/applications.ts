/** Applications: each one is a workflow of its own that outlives its releases. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Application, ApplicationVersion } from '../../domain/application.js';
import { failure, type Failure } from '../../domain/failures.js';
import { applicationWorkflowId } from '../../domain/ids.js';
import { withExpectations } from '../../domain/queue.js';
import * as messages from '../../workflows/messages.js';
import { nearest } from '../nearest.js';
import { problemOf, ProblemError } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { serverCall, workerCall } from './errors.js';
import { quoted } from './visibility.js';

export interface Declared extends ApplicationVersion {
  readonly created: boolean;
  /** false: it was declared exactly so before. */
  readonly changed: boolean;
}

export async function declareApplication(
  access: TemporalAccess,
  application: Application,
  by: string,
): Promise<Declared> {
  const before = await find(access, application.name);
  const workflowId = applicationWorkflowId(application.name);
  const start = new WithStartWorkflowOperation('application', {
    workflowId,
    taskQueue: access.taskQueue,
    args: [],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Application ${application.name}`,
    memo: { application: application.name },
  });
  start.workflowHandle().catch(() => undefined);
  const version = await workerCall(access, unexpected, () =>
    access.client.workflow.executeUpdateWithStart(messages.declare, {
      args: [{ application, by }],
      startWorkflowOperation: start,
    }),
  );
  const created = before === null;
  return { ...version, created, changed: created || version.version !== before.current.version };
}

export async function readApplication(
  access: TemporalAccess,
  name: string,
): Promise<messages.ApplicationView> {
  return (await find(access, name)) ?? unknownApplication(access, name);
}

/** Names of all applications, or of some, sorted. `queue`: only of those whose workflows are this task queue's. */
export async function applicationNames(
  access: TemporalAccess,
  limit = Infinity,
  queue: string | null = null,
): Promise<readonly string[]> {
  const own = queue === null ? '' : ` AND TaskQueue = ${quoted(queue)}`;
  const query = `WorkflowType = 'application' AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH ${quoted(applicationWorkflowId(''))}${own}`;
  const prefix = applicationWorkflowId('').length;
  return serverCall(access, unexpected, async () => {
    const names: string[] = [];
    for await (const { workflowId } of access.client.workflow.list({ query })) {
      names.push(workflowId.slice(prefix));
      if (names.length >= limit) break;
    }
    return names.sort();
  });
}

export interface ApplicationPage {
  /** Sorted by name. */
  readonly items: readonly messages.ApplicationView[];
  /** Of the next page; null after the last. */
  readonly cursor: string | null;
  /** How many come after this page. */
  readonly more: number;
}

/**
 * Applications of this task queue whose names come after the cursor, in the order of their names; one that was removed a moment ago is left
 * out. Those of another queue have workers of their own, which may be away.
 */
export async function listApplications(
  access: TemporalAccess,
  { limit, cursor = '' }: { readonly limit: number; readonly cursor?: string },
): Promise<ApplicationPage> {
  const names = (await applicationNames(access, Infinity, access.taskQueue)).filter((name) => name > cursor);
  const asked = names.slice(0, limit);
  const views = await Promise.all(asked.map((name) => find(access, name)));
  const more = names.length - asked.length;
  return {
    items: views.filter((view) => view !== null),
    cursor: more === 0 ? null : asked.at(-1)!,
    more,
  };
}

/** Null where it is not declared, or was removed. */
export async function find(access: TemporalAccess, name: string): Promise<messages.ApplicationView | null> {
  const handle = access.client.workflow.getHandle(applicationWorkflowId(name));
  try {
    return await workerCall(
      access,
      () => failure('application_unknown', { name, known: [] }),
      async () => {
        // A closed workflow would still answer the query.
        const { status } = await handle.describe();
        if (status.name !== 'RUNNING') return null;
        const view = await handle.query(messages.application);
        // Its first declaration may not have come to it: whoever declared was told so.
        return view.versions.length === 0 ? null : expecting(view);
      },
    );
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'application_unknown') return null;
    throw error;
  }
}

/** Times are told at the answer: a workflow that sleeps does not know what time it is. */
const expecting = (view: messages.ApplicationView): messages.ApplicationView => ({
  ...view,
  environments: view.environments.map((e) => withExpectations(e, view.history, Date.now())),
});

/** 404 with the names that are known, and the one that was likely meant. */
async function unknownApplication(access: TemporalAccess, name: string): Promise<never> {
  const known = await applicationNames(access);
  const like = nearest(name, known);
  const problem = problemOf(failure('application_unknown', { name, known }));
  throw new ProblemError(
    like === undefined ? problem : { ...problem, remedy: `Did you mean "${like}"? ${problem.remedy}` },
  );
}

const unexpected = (): Failure => failure('internal', { what: 'Temporal lost the workflow' });
