/** Canaries beside an Ingress: on the real API server, and through the real workflow. No data plane here reads them. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CatalogueError } from '../../activities/failure.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { KubeObject } from '../../activities/kubernetes/objects.js';
import { routeProblems } from '../../activities/traffic/activities.js';
import { prepareIngress, returnIngress, setIngress } from '../../activities/traffic/ingress/driver.js';
import { restoreIngress } from '../../activities/traffic/ingress/restore.js';
import type { Application } from '../../domain/application.js';
import { labels } from '../../domain/ids.js';
import { allStable, type IngressController, type IngressTarget, type Traffic } from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { Kube } from '../../infra/local/kube.js';
import { sampleRoute } from '../../infra/local/sample.js';
import { eventually } from '../rig/eventually.js';
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

  it('what belongs to others is left to them, and what they change is told', async () => {
    const route = await create('mse', 'shared');
    const [ours, theirs] = [by('r1', route), by('r2', route)];
    await ours.prepare(1);
    await ours.set(2, { gray: 10, tag });
    expect(await codeOf(theirs.set(3, { gray: 20, tag: null }))).toBe('route_lost');
    expect(await theirs.restore()).toMatchObject({ changed: false });
    expect(await ours.set(1, { gray: 90, tag: null })).toMatchObject({
      changed: false,
      after: { gray: 10, tag },
    });

    const patch = (name: string, what: object) =>
      kube.patch(`${at(name)}?fieldManager=somebody`, 'merge', what);
    await patch('shared-gray', {
      metadata: { annotations: { [`${nginx}canary-weight`]: '70', mine: 'yes' } },
    });
    const { spec } = await kube.get<KubeObject & { spec: { rules: { http: object }[] } }>(at('shared'));
    await patch('shared', {
      spec: { rules: [...spec.rules, { host: 'new.example', http: spec.rules[0]!.http }] },
    });
    const set = await ours.set(3, { gray: 20, tag });
    expect(set.before).toEqual({ gray: 70, tag });
    expect(set.foreign).toEqual([
      expect.stringMatching(/^somebody at .* changed Ingress "shared-gray"\.$/),
      expect.stringMatching(/^somebody at .* changed Ingress "shared", and its canary follows\.$/),
    ]);
    expect(await annotation('shared-gray', 'canary-weight')).toBe('20');
    for (const canary of await canaries(route)) {
      expect(JSON.stringify(canary)).toContain('new.example');
      expect(canary.metadata.annotations).not.toHaveProperty('cert-manager.io/cluster-issuer');
    }
    expect((await canaries(route))[0]!.metadata.annotations).toMatchObject({ mine: 'yes' });

    // One that was ended by force left it: the next takes its place.
    expect(await theirs.prepare(1)).toMatchObject({ changed: true, after: allStable });
    expect(await codeOf(ours.set(4, { gray: 30, tag }))).toBe('route_lost');
    expect(await canaries(route)).toHaveLength(1);
    await kube.delete(at('shared-gray'));
    expect(await codeOf(theirs.set(2, { gray: 30, tag }))).toBe('route_lost');
    await theirs.restore();
    await patch('shared', { metadata: { annotations: { [`${nginx}canary`]: 'true' } } });
    expect(await codeOf(theirs.prepare(1))).toBe('route_unfit');
  });

  it('a lane comes in at MSE: whoever enters and whoever falls into the share gets the tag', async () => {
    const bare = await create('mse', 'lane');
    const remove = 'mse.ingress.kubernetes.io/request-header-control-remove';
    const route: IngressTarget = {
      ...bare,
      stamps: tag,
      enter: [[{ query: 'group', exact: 'gray' }], [{ cookie: 'beta', prefix: '1' }]],
    };
    const { prepare, set, restore } = by('r1', route);
    expect(await codeOf(prepare(1))).toBe('route_unfit');
    await kube.patch(at('lane'), 'merge', { metadata: { annotations: { [remove]: 'x-secret,x-lane' } } });
    await prepare(1);
    const traffic = { gray: 10, tag };
    expect(await set(2, traffic)).toMatchObject({ changed: true, after: traffic, foreign: [] });
    expect(await set(2, traffic)).toMatchObject({ changed: false, before: traffic, foreign: [] });
    const made = await canaries(route);
    expect(made.map(({ metadata }) => metadata.name)).toEqual(
      ['', '-enter-1', '-enter-2', '-tag'].map((end) => `lane-gray${end}`),
    );
    for (const { metadata } of made)
      expect(metadata.annotations).toMatchObject({
        [remove]: 'x-secret',
        [remove.replace('remove', 'update')]: 'x-lane gray',
      });
    expect(await set(3, { gray: 100, tag: null })).toMatchObject({ after: { gray: 100, tag: null } });
    expect(await canaries(route)).toHaveLength(1);
    await restore();
    expect(await canaries(route)).toEqual([]);
  });

  it('a worker that comes late takes back what it made, and no track without endpoints gets requests', async () => {
    const route = await create('higress', 'late');
    const { prepare, set, restore } = by('r1', route);
    await prepare(1);
    const slow = Object.create(cluster) as Cluster;
    slow.create = async (...args) => {
      slow.create = cluster.create.bind(cluster);
      await set(3, { gray: 40, tag: null });
      return cluster.create(...args);
    };
    const late = setIngress(slow, { release: 'r1', route, seq: 2, traffic: { gray: 5, tag } }, never, 0, 0);
    expect(await late).toMatchObject({ changed: false, before: { gray: 40, tag: null } });
    expect((await canaries(route)).map(({ metadata }) => metadata.name)).toEqual(['late-gray']);
    expect(await annotation('late-gray', 'canary-weight')).toBe('40');

    await applyObjects(kube, [slice('late', 0)]);
    expect(await codeOf(set(4, { gray: 20, tag: null }))).toBe('endpoints_missing');
    expect(await codeOf(restore())).toBe('endpoints_missing');
    await applyObjects(kube, [slice('late', 4), slice('late-gray', 1)]);
    expect(await codeOf(set(4, { gray: 50, tag: null }, true))).toBe('gray_too_small');
    await applyObjects(kube, [slice('late-gray', 0)]);
    expect(await codeOf(set(4, { gray: 100, tag: null }))).toBe('endpoints_missing');
    expect(await annotation('late-gray', 'canary-weight')).toBe('40');

    // Whatever happens to the release, Kubernetes takes the canary with gray's Service.
    await kube.delete(`/api/v1/namespaces/${namespace}/services/late-gray`);
    await eventually('the canary to be gone', async () => (await canaries(route)).length === 0);
    expect(await codeOf(prepare(5))).toBe('endpoints_missing');
  });

  it('pre-flight names what is taken, missing, beside it, or served by another controller', async () => {
    const route = await create('nginx', 'unfit');
    const messages = async (one: IngressTarget): Promise<string[]> =>
      (await routeProblems(cluster, one, tag)).map(({ code, message }) => `${code}: ${message}`);
    expect(await messages({ ...route, route: 'none' })).toEqual([
      `route_unknown: Ingress "none" does not exist in namespace "${namespace}".`,
    ]);
    const { spec } = await kube.get<KubeObject>(at('unfit'));
    const metadata = { name: 'unfit-gray', namespace, annotations: { [`${nginx}canary`]: 'true' } };
    const mine = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec };
    await kube.create(at().slice(0, -1), mine);
    const classes = '/apis/networking.k8s.io/v1/ingressclasses';
    await kube.create(classes, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx' },
      spec: { controller: 'nginx.org/ingress-controller' },
    });
    try {
      const [taken, unfit] = await messages(route);
      expect(taken).toBe(
        `gray_name_taken: Ingress "unfit-gray" exists in namespace "${namespace}" and is not of Sluice.`,
      );
      expect(unfit).toContain('Ingress "unfit-gray" is a canary beside it already; remove that one.');
      expect(unfit).toContain('its class "nginx" is served by nginx.org/ingress-controller');
      expect(await codeOf(by('r1', route).prepare(1))).toBe('route_unfit');
      await kube.patch(at('unfit-gray'), 'merge', {
        metadata: { annotations: { [`${nginx}canary`]: 'false' } },
      });
      expect(await codeOf(by('r1', route).prepare(1))).toBe('gray_name_taken');
    } finally {
      await kube.delete(`${classes}/nginx`);
    }
  });
});

describe('a release at an Ingress', () => {
  let world: World;
  let other: World;
  beforeAll(async () => {
    world = await World.create(stack, { router: 'ingress' });
    other = await World.create(stack, { router: 'ingress', beside: world });
  });
  afterAll(async () => {
    await other.close();
    await world.close();
  });

  const declared = (one: World, more: object = {}): Application => {
    const application = one.application({ ...quick, approval: { required: true } });
    return { ...application, ...more };
  };
  const asking = (one: World, id: string) =>
    one.until(id, 'asking', (view) => view.waitingOn?.approval !== undefined);

  it("goes by tag and weights to the end, or back; the user's objects are as they were but for the image", async () => {
    // Its changes take longer than a local activity may.
    const slow = { traffic: { ...declared(other).traffic, controller: 'nginx' } };
    await Promise.all([world.declare(declared(world)), other.declare(declared(other, slow))]);
    const [before, otherBefore] = await Promise.all([world.snapshot(), other.snapshot()]);
    const [id, aborted] = await Promise.all([world.release('v2'), other.release('v2')]);
    await Promise.all([asking(world, id), asking(other, aborted)]);
    const canary = await world.kube.get<KubeObject>(
      `/apis/networking.k8s.io/v1/namespaces/${world.namespace}/ingresses/shop-gray-tag`,
    );
    expect(canary.metadata.annotations).toMatchObject({ [`${nginx}canary-by-header-value`]: 'gray' });
    expect(await world.leftovers()).toContain('ingresses/shop-gray');
    await Promise.all([world.approve(id), other.steer(aborted, 'abort')]);
    const [view, back] = await Promise.all([world.ended(id), other.ended(aborted)]);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
    expect(back.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
    const image = `${world.repository}@${view.applications[0]!.digest!}`;
    expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, image));
    expect(await other.snapshot()).toEqual(otherBefore);
    expect([await world.leftovers(), await other.leftovers()]).toEqual([[], []]);
    const { status, body } = await world.call('GET', '/v1/environments/prod');
    expect([status, JSON.stringify(body).includes(world.applicationName)]).toEqual([200, true]);
  });

  it('says in its plan what is made, and refuses a lane that needs the tag put on by nginx', async () => {
    const plan = (applications: readonly World[]) =>
      world.call('POST', '/v1/plans', {
        applications: applications.map(({ applicationName: name }) => ({ name, image: 'v3' })),
      });
    const { traffic } = declared(world);
    await world.declare(declared(world, { dependsOn: [other.applicationName] }));
    const alone = await plan([world]);
    expect(alone.status).toBe(200);
    expect(JSON.stringify(alone.body)).toContain('beside Ingress shop, removed after it');
    expect((await plan([world, other])).status).toBe(200);
    const nginxOnly = { traffic: { ...traffic, controller: 'nginx' }, dependsOn: [other.applicationName] };
    await world.declare(declared(world, nginxOnly));
    const { status, body } = await plan([world, other]);
    expect([status, body['code']]).toEqual([422, 'release_refused']);
    expect(body['detail']).toContain(
      'nginx has no annotation that puts the header "x-lane" on what goes to gray',
    );
  });
});
