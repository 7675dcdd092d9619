import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeObjects } from '../../../test/fakes/kube-objects.js';
import type { Cluster } from '../client.js';
import { installed, policiesIn } from './find.js';

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
