import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../domain/target.js';
import { type KubeObject, podLabels, type Deployment } from './objects.js';
import { grayDeployment, overlapProblems } from './gray.js';
import { matchesSelector, serviceMatches } from './selectors.js';

const digest = `sha256:${'a'.repeat(64)}`;
const target: Target = {
  application: 'web',
  environment: 'prod',
  cluster: 'default',
  namespace: 'shop',
  deployment: 'web',
  container: 'app',
  strategy: 'gray',
  level: 0,
  lane: 'gray',
  gray: 'web-gray',
  image: {
    requested: 'registry.example/web:v2',
    reference: `registry.example/web@${digest}`,
    digest,
    version: 'v2',
  },
  stableImage: 'registry.example/web:v1',
  stableDigest: null,
  stableReplicas: 3,
  manifest: null,
  route: {
    router: 'gateway-api',
    cluster: 'default',
    namespace: 'shop',
    route: 'web',
    stableService: 'web',
    grayService: 'web-gray',
    port: 80,
  },
  probe: null,
  progressDeadlineMs: 60_000,
  grayReplicas: 'auto',
};

const stable = (
  change: { labels?: Record<string, string>; spec?: object; metadata?: object } = {},
): Deployment => {
  const labels = change.labels ?? { app: 'web', tier: 'front' };
  return {
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' }, ...change.metadata },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            { name: 'app', image: 'registry.example/web:v1' },
            { name: 'proxy', image: 'p:1' },
          ],
        },
      },
      ...change.spec,
    },
  };
};
const service = (
  name: string,
  selector: Record<string, string> | undefined,
  spec: object = {},
): KubeObject => ({
  metadata: { name, namespace: 'shop' },
  spec: {
    ports: [{ port: 80, targetPort: 'http' }],
    ...(selector === undefined ? {} : { selector }),
    ...spec,
  },
});
const clone = (from: Deployment, services: KubeObject[], change: Partial<Target> = {}) =>
  grayDeployment(from, services, { target: { ...target, ...change }, release: 'r1', replicas: 2 });

describe('the gray Deployment', () => {
  it('has the labels that are declared for gray, and none that would let a Service find it', () => {
    const labels = { app: 'web' };
    const grayLabels = { 'alicloud.service.tag': 'gray', app: 'web', 'sluice.dev/lane': 'other' };
    const { deployment } = clone(stable({ labels }), [service('web', { app: 'web' })], { grayLabels });
    expect(podLabels(deployment)).toMatchObject({
      'alicloud.service.tag': 'gray',
      app: 'web-gray',
      'sluice.dev/lane': 'gray',
    });
    const all = service('all', { track: 'all' });
    const found = clone(stable({ labels }), [service('web', { app: 'web' }), all], {
      grayLabels: { track: 'all' },
    });
    expect(found.problems).toHaveLength(1);
  });

  it('has labels that tell it from stable: one that both would have is a problem, one that is changed anyway is not', () => {
    const labels = { app: 'web', track: 'gray', team: 'shop' };
    const grayLabels = { app: 'web', track: 'gray', team: 'other', lane: 'gray' };
    const { problems } = clone(stable({ labels }), [service('web', { app: 'web' })], { grayLabels });
    expect(problems.map((p) => [p.code, p.pointer])).toEqual([
      ['labels_not_apart', '/workload/grayLabels/track'],
    ]);
  });

  it('changes each label that a matching Service or the Deployment itself selects on, and no other', () => {
    const labels = { app: 'web', tier: 'front', team: 'shop', 'pod-template-hash': 'x' };
    const { deployment, problems } = clone(stable({ labels }), [
      service('web', { app: 'web' }),
      service('all', { tier: 'front' }),
    ]);
    expect(problems).toEqual([]);
    expect(podLabels(deployment)).toEqual({
      app: 'web-gray',
      tier: 'front-gray',
      team: 'shop',
      'sluice.dev/release': 'r1',
      'sluice.dev/application': 'web',
      'sluice.dev/lane': 'gray',
    });
  });

  it('leaves the keys of Services that do not match stable alone', () => {
    const { deployment } = clone(stable(), [
      service('web', { app: 'web' }),
      service('other', { tier: 'back' }),
    ]);
    expect(podLabels(deployment)['tier']).toBe('front');
  });

  it('has a plain selector that its own pods match', () => {
    const spec = { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } };
    const { deployment, problems } = clone(stable({ spec }), [service('web', { app: 'web' })]);
    expect(problems).toEqual([]);
    expect(deployment.spec.selector?.matchExpressions).toBeUndefined();
    expect(matchesSelector(deployment.spec.selector, podLabels(deployment))).toBe(true);
  });

  it('is refused where the selector of stable would match it all the same', () => {
    const spec = { selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } };
    const { problems } = clone(stable({ spec }), [service('web', { app: 'web' })]);
    expect(problems.map((p) => p.code)).toEqual(['gray_would_match']);
    expect(problems[0]?.message).toContain('Deployment web');
  });

  it('is refused where a Service that stable does not match waits for its labels', () => {
    const { problems } = clone(stable(), [
      service('web', { app: 'web' }),
      service('old', { app: 'web-gray' }),
    ]);
    expect(problems[0]?.message).toContain('Service old');
  });

  it('is not bothered by Services without a selector', () => {
    const { problems } = clone(stable(), [
      service('web', { app: 'web' }),
      service('byhand', undefined),
      service('empty', {}),
    ]);
    expect(problems).toEqual([]);
  });

  it('keeps long label values apart and valid, and gives an empty one the lane', () => {
    const labels = { app: 'web', long: `${'x'.repeat(60)}.yz`, empty: '' };
    const selector = { app: 'web', long: labels.long, empty: '' };
    const { deployment } = clone(stable({ labels }), [service('web', selector)]);
    const { long, empty } = podLabels(deployment);
    expect(long).toMatch(/^[a-z0-9]([\w.-]{0,61}[a-z0-9])?$/);
    expect(long).toMatch(/-gray$/);
    expect(empty).toBe('gray');
  });

  it('drops what belongs to the life of the original and what would make a tool take it for its own', () => {
    const metadata = {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '1',
      generation: 4,
      creationTimestamp: 't',
      ownerReferences: [{}],
      managedFields: [{}],
      labels: { app: 'web', 'app.kubernetes.io/instance': 'shop' },
      annotations: {
        'deployment.kubernetes.io/revision': '3',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web',
        'sluice.dev/release': 'r0',
        note: 'kept',
      },
    };
    const { deployment } = clone(
      { ...stable({ metadata, spec: { paused: true } }), status: { replicas: 3 } },
      [service('web', { app: 'web' })],
    );
    expect(deployment.metadata).toEqual({
      name: 'web-gray',
      namespace: 'shop',
      labels: {
        app: 'web-gray',
        'app.kubernetes.io/instance': 'shop-gray',
        'sluice.dev/release': 'r1',
        'sluice.dev/application': 'web',
        'sluice.dev/lane': 'gray',
      },
      annotations: { note: 'kept' },
    });
    expect(deployment.spec.paused).toBeUndefined();
    expect(deployment['status']).toBeUndefined();
  });

  it('takes the progress deadline of the target where stable has none', () => {
    const services = [service('web', { app: 'web' })];
    expect(clone(stable(), services).deployment.spec.progressDeadlineSeconds).toBe(60);
    expect(
      clone(stable({ spec: { progressDeadlineSeconds: 9 } }), services).deployment.spec
        .progressDeadlineSeconds,
    ).toBe(9);
  });

  it('names an unknown container and the known ones', () => {
    const { problems } = clone(stable(), [service('web', { app: 'web' })], { container: 'main' });
    expect(problems[0]?.message).toContain('app, proxy');
  });

  it('has variables of its own in the released container only, and is none where they would be those of stable', () => {
    const grayVariables = [{ consumer: 'orders', env: 'GROUP', value: '{{stable}}-gray', isApart: true }];
    const env = [{ name: 'GROUP', value: 'orders' }];
    const containers = [
      { name: 'app', image: 'registry.example/web:v1', env },
      { name: 'proxy', image: 'p:1', env },
    ];
    const from = stable();
    const spec = { ...from.spec, template: { ...from.spec.template, spec: { containers } } };
    const services = [service('web', { app: 'web' })];
    const { deployment, problems } = clone({ ...from, spec }, services, { grayVariables });
    expect(problems).toEqual([]);
    expect(deployment.spec.template.spec?.containers?.map((c) => c['env'])).toEqual([
      [{ name: 'GROUP', value: 'orders-gray' }],
      env,
    ]);
    const unset = clone(from, services, { grayVariables });
    expect(unset.problems.map((p) => p.code)).toEqual(['consumers_not_apart']);
  });

  it('keeps every other field of the pod template, whatever it is, and nothing of the baseline matches it', () => {
    const key = fc.constantFrom('app', 'tier', 'app.kubernetes.io/name', 'team', 'x');
    const value = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?$/);
    const labels = fc.dictionary(key, value, { minKeys: 1 });
    const field = fc
      .stringMatching(/^[a-z]{3,12}$/)
      .filter((f) => !['containers', 'metadata', 'spec'].includes(f));
    const extra = fc.dictionary(field, fc.jsonValue());
    fc.assert(
      fc.property(labels, extra, extra, extra, fc.nat(), (labels, inTemplate, inPod, inContainer, pick) => {
        const keys = Object.keys(labels);
        const chosen = keys[pick % keys.length]!;
        const container = { ...inContainer, name: 'app', image: 'i:1' };
        const spec = {
          selector: { matchLabels: { [chosen]: labels[chosen]! } },
          template: { ...inTemplate, metadata: { labels }, spec: { ...inPod, containers: [container] } },
        };
        const from = stable({ labels, spec });
        const services = [service('web', { [chosen]: labels[chosen]! }), service('whole', labels)];
        const before = JSON.stringify(from);
        const { deployment, service: made, problems } = clone(from, services);
        const pods = podLabels(deployment);
        expect(problems).toEqual([]);
        expect(JSON.stringify(from)).toBe(before);
        expect(deployment.spec.template.spec).toEqual({
          ...inPod,
          containers: [{ ...container, image: target.image.reference }],
        });
        expect(deployment.spec.template).toMatchObject(inTemplate);
        expect(services.some((s) => serviceMatches(s, pods))).toBe(false);
        expect(matchesSelector(from.spec.selector, pods)).toBe(false);
        expect(serviceMatches(made!, pods)).toBe(true);
        expect(serviceMatches(made!, labels)).toBe(false);
        expect(matchesSelector(deployment.spec.selector, labels)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the gray Service', () => {
  it('clones ports and behaviour, and nothing that opens it to the outside', () => {
    const baseline = {
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u',
        annotations: {
          'projectcontour.io/upstream-protocol.h2c': '80',
          'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb',
          'external-dns.alpha.kubernetes.io/hostname': 'shop.example',
        },
      },
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        externalIPs: ['192.0.2.1'],
        loadBalancerIP: '192.0.2.2',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 30100,
        publishNotReadyAddresses: true,
        sessionAffinity: 'ClientIP',
        ports: [
          { name: 'http', port: 80, targetPort: 'http', nodePort: 30080, appProtocol: 'kubernetes.io/h2c' },
        ],
        selector: { app: 'web' },
      },
    };
    expect(clone(stable(), [baseline]).service).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web-gray',
        namespace: 'shop',
        labels: { 'sluice.dev/release': 'r1', 'sluice.dev/application': 'web', 'sluice.dev/lane': 'gray' },
        annotations: { 'projectcontour.io/upstream-protocol.h2c': '80' },
      },
      spec: {
        type: 'ClusterIP',
        sessionAffinity: 'ClientIP',
        ports: [{ name: 'http', port: 80, targetPort: 'http', appProtocol: 'kubernetes.io/h2c' }],
        selector: {
          app: 'web-gray',
          'sluice.dev/release': 'r1',
          'sluice.dev/application': 'web',
          'sluice.dev/lane': 'gray',
        },
      },
    });
  });

  it('is not made without a route', () => {
    expect(clone(stable(), [], { route: null })).toMatchObject({ service: null, problems: [] });
  });

  it('is refused where the baseline Service is missing', () => {
    expect(clone(stable(), []).problems.map((p) => p.code)).toEqual(['service_unknown']);
  });
});

describe('what would take gray pods for stable', () => {
  const { deployment } = clone(stable(), [service('web', { app: 'web' })]);
  const budget = (selector: object | undefined): KubeObject => ({
    metadata: { name: 'pdb' },
    spec: { selector },
  });

  it.each([
    ['a budget on a label that changed does not', { matchLabels: { app: 'web' } }, 0],
    ['a budget on a label that stays does', { matchLabels: { tier: 'front' } }, 1],
    ['a budget with an empty selector covers everything', {}, 1],
    ['a budget without a selector covers nothing', undefined, 0],
    ['an expression counts', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, 1],
    [
      'an expression that excludes gray does not',
      { matchExpressions: [{ key: 'sluice.dev/lane', operator: 'DoesNotExist' }] },
      0,
    ],
  ])('%s', (_, selector, count) => {
    expect(overlapProblems(deployment, [budget(selector)], [])).toHaveLength(count);
  });

  it('an autoscaler does by the name of its target', () => {
    const scaler = (name: string): KubeObject => ({
      metadata: { name: `hpa-${name}` },
      spec: { scaleTargetRef: { kind: 'Deployment', name } },
    });
    const problems = overlapProblems(deployment, [], [scaler('web'), scaler('web-gray')]);
    expect(problems.map((p) => p.message)).toEqual([expect.stringContaining('hpa-web-gray')]);
  });
});
