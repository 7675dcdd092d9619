/** Asking for a release or a plan: one update that starts the workflow and answers when the plan stands. */
import { randomUUID } from 'node:crypto';
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { failure, type Failure } from '../../domain/failures.js';
import { hashOf, planWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { Phase, ReleaseInputs } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { problemOf, ProblemError, refused } from '../problems.js';
import { noWorkerMs, serverMs, type TemporalAccess } from './access.js';
import { causeOf, failureFrom, hasWorker, isMissing, isTimeout, serverCall } from './errors.js';
import { readRelease } from './releases.js';
import { keys, type ReleaseMemo } from './visibility.js';

/** Registry and clusters are asked before the answer is there. */
const submitMs = 25_000;

export interface Accepted {
  readonly id: string;
  readonly phase: Phase;
  /** Null while the plan is not made yet: no worker has taken the release up. */
  readonly planHash: string | null;
  /** false: a release with this key was there already. */
  readonly created: boolean;
}

/**
 * Starts the release, or answers the one that has the same id. Throws a problem where it is refused.
 * @param asked what the same key has to ask for again; default the request
 */
export async function submitRelease(
  access: TemporalAccess,
  inputs: ReleaseInputs,
  key: string | null,
  asked: object = inputs.request,
): Promise<Accepted> {
  const { id } = inputs;
  const workflowId = releaseWorkflowId(id);
  const memo = memoOf(inputs, asked);
  let submitted = await startAndSubmit(access, workflowId, inputs, memo, 'submit');
  let found: WorkflowExecutionDescription | null = null;
  if (key !== null) {
    found = await describe(access, workflowId, id);
    if (isRefused(submitted) && memoIn(found).startedBy !== memo.startedBy) {
      // Temporal repeated the refusal of an earlier attempt, which does not bind this one: what was wrong may be mended.
      submitted = await startAndSubmit(access, workflowId, inputs, memo, `submit-${found.runId}`);
      found = await describe(access, workflowId, id);
    }
    requireSame(found, memo.requestHash, key, id);
  }
  if (submitted !== null && submitted.problems.length > 0) {
    throw new ProblemError(refused(submitted.problems));
  }
  const created = found === null || memoIn(found).startedBy === memo.startedBy;
  // An older release has gone on since it was submitted.
  if (submitted === null || !created) return standing(access, id, created);
  return { id, phase: submitted.phase, planHash: submitted.plan?.hash ?? null, created };
}

/** The release that came with the same key before, unless it was refused; null: there is none. */
export async function repeatedRelease(
  access: TemporalAccess,
  id: string,
  key: string,
  asked: object,
): Promise<Accepted | null> {
  const found = await describe(access, releaseWorkflowId(id), id).catch((error: unknown) => {
    if (error instanceof ProblemError && error.problem.code === 'release_unknown') return null;
    throw error;
  });
  if (found === null || found.status.name === 'FAILED') return null;
  requireSame(found, hashOfAsked(asked), key, id);
  return standing(access, id, false);
}

function requireSame(found: WorkflowExecutionDescription, hash: string, key: string, release: string): void {
  if (memoIn(found).requestHash === hash) return;
  throw new ProblemError(problemOf(failure('idempotency_key_reused', { key, release })));
}

const isRefused = (submitted: messages.Submitted | null): boolean => (submitted?.problems.length ?? 0) > 0;

const memoOf = ({ request }: ReleaseInputs, asked: object = request): ReleaseMemo => ({
  request,
  requestHash: hashOfAsked(asked),
  startedBy: randomUUID(),
});

/** Whoever asks. */
const hashOfAsked = (asked: object): string => hashOf({ ...asked, initiator: '' });

const memoIn = ({ memo }: WorkflowExecutionDescription): Partial<ReleaseMemo> => memo ?? {};

async function describe(
  access: TemporalAccess,
  workflowId: string,
  id: string,
): Promise<WorkflowExecutionDescription> {
  const handle = access.client.workflow.getHandle(workflowId);
  return serverCall(
    access,
    () => failure('release_unknown', { id }),
    () => handle.describe(),
  );
}

/** The plan, or a problem; nothing is left behind but the ended workflow that made it. */
export async function planRelease(
  access: TemporalAccess,
  inputs: ReleaseInputs,
): Promise<messages.Submitted> {
  const workflowId = planWorkflowId(inputs.id);
  const submitted = await startAndSubmit(access, workflowId, inputs, memoOf(inputs), 'submit');
  if (submitted === null) {
    await access.client.workflow
      .getHandle(workflowId)
      .terminate('nobody waits for this plan')
      .catch(() => undefined);
    throw new ProblemError(problemOf(failure('worker_missing', undefined)));
  }
  if (submitted.problems.length > 0) throw new ProblemError(refused(submitted.problems));
  return submitted;
}

/** Null where the workflow is there but has not answered: no worker yet, or it ended before. */
async function startAndSubmit(
  access: TemporalAccess,
  workflowId: string,
  inputs: ReleaseInputs,
  memo: ReleaseMemo,
  updateId: string,
): Promise<messages.Submitted | null> {
  const start = new WithStartWorkflowOperation('release', {
    workflowId,
    taskQueue: access.taskQueue,
    args: [access.patience === undefined ? inputs : { ...inputs, patience: access.patience }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    memo,
    staticSummary: summaryOf(inputs),
    staticDetails: detailsOf(inputs),
    ...(inputs.planOnly
      ? { workflowExecutionTimeout: '2m' }
      : { typedSearchAttributes: attributesOf(inputs) }),
  });
  start.workflowHandle().catch(() => undefined);
  const unexpected = (): Failure => failure('internal', { what: 'Temporal has no such task queue' });
  const someone = await serverCall(access, unexpected, () => hasWorker(access));
  try {
    return await access.client.withDeadline(Date.now() + (someone ? submitMs : noWorkerMs), () =>
      access.client.workflow.executeUpdateWithStart(messages.submit, {
        updateId,
        args: [],
        startWorkflowOperation: start,
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError || isMissing(error)) return null;
    if (isTimeout(error) && (await exists(access, workflowId))) return null;
    throw new ProblemError(problemOf(failureFrom(error, 'worker')), causeOf(error));
  }
}

async function exists(access: TemporalAccess, workflowId: string): Promise<boolean> {
  try {
    await access.client.withDeadline(Date.now() + serverMs, () =>
      access.client.workflow.getHandle(workflowId).describe(),
    );
    return true;
  } catch {
    return false;
  }
}

/** A release that was there before, or waits for its first worker. */
async function standing(access: TemporalAccess, id: string, created: boolean): Promise<Accepted> {
  const { phase, planHash } = await readRelease(access, id);
  return { id, phase, planHash, created };
}

function attributesOf({ request, applications }: ReleaseInputs): SearchAttributePair[] {
  const environment =
    request.wayBack?.stages[0]?.environment ?? request.environment ?? applications[0]?.environments[0]?.name;
  return [
    { key: keys.applications, value: request.applications.map((a) => a.name) },
    ...(environment === undefined ? [] : [{ key: keys.environment, value: environment }]),
    ...(request.lane === null ? [] : [{ key: keys.lane, value: request.lane }]),
    { key: keys.phase, value: 'queued' },
    { key: keys.weight, value: 0 },
    { key: keys.initiator, value: request.initiator },
  ];
}

/** One line for the list of the Temporal UI; its limit is 200 bytes. */
function summaryOf({ request, planOnly }: ReleaseInputs): string {
  if (request.rollbackOf !== undefined && request.wayBack !== undefined) {
    const stages = request.wayBack.stages.map((s) => `${s.application} in ${s.environment}`);
    const verb = planOnly ? 'Plan of the rollback' : 'Rollback';
    return `${verb} of ${request.rollbackOf}: ${stages.join(', ')}`.slice(0, 150);
  }
  const what = request.applications
    .map((a) => `${a.name} ${a.image.slice(a.image.lastIndexOf('/') + 1)}`)
    .join(', ');
  const where = request.environment === null ? '' : ` to ${request.environment}`;
  return `${planOnly ? 'Plan' : 'Release'} ${what}${where}`.slice(0, 150);
}

function detailsOf({ request }: ReleaseInputs): string {
  return [
    ...request.applications.map((a) => `**${a.name}** \`${a.image}\``),
    ...(request.rollbackOf === undefined ? [] : [`Rolls back release ${request.rollbackOf}.`]),
    `Environment: ${request.environment ?? 'all'}. Asked for by ${request.initiator}.`,
    ...(request.reason === '' ? [] : [request.reason]),
  ].join('\n\n');
}
