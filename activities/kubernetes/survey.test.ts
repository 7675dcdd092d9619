import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Place } from '../../domain/environment.js';
import { failure } from '../../domain/failures.js';
import { FakeKube } from '../../test/fakes/kube-watch.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from './client.js';
import { survey } from './survey.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const at = (application: string, namespace = 'shop'): Place => ({
  application,
  cluster: 'fake',
  namespace,
  deployment: application,
  container: null,
});
const { signal } = new AbortController();

let kube: FakeKube;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeKube();
  cluster = await kube.start();
});
afterEach(() => kube.stop());

const put = (name: string, image: string, labels: Record<string, string> = {}, namespace = 'shop'): void =>
  kube.put(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { spec: { containers: [{ name, image }] } },
    },
    status: { readyReplicas: 1 },
  });
const putPod = (app: string, imageID: string): void =>
  kube.put('/api/v1/namespaces/shop/pods', {
    metadata: { name: `${app}-1`, labels: { app } },
    spec: { containers: [{ name: app, image: `r/${app}:v1` }] },
    status: { containerStatuses: [{ name: app, imageID }] },
  });
const look = (places: readonly Place[], limits?: Parameters<typeof survey>[3]) =>
  survey({ clusters: () => cluster }, { cluster: 'fake', places }, signal, limits);
const paths = (): string[] => kube.requests.map((r) => r.replace(/\?.*$/, ''));

describe('a survey', () => {
  it('asks once for all Deployments of a namespace, and for nothing else where their images say what runs', async () => {
    put('web', `r/web@${digest('a')}`);
    put('cart', `r/cart@${digest('b')}`);
    put('web-gray', `r/web@${digest('c')}`, {
      'sluice.dev/release': 'r1',
      'sluice.dev/application': 'web',
      'sluice.dev/lane': 'gray',
    });
    const sights = await look([at('web'), at('cart'), at('gone')]);
    expect(sights).toEqual([
      {
        application: 'web',
        live: {
          stable: { name: 'web', image: `r/web@${digest('a')}`, digest: digest('a'), replicas: 1, ready: 1 },
          gray: [
            {
              name: 'web-gray',
              image: `r/web@${digest('c')}`,
              digest: digest('c'),
              replicas: 1,
              ready: 1,
              lane: 'gray',
              release: 'r1',
            },
          ],
        },
        unseen: null,
      },
      {
        application: 'cart',
        live: {
          stable: {
            name: 'cart',
            image: `r/cart@${digest('b')}`,
            digest: digest('b'),
            replicas: 1,
            ready: 1,
          },
          gray: [],
        },
        unseen: null,
      },
      { application: 'gone', live: { stable: null, gray: [] }, unseen: null },
    ]);
    expect(paths()).toEqual(['GET /apis/apps/v1/namespaces/shop/deployments']);
  });

  it('asks once for the pods where images only have tags', async () => {
    put('web', 'r/web:v1');
    put('cart', 'r/cart:v1');
    putPod('web', `r/web@${digest('a')}`);
    const sights = await look([at('web'), at('cart')]);
    expect(sights.map((s) => s.live?.stable?.digest)).toEqual([digest('a'), null]);
    expect(paths()).toEqual([
      'GET /apis/apps/v1/namespaces/shop/deployments',
      'GET /api/v1/namespaces/shop/pods',
    ]);
  });

  it('does without the pods where it may not list them', async () => {
    put('web', 'r/web:v1');
    const looking = survey(
      { clusters: () => refusing('pods') },
      { cluster: 'fake', places: [at('web')] },
      signal,
    );
    expect(await looking).toMatchObject([
      { live: { stable: { image: 'r/web:v1', digest: null } }, unseen: null },
    ]);
  });

  it('reads a long list in parts', async () => {
    for (let i = 0; i < 600; i++) put(`other-${i}`, 'r/other:v1');
    put('web', `r/web@${digest('a')}`);
    const [sight] = await look([at('web')]);
    expect(sight?.live?.stable?.digest).toBe(digest('a'));
    expect(kube.requests).toHaveLength(2);
  });

  it('looks at every namespace, however many there are', async () => {
    const places = Array.from({ length: 30 }, (_, i) => at('web', `ns-${i}`));
    for (const { namespace } of places) put('web', `r/web@${digest('a')}`, {}, namespace);
    const sights = await look(places);
    expect(sights).toHaveLength(30);
    expect(sights.every((s) => s.live?.stable?.digest === digest('a'))).toBe(true);
  });

  it('says of each place why it was not seen, and sees the others', async () => {
    put('web', `r/web@${digest('a')}`, {}, 'far');
    const denied = 'User "x" cannot list resource "deployments" in API group "apps"';
    kube.fail({ status: 403, reason: denied });
    const sights = await look([at('cart'), at('stock'), at('web', 'far')]);
    const unseen = sights.filter((s) => s.live === null);
    expect(unseen.map((s) => s.application)).toEqual(unseen.length === 2 ? ['cart', 'stock'] : ['web']);
    expect(unseen[0]?.unseen).toContain('The worker may not list deployments in namespace');
    expect(sights.filter((s) => s.live !== null)).toHaveLength(3 - unseen.length);
  });

  it('says that a cluster is away', async () => {
    await kube.stop();
    expect(await look([at('web')])).toMatchObject([
      { live: null, unseen: expect.stringContaining('Cluster "fake" cannot be reached') as string },
    ]);
  });

  it('does not wait for a cluster that does not answer', async () => {
    const silent = Object.create(cluster, {
      list: { value: () => new Promise(() => undefined) },
    }) as Cluster;
    const places = Array.from({ length: 20 }, (_, i) => at('web', `ns-${i}`));
    const sights = await survey({ clusters: () => silent }, { cluster: 'fake', places }, signal, {
      deploymentsMs: 50,
      podsMs: 60,
    });
    expect(sights).toHaveLength(20);
    expect(sights[0]).toEqual({
      application: 'web',
      live: null,
      unseen: 'Cluster "fake" cannot be reached: namespace "ns-0" was not told within 0.05 s.',
    });
  });

  it('says that no worker serves the cluster', async () => {
    const unknown = (): never => {
      throw new CatalogueError(failure('cluster_unknown', { cluster: 'eu', known: ['default'] }));
    };
    expect(await survey({ clusters: unknown }, { cluster: 'eu', places: [at('web')] }, signal)).toEqual([
      { application: 'web', live: null, unseen: 'No worker serves a cluster "eu"; known here: default.' },
    ]);
  });
});

/** The same cluster, which refuses one kind. */
function refusing(plural: string): Cluster {
  const list: Cluster['list'] = (resource, ...rest) =>
    resource.plural === plural ? Promise.reject(new Error('no')) : cluster.list(resource, ...rest);
  return Object.create(cluster, { list: { value: list } }) as Cluster;
}
