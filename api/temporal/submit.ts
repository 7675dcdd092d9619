/** Asking for a release or a plan: one update that starts the workflow and answers when the plan stands. */
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { failure } from '../../domain/failures.js';
import { hashOf, planWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { Phase, ReleaseInputs } from '../../domain/release.js';
import * as messages from '../../workflows/messages.js';
import { problemOf, ProblemError, refused } from '../problems.js';
import { serverMs, type TemporalAccess } from './access.js';
import { call, failureFrom, isMissing, isTimeout } from './errors.js';
import { pollersOf } from './readiness.js';
import { readRelease } from './releases.js';
import { keys, type ReleaseMemo } from './visibility.js';

/** Registry and clusters are asked before the answer is there. */
const submitMs = 25_000;
/** Without a worker there is nothing to wait for. */
const noWorkerMs = 1_500;

export interface Accepted {
  readonly id: string;
  readonly phase: Phase;
  /** Null while the plan is not made yet: no worker has taken the release up. */
  readonly planHash: string | null;
  /** False: a release with this key was there already. */
  readonly planned: boolean;
}

/** Starts the release, or answers the one that has the same id. Throws a problem where it is refused. */
export async function submitRelease(
  access: TemporalAccess,
  inputs: ReleaseInputs,
  key: string | null,
): Promise<Accepted> {
  const { id, request } = inputs;
  const requestHash = hashOf({ ...request, initiator: '' });
  const handle = access.client.workflow.getHandle(releaseWorkflowId(id));
  const submitted = await startAndSubmit(access, releaseWorkflowId(id), inputs, requestHash);
  if (key !== null) await sameRequest(access, handle, requestHash, key, id);
  if (submitted === null) return standing(access, id);
  if (submitted.problems.length > 0) throw new ProblemError(refused(submitted.problems));
  return { id, phase: submitted.phase, planHash: submitted.plan?.hash ?? null, planned: true };
}

/** The plan, or a problem; nothing is left behind but the ended workflow that made it. */
export async function planRelease(
  access: TemporalAccess,
  inputs: ReleaseInputs,
): Promise<messages.Submitted> {
  const workflowId = planWorkflowId(inputs.id);
  const submitted = await startAndSubmit(access, workflowId, inputs, hashOf(inputs.request));
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
  requestHash: string,
): Promise<messages.Submitted | null> {
  const { request, planOnly } = inputs;
  const memo: ReleaseMemo = { request, requestHash };
  const start = new WithStartWorkflowOperation('release', {
    workflowId,
    taskQueue: access.taskQueue,
    args: [inputs],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    memo,
    staticSummary: summaryOf(inputs),
    staticDetails: detailsOf(inputs),
    ...(planOnly ? { workflowExecutionTimeout: '2m' } : { typedSearchAttributes: attributesOf(inputs) }),
  });
  start.workflowHandle().catch(() => undefined);
  const hasWorker = (await pollersOf(access)) > 0;
  try {
    return await access.client.withDeadline(Date.now() + (hasWorker ? submitMs : noWorkerMs), () =>
      access.client.workflow.executeUpdateWithStart(messages.submit, {
        updateId: 'submit',
        args: [],
        startWorkflowOperation: start,
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError || isMissing(error)) return null;
    if (isTimeout(error) && (await exists(access, workflowId))) return null;
    throw new ProblemError(problemOf(await failureFrom(access, error)));
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

async function sameRequest(
  access: TemporalAccess,
  handle: WorkflowHandle,
  requestHash: string,
  key: string,
  id: string,
): Promise<void> {
  const { memo } = await call(
    access,
    serverMs,
    () => failure('release_unknown', { id }),
    () => handle.describe(),
  );
  if ((memo as ReleaseMemo | undefined)?.requestHash === requestHash) return;
  throw new ProblemError(problemOf(failure('idempotency_key_reused', { key, release: id })));
}

/** A release that was there before, or waits for its first worker. */
async function standing(access: TemporalAccess, id: string): Promise<Accepted> {
  const view = await readRelease(access, id);
  return { id, phase: view.phase, planHash: view.planHash, planned: false };
}

function attributesOf({ request, applications }: ReleaseInputs): SearchAttributePair[] {
  const environment = request.environment ?? applications[0]?.environments[0]?.name;
  return [
    { key: keys.application, value: request.applications[0]?.name ?? '' },
    ...(environment === undefined ? [] : [{ key: keys.environment, value: environment }]),
    ...(request.lane === null ? [] : [{ key: keys.lane, value: request.lane }]),
    { key: keys.phase, value: 'queued' },
    { key: keys.weight, value: 0 },
    { key: keys.initiator, value: request.initiator },
  ];
}

/** One line for the list of the Temporal UI; its limit is 200 bytes. */
function summaryOf({ request, planOnly }: ReleaseInputs): string {
  const what = request.applications
    .map((a) => `${a.name} ${a.image.slice(a.image.lastIndexOf('/') + 1)}`)
    .join(', ');
  const where = request.environment === null ? '' : ` to ${request.environment}`;
  return `${planOnly ? 'Plan' : 'Release'} ${what}${where}`.slice(0, 150);
}

function detailsOf({ request }: ReleaseInputs): string {
  return [
    ...request.applications.map((a) => `**${a.name}** \`${a.image}\``),
    `Environment: ${request.environment ?? 'all'}. Asked for by ${request.initiator}.`,
    ...(request.reason === '' ? [] : [request.reason]),
  ].join('\n\n');
}
