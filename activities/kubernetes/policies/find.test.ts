import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeObjects } from '../../../test/fakes/kube-objects.js';
import type { Cluster } from '../client.js';
import { copiesIn, installed, policiesIn } from './find.js';

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
});
afterEach(() => kube.stop());

const monitors = '/apis/monitoring.coreos.com/v1';

it('a kind that the API server begins to serve just now is asked for again, and found', async () => {
  kube.put(monitors, { resources: [{ name: 'servicemonitors' }] });
  const path = `${monitors}/namespaces/shop/servicemonitors`;
  kube.put(`${path}/web`, { metadata: { name: 'web', namespace: 'shop' }, spec: { selector: {} } });
  await installed(cluster);
  const initializing = { status: 429, message: 'storage is (re)initializing' };
  kube.fail('GET', ...Array.from({ length: 4 }, () => initializing));
  const { found } = await policiesIn(cluster, 'shop')();
  expect(found.map(({ object }) => object.metadata.name)).toEqual(['web']);
});

const network = '/apis/networking.k8s.io/v1';
const named = { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } };
const peers = { from: [{ podSelector: { matchLabels: { app: 'web' } }, namespaceSelector: named }] };
const put = (namespace: string, name: string, spec: object): void =>
  kube.put(`${network}/namespaces/${namespace}/networkpolicies/${name}`, {
    metadata: { name, namespace },
    spec,
  });
const names = async (): Promise<readonly string[]> =>
  (await policiesIn(cluster, 'shop')()).found.map(({ object }) => object.metadata.name);

it('of other namespaces what can be about these pods is found, also where nothing may be watched', async () => {
  put('shop', 'own', { podSelector: {} });
  put('data', 'db', { podSelector: {}, ingress: [peers] });
  put('data', 'inside', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] });
  for (const _ of [1, 2]) {
    const { ownOnly, hidden, namespaceLabels } = await policiesIn(cluster, 'shop')();
    // Of the namespace itself, which does not exist, nothing is known.
    expect([ownOnly, hidden, namespaceLabels]).toEqual([[], [], null]);
    expect(await names()).toEqual(['own', 'db']);
  }
});

it('where all namespaces may not be listed the own one is, and that is said', async () => {
  put('shop', 'own', { podSelector: {} });
  put('data', 'db', { podSelector: {}, ingress: [peers] });
  kube.forbidden.add(`${network}/networkpolicies`);
  for (const _ of [1, 2]) {
    const { ownOnly, hidden, found } = await policiesIn(cluster, 'shop')();
    expect([ownOnly, hidden, found.length]).toEqual([['NetworkPolicy'], [], 1]);
  }
  const lists = kube.calls.filter(
    (call) => call.path === `${network}/networkpolicies` && call.query.get('limit') === null,
  );
  expect(lists).toHaveLength(1);
});

it('copies of this namespace are found wherever they are, and those of others are not', async () => {
  const labels = { 'sluice.dev/release': 'r1', 'sluice.dev/application': 'web', 'sluice.dev/lane': 'gray' };
  const copy = (at: string, name: string, more: object = {}): void =>
    kube.put(`${network}/namespaces/${at}/networkpolicies/${name}`, {
      metadata: { name, namespace: at, labels: { ...labels, ...more } },
      spec: { podSelector: {} },
    });
  copy('shop', 'own');
  copy('data', 'ours', { 'sluice.dev/namespace': 'shop' });
  copy('data', 'theirs', { 'sluice.dev/namespace': 'other' });
  copy('shop', 'guest', { 'sluice.dev/namespace': 'other' });
  const found = await copiesIn(cluster, 'shop');
  expect(found.map(({ object }) => object.metadata.name)).toEqual(['own', 'ours']);
});
