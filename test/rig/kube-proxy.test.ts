/** The proxy in front of the real API server, through the client that the worker uses. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Cluster, type WatchEvent } from '../../activities/kubernetes/client.js';
import { resources } from '../../activities/kubernetes/resources.js';
import { eventually } from './eventually.js';
import { KubeProxy } from './kube-proxy.js';

describe('the proxy before the API server', () => {
  let proxy: KubeProxy;
  let cluster: Cluster;
  beforeAll(async () => {
    proxy = await KubeProxy.start(inject('stack'));
    cluster = Cluster.fromFile('default', proxy.kubeconfig);
  });
  beforeEach(() => proxy.clear());
  afterAll(() => proxy.close());

  const path = /\/services\/kubernetes/;
  const read = () => cluster.get(resources.services, 'default', 'kubernetes');

  it('passes what no rule is for', async () => {
    expect((await read())?.metadata.name).toBe('kubernetes');
    expect(proxy.seen({ method: 'GET', path }).length).toBe(1);
  });

  it('answers by itself so often as it was told, then passes', async () => {
    const rule = proxy.refuse({ path }, 503, 1);
    await expect(read()).rejects.toMatchObject({ name: 'KubeError', status: 503 });
    expect((await read())?.metadata.name).toBe('kubernetes');
    expect(rule.count).toBe(1);
  });

  it('drops before the API server, and loses the answer behind it', async () => {
    const drop = proxy.rule({ path }, { kind: 'drop' });
    await expect(read()).rejects.toMatchObject({ failure: { code: 'cluster_unreachable' } });
    drop.remove();
    proxy.rule({ method: 'PATCH', path }, { kind: 'lose' }, 1);
    const label = { metadata: { labels: { 'sluice.test/lost': 'yes' } } };
    await expect(cluster.merge(resources.services, 'default', 'kubernetes', label)).rejects.toMatchObject({
      failure: { code: 'cluster_unreachable' },
    });
    expect((await read())?.metadata.labels).toMatchObject({ 'sluice.test/lost': 'yes' });
    const clean = { metadata: { labels: { 'sluice.test/lost': null } } };
    await cluster.merge(resources.services, 'default', 'kubernetes', clean);
  });

  it('passes a watch as it comes, and cuts it', async () => {
    const { metadata } = await cluster.list(resources.services, 'default');
    const seen: WatchEvent[] = [];
    const options = { resourceVersion: metadata.resourceVersion, seconds: 30 };
    const watching = cluster.watch(resources.services, 'default', options, (event) => {
      seen.push(event);
      return false;
    });
    watching.catch(() => undefined);
    const label = { metadata: { annotations: { 'sluice.test/at': String(Date.now()) } } };
    await cluster.merge(resources.services, 'default', 'kubernetes', label);
    await eventually('the watch to tell of it', () => seen.length > 0);
    proxy.sever();
    await expect(watching).rejects.toBeInstanceOf(Error);
  });
});
