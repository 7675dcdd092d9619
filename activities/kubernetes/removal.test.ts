import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { FakeKube } from '../../test/fakes/kube-watch.js';
import type { Cluster } from './client.js';
import type { KubeObject } from './objects.js';
import { kinds } from './kinds.js';
import { closeMirrors, follow, heard } from './mirrors.js';
import { awaitPodsGone, isRemovable, removeObjects, type Removal } from './removal.js';
import { resources } from './resources.js';
import type { Running } from './running.js';
import { anything } from './shelf.js';

const began = Date.parse('2026-01-01T00:01:00Z');
const object = (labels: Record<string, string>, creationTimestamp = '2026-01-01T00:00:00Z'): KubeObject => ({
  metadata: { name: 'web-gray', labels, creationTimestamp },
});
const own = (release: string) => ({ 'sluice.dev/application': 'web', 'sluice.dev/release': release });

describe('what a release may remove', () => {
  const removal = { application: 'web', release: 'r1' } as Removal;
  it.each<[string, KubeObject, boolean]>([
    ['its own', object(own('r1')), true],
    ['its own, made just now', object(own('r1'), '2026-01-01T00:02:00Z'), true],
    ['what an earlier release left', object(own('r0')), true],
    ['not what a release made that began after it', object(own('r2'), '2026-01-01T00:02:00Z'), false],
    [
      'not what belongs to another application',
      object({ ...own('r1'), 'sluice.dev/application': 'api' }),
      false,
    ],
    ['not what is nobody of ours', object({ app: 'web' }), false],
    ['not what only carries the name of the application', object({ 'sluice.dev/application': 'web' }), false],
  ])('%s', (_, seen, expected) => {
    expect(isRemovable(seen, removal, began)).toBe(expected);
  });
});

const said: string[] = [];
const running: Running = {
  signal: new AbortController().signal,
  since: 0,
  say: (status) => said.push(status),
  left: (ms) => ms,
  isOver: () => false,
  elapsed: () => 0,
};
const pods = '/api/v1/namespaces/shop/pods';

describe('removing a copy that may not be deleted any more', () => {
  const removedFrom = async (namespace: string): Promise<unknown> => {
    const fake = new FakeObjects();
    const cluster = await fake.start();
    try {
      fake.put(pods, { metadata: {}, items: [] });
      fake.put('/apis/apps/v1/namespaces/shop/replicasets', { metadata: {}, items: [] });
      fake.fail('DELETE', { status: 403, message: 'no' });
      const { networkpolicies: resource } = resources;
      const copy = { resource, object: { metadata: { name: 'in-web-gray', namespace } } };
      const removal = { cluster, namespace: 'shop', application: 'web', release: 'r1', deadlineMs: 1_000 };
      return await removeObjects(removal, [copy], running);
    } finally {
      closeMirrors(cluster);
      await fake.stop();
    }
  };

  it('is told of in the namespace of another team, and undoes nothing', async () => {
    expect(await removedFrom('pay')).toEqual({ removed: [], kept: ['NetworkPolicy pay/in-web-gray'] });
  });

  it('fails where gray is', async () => {
    await expect(removedFrom('shop')).rejects.toMatchObject({ status: 403 });
  });
});

describe('waiting until pods are gone', () => {
  let fake: FakeKube;
  let cluster: Cluster;
  beforeEach(async () => {
    fake = new FakeKube();
    cluster = await fake.start();
    const replicaSets = '/apis/apps/v1/namespaces/shop/replicasets';
    fake.put(replicaSets, object({}));
    fake.remove(replicaSets, 'web-gray');
    fake.put(pods, { metadata: { name: 'a', labels: { app: 'web' } } });
  });
  afterEach(() => {
    closeMirrors(cluster);
    return fake.stop();
  });
  const watched = () => vi.waitFor(() => expect(fake.watching()).toBe(1), { interval: 5, timeout: 5_000 });

  it('ends with the last of them, through a watch that is too old', async () => {
    const waiting = awaitPodsGone(
      { cluster, namespace: 'shop', deadlineMs: 20_000 },
      { matchLabels: { app: 'web' } },
      running,
    );
    await watched();
    fake.closeWatches(410);
    await watched();
    fake.remove(pods, 'a');
    await expect(waiting).resolves.toBeUndefined();
    expect(said).toContain('waiting for 1 pods to go: a');
  });

  it('P9: pods that the shared watch has not heard of are found all the same', async () => {
    const at = { topic: anything, part: {} };
    follow(cluster, kinds.pods, 'shop', at, { changed: () => undefined, fatal: () => undefined });
    await watched();
    fake.remove(pods, 'a');
    await vi.waitFor(() => expect(heard(cluster, kinds.pods, 'shop', 60_000)?.size).toBe(0));
    fake.fallSilent();
    fake.put(pods, { metadata: { name: 'late', labels: { app: 'web' } } });
    const place = { cluster, namespace: 'shop', deadlineMs: 0 };
    const waiting = awaitPodsGone(place, { matchLabels: { app: 'web' } }, running);
    await expect(waiting).rejects.toMatchObject({ failure: { message: expect.stringContaining('late') } });
  });

  it('names what is left at the deadline', async () => {
    const waiting = awaitPodsGone(
      { cluster, namespace: 'shop', deadlineMs: 0 },
      { matchLabels: { app: 'web' } },
      running,
    );
    await expect(waiting).rejects.toMatchObject({ failure: { code: 'objects_remain' } });
  });
});
