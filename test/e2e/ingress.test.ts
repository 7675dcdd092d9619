/** Canaries beside an Ingress: on the real API server, and through the real workflow. No data plane here reads them. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CatalogueError } from '../../activities/failure.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';
import { routeProblems } from '../../activities/traffic/activities.js';
import {
  prepareIngress,
  restoreIngress,
  returnIngress,
  setIngress,
} from '../../activities/traffic/ingress/driver.js';
import { labels } from '../../domain/ids.js';
import { allStable, type IngressController, type IngressTarget, type Traffic } from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { Kube } from '../../infra/local/kube.js';
import { sampleRoute } from '../../infra/local/sample.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
const tag = { header: 'x-lane', value: 'gray' };
const nginx = 'nginx.ingress.kubernetes.io/';

describe('canaries of an Ingress on the real API server', () => {
  const kube = new Kube(stack.kubeUrl, stack.kubeToken);
  const cluster = Cluster.fromFile('default', stack.kubeconfig);
  const namespace = 'ingress-test';
  const never = new AbortController().signal;
  const at = (name = ''): string => `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}`;

  const target = (controller: IngressController, route: string): IngressTarget => ({
    router: 'ingress',
    controller,
    cluster: 'default',
    namespace,
    route,
    stableService: route,
    grayService: `${route}-gray`,
    port: 80,
  });
  const by = (release: string, route: IngressTarget) => ({
    prepare: (seq: number) => prepareIngress(cluster, { release, route, seq }, never, 0),
    set: (seq: number, traffic: Traffic, sized = false) =>
      setIngress(cluster, { release, route, seq, traffic, sized }, never, 0, 0),
    guard: (seq: number) => returnIngress(cluster, { release, route, seq }, never),
    restore: (stays = false) => restoreIngress(cluster, { release, route, stays }, never, 0),
  });

  /** Both Services with one ready endpoint each, and the user's Ingress. */
  async function create(controller: IngressController, name: string): Promise<IngressTarget> {
    const services = [name, `${name}-gray`];
    const options = { namespace, name, image: '', gateway: stack.gateway };
    const ingress = sampleRoute('ingress', options) as KubeObject;
    await applyObjects(kube, [
      ...services.map((service) => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: service,
          namespace,
          labels: { [labels.application]: name, [labels.lane]: 'gray', [labels.release]: 'service' },
        },
        spec: { ports: [{ port: 80 }] },
      })),
      ...services.map((service) => slice(service, 1)),
      { ...ingress, spec: { ...(ingress['spec'] as object), ingressClassName: controller } },
    ]);
    return target(controller, name);
  }
  const slice = (service: string, ready: number): object => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ port: 80 }],
    endpoints: Array.from({ length: ready }, (_, i) => ({
      addresses: [`10.1.1.${i + 1}`],
      conditions: { ready: true },
    })),
  });

  const canaries = async (route: IngressTarget): Promise<KubeObject[]> => {
    const { items } = await kube.get<{ items: KubeObject[] }>(at());
    return items.filter(({ metadata }) => metadata.name.startsWith(route.grayService));
  };
  const annotation = async (name: string, key: string): Promise<string | undefined> =>
    (await kube.get<KubeObject>(at(name))).metadata.annotations?.[`${nginx}${key}`];
  const codeOf = (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'done',
      (error: unknown) => (error instanceof CatalogueError ? error.failure.code : String(error)),
    );

  beforeAll(() =>
    applyObjects(kube, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]),
  );
  afterAll(async () => {
    await kube.delete(`/api/v1/namespaces/${namespace}`);
    kube.close();
  });

  it.each(['nginx', 'higress', 'mse', 'alb'] as const)(
    'all of it is accepted for %s, read as it was meant, and nothing is left; the Ingress itself is never written',
    async (controller) => {
      const route = await create(controller, `rich-${controller}`);
      expect(await routeProblems(cluster, route, tag)).toEqual([]);
      const before = await kube.get<KubeObject>(at(route.route));
      const { prepare, set, guard, restore } = by('r1', route);
      expect(await prepare(1)).toMatchObject({ changed: true, after: allStable, foreign: [] });
      expect(await prepare(1)).toMatchObject({ changed: false });
      const sequence: Traffic[] = [
        { gray: 0, tag },
        { gray: 1, tag },
        { gray: 50, tag },
        { gray: 100, tag: null },
        { gray: 33, tag: { header: 'x-other', value: 'two words.' } },
      ];
      for (const [i, traffic] of sequence.entries()) {
        const again = { changed: false, before: traffic, after: traffic, foreign: [] };
        expect(await set(i + 2, traffic)).toMatchObject({ changed: true, after: traffic, foreign: [] });
        expect(await set(i + 2, traffic)).toMatchObject(again);
        expect(await canaries(route)).toHaveLength(controller === 'nginx' || traffic.tag === null ? 1 : 2);
      }
      const [share] = await canaries(route);
      expect(share!.metadata.labels).toEqual({
        [labels.application]: route.route,
        [labels.lane]: 'gray',
        [labels.release]: 'r1',
      });
      expect(await guard(6)).toMatchObject({ changed: true, after: allStable });
      expect(await codeOf(set(6, { gray: 50, tag }))).toBe('route_lost');
      expect(await restore(true)).toMatchObject({ stays: true, after: allStable });
      expect(await codeOf(set(7, { gray: 50, tag }))).toBe('route_lost');
      expect(await annotation(route.grayService, 'canary')).toBe(controller === 'alb' ? undefined : 'true');
      expect(await restore()).toMatchObject({ stays: false, changed: true });
      expect(await restore()).toMatchObject({ stays: false, changed: false });
      expect(await canaries(route)).toEqual([]);
      expect(await kube.get(at(route.route))).toEqual(before);
    },
  );
});

describe('a release at an Ingress', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(stack, { router: 'ingress' });
  });
  afterAll(() => world.close());

  it("goes by tag and weights to the end; the user's objects are as they were but for the image", async () => {
    expect((await world.declare(world.application({ ...quick, approval: { required: true } }))).status).toBe(
      201,
    );
    const before = await world.snapshot();
    const id = await world.release('v2');
    const waiting = await world.until(id, 'asking', (v) => v.waitingOn?.approval !== undefined);
    expect(waiting.phase).toBe('waiting_for_approval');
    const canary = await world.kube.get<KubeObject>(
      `/apis/networking.k8s.io/v1/namespaces/${world.namespace}/ingresses/shop-gray-tag`,
    );
    expect(canary.metadata.annotations).toMatchObject({ [`${nginx}canary-by-header-value`]: 'gray' });
    expect((await world.approve(id)).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
    const digest = view.applications[0]!.digest!;
    expect(await world.snapshot()).toEqual(
      withImage(before, `${world.repository}:v1`, `${world.repository}@${digest}`),
    );
    expect(await world.leftovers()).toEqual([]);
  });
});
