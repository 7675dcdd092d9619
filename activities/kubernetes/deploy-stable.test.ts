import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { exampleTarget } from '../../test/fakes/target.js';
import type { Cluster } from './client.js';
import { deployStable } from './deploy-stable.js';
import { kinds } from './kinds.js';
import { closeMirrors, follow, heard } from './mirrors.js';
import { anything } from './shelf.js';

const target = exampleTarget();
const path = '/apis/apps/v1/namespaces/shop/deployments/web';
const running = {
  signal: new AbortController().signal,
  since: 0,
  say: () => undefined,
  left: (ms: number) => ms,
  isOver: () => false,
  elapsed: () => 0,
};

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  kube.mayWatch = true;
  cluster = await kube.start();
  put(target.stableImage!);
  const nobody = { changed: () => undefined, fatal: () => undefined };
  follow(cluster, kinds.deployments, 'shop', { topic: anything, part: {} }, nobody);
  await watched();
  kube.calls.length = 0;
});
afterEach(async () => {
  closeMirrors(cluster);
  await kube.stop();
});

const watched = () => vi.waitFor(() => expect(kube.watching()).toBe(1), { interval: 5, timeout: 10_000 });
const put = (image: string): void =>
  kube.put(path, {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
  });
const deploy = () => deployStable({ cluster, target, release: 'r1', running });

describe('stable as a watch has heard of it', () => {
  it('is written without being read, with the image that was heard as its condition', async () => {
    kube.fail('PATCH', { status: 403, message: 'User "x" cannot patch resource "deployments"' });
    await expect(deploy()).rejects.toMatchObject({ status: 403 });
    expect(kube.calls.map((c) => c.method)).toEqual(['PATCH']);
    expect(kube.calls[0]!.body).toContainEqual({
      op: 'test',
      path: '/spec/template/spec/containers/0/image',
      value: target.stableImage,
    });
  });

  it('P13: is read where the write says that it is outdated, and left alone', async () => {
    kube.fallSilent();
    put('registry.example/shop/web:hotfix');
    kube.fail('PATCH', { status: 422, message: 'the test of the patch failed' });
    await expect(deploy()).rejects.toMatchObject({ failure: { code: 'workload_changed' } });
    expect(kube.calls.map((c) => c.method)).toEqual(['PATCH', 'GET']);
  });

  it('decides nothing but that write: what cannot be written on it is read first', async () => {
    put('registry.example/shop/web:hotfix');
    await vi.waitFor(() =>
      expect(heard(cluster, kinds.deployments, 'shop', 60_000)?.get('web')?.metadata.resourceVersion).toBe(
        '3',
      ),
    );
    kube.fallSilent();
    put(target.stableImage!);
    kube.fail('PATCH', { status: 403, message: 'User "x" cannot patch resource "deployments"' });
    await expect(deploy()).rejects.toMatchObject({ status: 403 });
    expect(kube.calls.map((c) => c.method)).toEqual(['GET', 'PATCH']);
  });
});
