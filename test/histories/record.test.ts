/**
 * Records a history of each outcome, which workflows/histories.test.ts replays with the code of every later day. Only on
 * `npm run record`: whoever changes a workflow so that the old ones no longer replay decides whether running releases may break.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { applicationWorkflowId, releaseIdOfKey, releaseWorkflowId } from '../../domain/ids.js';
import type { EndedPhase } from '../../domain/release.js';
import { pathOf } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { KubeProxy } from '../rig/kube-proxy.js';
import { record } from '../rig/histories.js';
import { quick, World } from '../rig/world.js';

const canary: ReleaseInput = { ...quick, strategy: 'canary', rollbackDeadline: '1s' };
const short: ReleaseInput = { ...canary, steps: [{ weight: 100, hold: '200ms' }] };
const long: ReleaseInput = { ...canary, steps: [{ weight: 50, hold: '5m' }] };
const asking: ReleaseInput = { ...short, strategy: 'gray', approval: { required: true } };
const judged = (value: string): ReleaseInput => ({
  ...short,
  analysis: { interval: '200ms', metrics: [{ name: 'value', value, max: 1, minRequests: 0 }] },
});

describe('recorded histories', () => {
  let proxy: KubeProxy;
  let gateway: World;
  let contour: World;
  let istio: World;
  let fresh: World;
  beforeAll(async () => {
    const stack = inject('stack');
    proxy = await KubeProxy.start(stack);
    gateway = await World.create(stack, { workerEnv: { KUBECONFIG: proxy.kubeconfig } });
    [contour, istio, fresh] = await Promise.all([
      World.create(stack, { beside: gateway, router: 'contour' }),
      World.create(stack, { beside: gateway, router: 'istio', served: false }),
      World.create(stack, { beside: gateway }),
    ]);
  });
  afterAll(async () => {
    for (const world of [contour, istio, fresh, gateway]) await world.close();
    await proxy.close();
  });

  /** One release, driven to its end and recorded. */
  async function recorded(
    world: World,
    name: string,
    release: ReleaseInput,
    ends: EndedPhase,
    drive: (id: string) => Promise<unknown> = async () => undefined,
  ): Promise<void> {
    await world.declare(world.application(release));
    const id = await world.release(name.startsWith('rolled-back') ? 'v3' : 'v2');
    await drive(id);
    expect((await world.ended(id)).outcome, name).toMatchObject({ phase: ends });
    await record(world.temporal, releaseWorkflowId(id), name);
  }
  const at50 = (id: string) =>
    gateway.until(id, 'at 50 %', (v) => v.phase === 'holding' && v.applications[0]!.grayWeight === 50);

  it('successes', async () => {
    await recorded(contour, 'succeeded-contour-canary', canary, 'succeeded');
    await recorded(istio, 'succeeded-istio', canary, 'succeeded');
    const { namespace, kube } = fresh;
    const { stack, name } = fresh;
    const deployment = fresh.objects().find((o) => o.kind === 'Deployment') as KubeObject;
    await kube.delete(pathOf(deployment));
    await fresh.declare({ ...fresh.application(short), workload: { name, manifest: deployment } });
    const id = await fresh.release('v2');
    expect((await fresh.ended(id)).outcome, `${namespace} ${stack.ingress}`).toMatchObject({
      phase: 'succeeded',
    });
    await record(fresh.temporal, releaseWorkflowId(id), 'succeeded-first-release');
  });

  it('undone by the metrics, by people, by a deadline', async () => {
    await recorded(gateway, 'rolled-back-analysis', judged('vector(5)'), 'rolled_back');
    await recorded(gateway, 'rolled-back-abort', long, 'rolled_back', async (id) => {
      await at50(id);
      await gateway.steer(id, 'pause');
      await gateway.steer(id, 'abort');
    });
    await recorded(gateway, 'rolled-back-rejection', asking, 'rolled_back', async (id) => {
      const { planHash } = await gateway.until(id, 'asking', (v) => v.waitingOn?.approval !== undefined);
      await gateway.steer(id, 'decisions', { decision: 'reject', reason: 'no', planHash });
    });
    const expiring = { ...asking, approval: { required: true, deadline: '1s' } } as const;
    await recorded(gateway, 'rolled-back-approval-expired', expiring, 'rolled_back');
  });

  it.each([
    ['retry', 'rolled_back'],
    ['skip', 'rolled_back'],
    ['abandon', 'failed'],
  ] as const)('undoing that needs attention: %s', async (verb, ends) => {
    // Tried often enough that it can be told from a clock what ended it.
    const stubborn: ReleaseInput = { ...long, rollbackDeadline: '3s' };
    await recorded(gateway, `needs-attention-${verb}`, stubborn, ends, async (id) => {
      await at50(id);
      const path = new RegExp(`/namespaces/${gateway.namespace}/deployments/shop-gray`);
      const rule = proxy.refuse({ method: 'DELETE', path }, 403);
      await gateway.steer(id, 'abort');
      await gateway.until(id, 'asking', (v) => v.waitingOn?.can.includes('retry') === true);
      if (verb === 'retry') rule.remove();
      expect((await gateway.steer(id, verb)).status).toBe(200);
      await gateway.ended(id);
      rule.remove();
    });
  });

  it('held by doubt, cancelled in the queue, refused; and the application that saw it all', async () => {
    await recorded(gateway, 'succeeded-inconclusive-resumed', judged('nothing_has_this_name'), 'succeeded', async (id) => {
      await gateway.until(id, 'in doubt', (v) => v.waitingOn?.can.includes('resume') === true);
      await gateway.steer(id, 'resume');
    });
    await recorded(gateway, 'rolled-back-cancelled-by-temporal', long, 'rolled_back', async (first) => {
      await at50(first);
      await recorded(gateway, 'cancelled-queued', short, 'cancelled', async (id) => {
        await gateway.until(id, 'queued', (v) => v.waitingOn !== null);
        await gateway.steer(id, 'abort');
      });
      await gateway.temporal.workflow.getHandle(releaseWorkflowId(first)).cancel();
    });
    const key = { 'idempotency-key': `refused-${gateway.namespace}` };
    expect((await gateway.request('nowhere', {}, key)).status).toBeGreaterThanOrEqual(400);
    const refused = releaseWorkflowId(releaseIdOfKey(key['idempotency-key']));
    await record(gateway.temporal, refused, 'refused');
    await record(gateway.temporal, applicationWorkflowId(gateway.applicationName), 'application');
  });
});
