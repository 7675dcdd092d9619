import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { exampleTarget } from '../../test/fakes/target.js';
import type { Cluster } from './client.js';
import { awaitTold } from './told.js';

const target = exampleTarget();
const service = target.route!.stableService;
const [old, fresh] = [target.stableImage!, target.image.reference];
const running = {
  signal: new AbortController().signal,
  since: 0,
  say: (text: string): void => void said.push(text),
  left: (ms: number) => ms,
  isOver: () => false,
  elapsed: () => 0,
};

let said: string[] = [];
let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  said = [];
  kube = new FakeObjects();
  cluster = await kube.start();
  kube.put('/apis/apps/v1/namespaces/shop/deployments/web', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: target.container, image: fresh }] } },
    },
  });
  pod('web-1', fresh);
  tell('web-1');
});
afterEach(() => kube.stop());

const podPath = (name: string): string => `/api/v1/namespaces/shop/pods/${name}`;
function pod(name: string, image: string, change: object = {}, app = 'web'): void {
  kube.put(podPath(name), {
    metadata: { name, labels: { app }, ...change },
    spec: { containers: [{ name: target.container, image }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
}
function tell(...names: readonly string[]): void {
  kube.put('/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web-x', {
    metadata: { name: 'web-x', labels: { 'kubernetes.io/service-name': service } },
    endpoints: names.map((name) => ({ conditions: { ready: true }, targetRef: { kind: 'Pod', name } })),
  });
}
/** Whether it waited, with what ends the wait. */
async function waits(end: () => void): Promise<boolean> {
  let ended = false;
  const waiting = awaitTold({ cluster, target, release: 'r1', running }).then(() => (ended = true));
  const isWaiting = (): boolean => ended || said.length > 0;
  while (!isWaiting()) await new Promise((resolve) => setImmediate(resolve));
  const waited = !ended;
  end();
  await waiting;
  return waited;
}

describe('the Service of stable after a rollout', () => {
  it.each<[string, () => void, () => void]>([
    ['does not name a pod that is ready yet', () => pod('web-2', fresh), () => tell('web-1', 'web-2')],
    ['names a pod that is gone', () => tell('web-1', 'web-0'), () => tell('web-1')],
    [
      'names a pod that is going',
      () => {
        pod('web-0', fresh, { deletionTimestamp: '2026-01-01T00:00:00Z' });
        tell('web-1', 'web-0');
      },
      () => tell('web-1'),
    ],
    [
      'names a pod of another version',
      () => {
        pod('web-0', old);
        tell('web-1', 'web-0');
      },
      () => tell('web-1'),
    ],
    ['names none', () => tell(), () => tell('web-1')],
  ])('is waited for where it %s', async (_, before, after) => {
    before();
    expect(await waits(after)).toBe(true);
  });

  it('is not where it names what it should, and pods of others beside', async () => {
    pod('other-1', old, {}, 'other');
    tell('web-1', 'other-1');
    expect(await waits(() => undefined)).toBe(false);
  });
});
