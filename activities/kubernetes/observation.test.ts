import { describe, expect, it } from 'vitest';
import type { Application, Strategy, WorkloadSettings } from '../../domain/application.js';
import type { KubeObject, Deployment, Pod } from './objects.js';
import { noPolicies } from './policies/find.js';
import { policyKinds } from './policies/kinds.js';
import { lookout, observed, runningDigest, type Findings } from './observation.js';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const application = (workload: WorkloadSettings = {}, strategy?: 'rolling'): Application => ({
  name: 'web',
  image: 'registry.example/web',
  workload,
  traffic: { router: 'gateway-api' },
  ...(strategy === undefined ? {} : { release: { strategy } }),
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
});
const at = (spec: Application, lane: string | null = null, strategy: Strategy | null = null) =>
  lookout(spec, spec.environments[0]!, { lane, strategy });

const deployment = (names = ['app']): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: names.map((name) => ({ name, image: `registry.example/${name}:v1` })) },
    },
  },
  status: { readyReplicas: 2 },
});
const service = (name: string, spec: object): KubeObject => ({ metadata: { name }, spec });
const web = service('web', { selector: { app: 'web' }, ports: [{ port: 80 }] });
const pod = (imageID: string | undefined, more: object = {}): Pod => ({
  metadata: { name: 'p', ...more },
  status: { containerStatuses: [{ name: 'app', ...(imageID === undefined ? {} : { imageID }) }] },
});
const found = (change: Partial<Findings> = {}): Findings => ({
  stable: deployment(),
  gray: null,
  services: [web],
  budgets: [],
  autoscalers: [],
  policies: noPolicies,
  pods: [],
  ...change,
});
const codes = (spec: Application, seen: Findings) => observed(at(spec), seen).problems.map((p) => p.code);

describe('where to look', () => {
  it('follows the declaration and its defaults', () => {
    expect(at(application())).toMatchObject({
      cluster: 'default',
      deployment: 'web',
      lane: 'gray',
      gray: 'web-gray',
      route: { route: 'web', stableService: 'web', grayService: 'web-gray', port: 80 },
    });
  });
  it('takes the lane of the request first', () => {
    expect(at(application(), 'blue').gray).toBe('web-blue');
  });
  it('leaves the route out where a rolling update moves no traffic', () => {
    expect(at(application({}, 'rolling')).route).toBeNull();
    expect(at(application({}, 'rolling'), null, 'gray').route).not.toBeNull();
    expect(at(application(), null, 'rolling').route).toBeNull();
  });
  it('knows the tag, which follows the lane, where the strategy tags requests', () => {
    expect(at(application()).tag).toEqual({ header: 'x-lane', value: 'gray' });
    expect(at(application(), 'blue').tag).toEqual({ header: 'x-lane', value: 'blue' });
    expect(at(application(), null, 'canary').tag).toBeNull();
    expect(at(application(), null, 'rolling').tag).toBeNull();
  });
  it('knows who enters, which nobody does where a version comes back', () => {
    const spec: Application = {
      ...application(),
      release: { tag: { enter: [{ query: 'group', exact: 'gray' }] } },
    };
    const enter = [[{ query: 'group', exact: 'gray' }]];
    const look = (back: boolean) =>
      lookout(spec, spec.environments[0]!, { lane: null, strategy: null, back });
    expect(look(false).route).toMatchObject({ enter, stamps: { value: 'gray' } });
    expect(look(true).route).not.toHaveProperty('enter');
  });
});

describe('the observation', () => {
  it('has what differs from what is declared, as a warning and field by field, or why nobody knows', () => {
    const drift = { fields: [{ path: 'spec.replicas', live: '5', declared: '2' }], more: 0 };
    const seen = (declared: Findings['declared']) =>
      observed(at(application()), found(declared === undefined ? {} : { declared })).observation;
    expect(seen({ drift })).toMatchObject({
      drift,
      warnings: [
        expect.stringMatching(/^Deployment "web" of web in prod differs .*spec\.replicas is 5, declared 2/),
      ],
    });
    expect(seen({ unknown: 'a webhook' })?.warnings?.[0]).toContain('could not be compared');
    for (const none of [seen({ drift: null }), seen(undefined)]) {
      expect(none).not.toHaveProperty('drift');
      expect(none).not.toHaveProperty('warnings');
    }
  });
  it('refuses gray that would take messages of stable', () => {
    const consumers = [{ name: 'orders', topic: { env: 'TOPIC' } }];
    expect(codes({ ...application(), consumers }, found())).toEqual(['consumers_not_apart']);
    const own = [{ name: 'orders', topic: { env: 'TOPIC', value: 'orders-{{lane}}' } }];
    expect(codes({ ...application(), consumers: own }, found())).toEqual([]);
  });
  const tagged = (labels: Record<string, string>): Deployment => {
    const { spec, ...rest } = deployment();
    return {
      ...rest,
      spec: { ...spec, template: { ...spec.template, metadata: { labels: { app: 'web', ...labels } } } },
    };
  };
  const grayLabels = { 'example.com/track': '{{tag}}' };
  const alike = { stable: tagged({ 'example.com/track': 'gray' }) };
  it('refuses gray that has a label of workload.grayLabels in common with stable, and points at it', () => {
    const spec = application({ grayLabels });
    const [problem, ...more] = observed(at(spec), found(alike)).problems;
    expect(more).toEqual([]);
    expect(problem).toMatchObject({
      code: 'labels_not_apart',
      pointer: '/workload/grayLabels/example.com~1track',
      message: expect.stringContaining('the pods of both carry example.com/track "gray"'),
      remedy: expect.stringContaining('pod template'),
    });
    const [prod] = spec.environments;
    const local = { ...application(), environments: [{ ...prod!, workload: { grayLabels } }] };
    expect(observed(at(local), found(alike)).problems[0]?.pointer).toBe(
      '/environments/0/workload/grayLabels/example.com~1track',
    );
    const elsewhere = { ...spec, environments: [{ ...prod!, workload: { name: 'web' } }] };
    expect(observed(at(elsewhere), found(alike)).problems[0]?.pointer).toBe(problem!.pointer);
    expect(observed(at(spec, 'blue'), found(alike)).problems).toEqual([]);
    expect(codes(application({ grayLabels }, 'rolling'), found(alike))).toEqual([]);
  });
  it('refuses a first release of such a stable, and asks nothing of a manifest that is no longer needed', () => {
    const manifest = alike.stable as unknown as Record<string, unknown>;
    const bare = { ...manifest, metadata: undefined };
    const nothing = found({ stable: null, services: [] });
    for (const declared of [manifest, bare]) {
      const spec = application({ grayLabels, manifest: declared });
      expect(codes(spec, nothing)).toEqual(['labels_not_apart']);
      expect(codes(spec, found())).toEqual([]);
    }
    expect(codes(application({ grayLabels, manifest }, 'rolling'), nothing)).toEqual([]);
    const plain = deployment() as unknown as Record<string, unknown>;
    expect(codes(application({ grayLabels, manifest: plain }), nothing)).toEqual([]);
  });
  it('warns of a stable that has the tag of MSE, declared or live, but of an environment called so', () => {
    const stable = tagged({ 'alicloud.service.tag': 'blue' });
    const warnings = (spec: Application, seen: Findings) => observed(at(spec), seen).observation?.warnings;
    const warned = [
      expect.stringMatching(/^The pod template of Deployment "web" of web in prod has .*tag "blue" though/),
    ];
    expect(warnings(application(), found({ stable }))).toEqual(warned);
    expect(warnings(application({}, 'rolling'), found({ stable }))).toEqual(warned);
    const manifest = stable as unknown as Record<string, unknown>;
    expect(warnings(application({ manifest }), found({ stable: null }))).toEqual(warned);
    const [prod] = application().environments;
    const named = { ...application(), environments: [{ ...prod!, name: 'blue' }] };
    expect(warnings(named, found({ stable }))).toBeUndefined();
  });
  it('says what runs', () => {
    const { observation, problems } = observed(
      at(application()),
      found({ pods: [pod(`r/app@${digest('a')}`)] }),
    );
    expect(problems).toEqual([]);
    expect(observation).toEqual({
      application: 'web',
      environment: 'prod',
      exists: true,
      stableImage: 'registry.example/app:v1',
      stableDigest: digest('a'),
      replicas: 3,
      readyReplicas: 2,
      container: 'app',
    });
  });

  it('says which policies are copied for gray, and which kinds it could not look at', () => {
    const [kind] = policyKinds;
    const policy = {
      kind: kind!,
      object: { metadata: { name: 'by-label' }, spec: { podSelector: { matchLabels: { app: 'web' } } } },
    };
    const policies = { ...noPolicies, found: [policy], hidden: ['Sidecar'], ownOnly: ['PodMonitor'] };
    const { observation, problems, copies } = observed(at(application()), found({ policies }));
    expect(problems).toEqual([]);
    expect(copies.map((c) => c.object.metadata.name)).toEqual(['by-label-web-gray']);
    expect(observation?.warnings).toEqual([
      expect.stringContaining('NetworkPolicy "by-label" would miss gray'),
      expect.stringContaining('may not list Sidecar in namespace "shop"'),
      expect.stringContaining('sees PodMonitor of namespace "shop" only'),
    ]);
  });

  it('says that it could not look at what may take gray pods for stable, where there is gray', () => {
    const hidden = found({ budgets: null, autoscalers: null });
    expect(observed(at(application()), hidden).observation?.warnings).toEqual([
      'The worker may not list PodDisruptionBudget, HorizontalPodAutoscaler in namespace "shop": one for web may take its gray pods for its own.',
    ]);
    const rolling = at(application(), null, 'rolling');
    expect(observed(rolling, hidden).observation?.warnings ?? []).toEqual([]);
  });

  it('of a first release comes from the manifest, and asks nothing of Services that come later', () => {
    const manifest = deployment() as unknown as Record<string, unknown>;
    const { observation, problems } = observed(
      at(application({ manifest })),
      found({ stable: null, services: [] }),
    );
    expect(problems).toEqual([]);
    expect(observation).toMatchObject({
      exists: false,
      stableImage: null,
      replicas: 3,
      readyReplicas: 0,
      container: 'app',
    });
  });

  it.each([
    [
      'that all pods report',
      [pod(`r@${digest('a')}`), pod(`docker-pullable://r@${digest('a')}`)],
      null,
      digest('a'),
    ],
    [
      'nothing, while pods differ and the image has only a tag',
      [pod(`r@${digest('a')}`), pod(`r@${digest('b')}`)],
      'r:v1',
      null,
    ],
    ['nothing, where the id is not a digest of the registry', [pod(digest('a'))], 'r:v1', null],
    ['that the image spells, while no pod has said', [pod('')], `r@${digest('c')}`, digest('c')],
    [
      'not of pods that go',
      [pod(`r@${digest('b')}`, { deletionTimestamp: 't' }), pod(`r@${digest('a')}`)],
      null,
      digest('a'),
    ],
  ])('has the digest %s', (_, pods, image, expected) => {
    expect(runningDigest(pods, 'app', image)).toBe(expected);
  });
});

describe('the container', () => {
  it.each([
    ['is the only one', {}, ['main'], 'main'],
    ['is the one named like the application, among several', {}, ['proxy', 'web'], 'web'],
    ['is the declared one', { container: 'proxy' }, ['proxy', 'web'], 'proxy'],
    ['is unknown, when none is named like the application', {}, ['proxy', 'app'], undefined],
    ['is unknown, when the declared one does not exist', { container: 'x' }, ['app'], undefined],
  ])('%s', (_, workload, names, expected) => {
    const { observation, problems } = observed(
      at(application(workload)),
      found({ stable: deployment(names) }),
    );
    expect(observation?.container).toBe(expected);
    expect(problems.map((p) => p.code)).toEqual(expected === undefined ? ['container_unknown'] : []);
  });
});

describe('what stands in the way', () => {
  const own = { 'sluice.dev/application': 'web', 'sluice.dev/release': 'r0' };
  const manifest = (change: object) => ({
    manifest: { ...deployment(), ...change } as Record<string, unknown>,
  });

  it.each<[string, Application, Findings, string[]]>([
    ['no Deployment and no manifest', application(), found({ stable: null }), ['workload_unknown']],
    [
      'a manifest of another kind',
      application(manifest({ kind: 'StatefulSet' })),
      found({ stable: null }),
      ['invalid_field'],
    ],
    [
      'a manifest for another name and namespace',
      application(manifest({ metadata: { name: 'x', namespace: 'y' } })),
      found({ stable: null }),
      ['invalid_field', 'invalid_field'],
    ],
    [
      'a manifest without the container',
      application({ ...manifest({}), container: 'x' }),
      found({ stable: null }),
      ['container_unknown'],
    ],
    [
      'nothing, where a bad manifest is no longer needed',
      application(manifest({ kind: 'Job' })),
      found(),
      [],
    ],
    ['no Service', application(), found({ services: [] }), ['service_unknown']],
    [
      'a Service without the port',
      application(),
      found({ services: [service('web', { selector: { app: 'web' }, ports: [{ port: 8080 }] })] }),
      ['service_port_unknown'],
    ],
    [
      'a Service of other pods',
      application(),
      found({ services: [service('web', { selector: { app: 'x' }, ports: [{ port: 80 }] })] }),
      ['service_mismatch'],
    ],
    [
      'a Service without a selector',
      application(),
      found({ services: [service('web', { ports: [{ port: 80 }] })] }),
      ['service_mismatch'],
    ],
    [
      'nothing of Services where a rolling update moves no traffic',
      application({}, 'rolling'),
      found({ services: [] }),
      [],
    ],
    [
      'a foreign Deployment with the name of gray',
      application(),
      found({ gray: { metadata: { name: 'web-gray' } } }),
      ['gray_name_taken'],
    ],
    [
      'nothing, where gray is ours',
      application(),
      found({ gray: { metadata: { name: 'web-gray', labels: own } } }),
      [],
    ],
    [
      'a foreign Service with the name of gray',
      application(),
      found({ services: [web, service('web-gray', {})] }),
      ['gray_name_taken'],
    ],
    [
      'a Service that waits for gray labels',
      application(),
      found({ services: [web, service('old', { selector: { app: 'web-gray' } })] }),
      ['gray_would_match'],
    ],
    [
      'a budget over everything',
      application(),
      found({ budgets: [service('pdb', { selector: {} })] }),
      ['gray_would_match'],
    ],
    [
      'an autoscaler of gray',
      application(),
      found({ autoscalers: [service('hpa', { scaleTargetRef: { kind: 'Deployment', name: 'web-gray' } })] }),
      ['gray_would_match'],
    ],
    [
      'several things at once',
      application(),
      found({
        gray: { metadata: { name: 'web-gray' } },
        services: [service('web', { selector: { app: 'x' }, ports: [] })],
      }),
      ['service_port_unknown', 'service_mismatch', 'gray_name_taken'],
    ],
  ])('%s', (_, spec, seen, expected) => {
    expect(codes(spec, seen)).toEqual(expected);
  });
});
