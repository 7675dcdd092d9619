/** What is true of every release that was undone, whatever it was doing when it was told to. */
import { expect } from 'vitest';
import { hasEnded, type ReleaseView } from '../../domain/release.js';
import type { Load } from '../../infra/local/load.js';
import { startLoad } from '../../infra/local/load.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { eventually } from '../rig/eventually.js';
import type { Snapshot } from '../rig/snapshot.js';
import type { World } from '../rig/world.js';

/** Some steady requests to an application, enough to notice a hole; a busy machine is none. */
export const lightLoad = (world: World): Load =>
  startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 15, timeoutMs: 20_000 });

/** A step of that kind is under way. */
export const during =
  (kind: string) =>
  ({ steps }: ReleaseView): boolean =>
    steps.some((s) => s.kind === kind && s.state === 'running');

/** The view of an ended release says nothing that is no longer so. */
export function expectSettled(view: ReleaseView): void {
  expect(hasEnded(view.phase)).toBe(true);
  expect(view).toMatchObject({ waitingOn: null, paused: false, step: null, phase: view.outcome?.phase });
  expect(view.steps.filter((s) => s.state === 'pending' || s.state === 'running')).toEqual([]);
  expect(view.outcome?.phase === 'succeeded' || view.applications.every((a) => a.grayWeight === 0)).toBe(
    true,
  );
}

/** P9: the user's objects are byte for byte what they were, nothing of ours is left, and every answer comes from stable. */
export async function expectUntouched(world: World, before: Snapshot, load: Load): Promise<void> {
  expect(await world.snapshot()).toEqual(before);
  expect(await world.leftovers()).toEqual([]);
  const now = Date.now();
  const late = await eventually('answers after the end', () => {
    const records = load.summary().records.filter((r) => r.at > now);
    return records.length >= 3 ? records : null;
  });
  expect(new Set(late.map((r) => r.version))).toEqual(new Set(['v1']));
}

export interface StableDeployment extends KubeObject {
  metadata: KubeObject['metadata'] & { generation: number };
  spec: { template: { spec: { containers: { image: string }[] } } };
  status?: {
    availableReplicas?: number;
    updatedReplicas?: number;
    replicas?: number;
    observedGeneration?: number;
  };
}

export const stableOf = (world: World): Promise<StableDeployment> =>
  world.kube.get<StableDeployment>(`/apis/apps/v1/namespaces/${world.namespace}/deployments/${world.name}`);

/** The write itself is behind us, so what follows it was asked for by the undoing. */
export const promotionBegun = (world: World): Promise<unknown> =>
  eventually('stable to be promoted', async () => {
    const { containers } = (await stableOf(world)).spec.template.spec;
    return containers[0]?.image.includes('@sha256:');
  });
