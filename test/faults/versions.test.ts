/** A new version of the worker takes over while releases run: those that began on the old one end there. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Actor } from '../../domain/approval.js';
import type { ReleaseInput } from '../../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad } from '../../infra/local/load.js';
import * as messages from '../../workflows/messages.js';
import { eventually } from '../rig/eventually.js';
import { WorkerProcess } from '../rig/worker-process.js';
import { quick, World } from '../rig/world.js';

const asking: ReleaseInput = {
  ...quick,
  steps: [{ weight: 100, hold: '200ms' }],
  approval: { required: true },
};
const ann: Actor = { name: 'ann', roles: ['approver'] };

describe('P8: workers of two versions, releases pinned to theirs', () => {
  const stack = inject('stack');
  const deploymentName = `fleet-${process.pid}`;
  const buildEnv = (buildId: string) => ({ SLUICE_DEPLOYMENT: deploymentName, SLUICE_BUILD_ID: buildId });
  let world: World;
  let second: WorkerProcess;

  beforeAll(async () => {
    world = await World.create(stack, { replicas: 1, workerEnv: buildEnv('a') });
    second = await WorkerProcess.create(stack, world.taskQueue, buildEnv('b'));
    await makeCurrent('a');
  });
  afterAll(async () => {
    // The first is dead by then, and the application's queries go to the second.
    await world.close();
    await second.kill('SIGKILL');
  });

  /** What an operator does when a version is rolled out. */
  const makeCurrent = (buildId: string): Promise<unknown> =>
    eventually(`build ${buildId} to be the current one`, () =>
      world.temporal.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: stack.temporal.namespace,
        deploymentName,
        buildId,
        identity: 'test',
      }),
    );
  /** Builds that completed workflow tasks, one after the other. */
  const buildsOf = async (workflowId: string): Promise<readonly string[]> => {
    const { events } = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
    const all = (events ?? []).flatMap(
      (e) => e.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
    );
    return all.filter((build, i) => build !== all[i - 1]);
  };
  const asks = (id: string): Promise<ReleaseView> =>
    world.until(id, 'asking for approval', (v) => v.waitingOn?.approval !== undefined);
  const approve = (id: string, planHash: string): Promise<void> =>
    world.temporal.workflow
      .getHandle(releaseWorkflowId(id))
      .signal(messages.approval, { decision: 'approve', reason: 'fine', planHash, by: ann });

  it('a release that began on the old build ends on it, also after that was killed; the next one begins on the new build', async () => {
    const load = startLoad({ url: stack.ingress, host: world.host, requestsPerSecond: 10 });
    await world.declare(world.application(asking));
    const old = await world.release('v2');
    const { planHash } = await asks(old);

    await second.start();
    await makeCurrent('b');
    const next = await world.release('v3');
    await world.until(next, 'queued', (v) => v.phase === 'queued' && v.waitingOn !== null);
    await world.worker.kill('SIGKILL');
    await approve(old, planHash!);
    await eventually('the application to be on the new build', async () =>
      (await buildsOf(applicationWorkflowId(world.applicationName))).includes('b'),
    );
    // Nobody but its own build goes on with it.
    expect(await buildsOf(releaseWorkflowId(old))).toEqual(['a']);
    await world.worker.start();
    expect((await world.ended(old)).outcome?.phase).toBe('succeeded');

    const { planHash: nextHash } = await asks(next);
    await world.temporal.workflow.result(releaseWorkflowId(old));
    // Drained: nothing runs on it any more, so it may go.
    await world.worker.kill('SIGKILL');
    await approve(next, nextHash!);
    expect((await world.ended(next)).outcome?.phase).toBe('succeeded');
    expect(await buildsOf(releaseWorkflowId(old))).toEqual(['a']);
    expect(await buildsOf(releaseWorkflowId(next))).toEqual(['b']);
    expect(await buildsOf(applicationWorkflowId(world.applicationName))).toEqual(['a', 'b']);
    const { byFailure, byVersion } = await load.stop();
    expect(byFailure).toEqual({});
    expect(Object.keys(byVersion).toSorted()).toEqual(['v1', 'v2', 'v3']);
    expect(await world.leftovers()).toEqual([]);
  });
});
