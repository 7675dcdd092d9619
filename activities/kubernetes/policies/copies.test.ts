import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../../../test/fakes/target.js';
import { grayDeployment } from '../gray.js';
import type { Deployment, KubeObject } from '../objects.js';
import type { LabelSelector } from '../selectors.js';
import { policyCopies, type Tracks } from './copies.js';
import { policyKinds, type Policy } from './kinds.js';
import type { NetworkSpec } from './network.js';

const pods = { app: 'web', tier: 'front' };
const stable: Deployment = {
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: pods }, spec: { containers: [{ name: 'app', image: 'web:v1' }] } },
  },
};
const service = (name: string, labels: Record<string, string>, ports: object[]): KubeObject => ({
  metadata: { name, labels },
  spec: { selector: { app: 'web' }, ports },
});
const http = { name: 'http', port: 80 };
const services = [
  service('web', { app: 'web', 'app.kubernetes.io/instance': 'web-prod' }, [http]),
  service('web-metrics', { job: 'web' }, [http, { name: 'metrics', port: 9090 }]),
];
const target = { ...exampleTarget(), container: 'app', grayLabels: { track: 'gray' } };
const gray = grayDeployment(stable, services, { target, release: 'r1', replicas: 1 });
const own = { 'sluice.dev/release': 'r1', 'sluice.dev/application': 'web', 'sluice.dev/lane': 'gray' };
const graySelector = gray.deployment.spec.selector?.matchLabels;

const a = (kind: string, name: string, spec: object, metadata: object = {}): Policy => {
  const found = policyKinds.find((k) => k.resource.kind === kind)!;
  return { kind: found, object: { metadata: { name, ...metadata }, spec } };
};
const tracks = { stable, gray, services, target, release: 'r1', namespaceLabels: null };
const copies = (...policies: Policy[]) => policyCopies(policies, tracks);
const only = (...policies: Policy[]) => {
  const { copies: made, problems, warnings } = copies(...policies);
  expect([problems, warnings]).toEqual([[], []]);
  expect(made).toHaveLength(1);
  return made[0]!.object;
};
const net = (name: string, podSelector: LabelSelector, more: object = {}): Policy =>
  a('NetworkPolicy', name, { podSelector, ...more });

describe('a policy that holds for the pods of stable', () => {
  it('is copied with the selector of gray, its labels and what annotations are its own', () => {
    const ingress = [{ from: [{ podSelector: { matchLabels: { app: 'gateway' } } }] }];
    const metadata = {
      uid: 'u',
      labels: { team: 'a', 'app.kubernetes.io/instance': 'web' },
      annotations: { 'istio.io/dry-run': 'true', 'argocd.argoproj.io/tracking-id': 'x' },
    };
    const policy = a(
      'NetworkPolicy',
      'open',
      { podSelector: { matchLabels: { app: 'web' } }, ingress },
      metadata,
    );
    expect(only(policy)).toEqual({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: {
        name: 'open-web-gray',
        namespace: target.namespace,
        labels: {
          team: 'a',
          'app.kubernetes.io/instance': 'web-gray',
          ...own,
          'sluice.dev/workload': 'web-gray',
        },
        annotations: { 'istio.io/dry-run': 'true' },
      },
      spec: { podSelector: { matchLabels: graySelector }, ingress },
    });
  });

  it.each<[string, string, object, object]>([
    ['PodMonitor', 'selector', { selector: { matchLabels: { app: 'web' } } }, { matchLabels: graySelector }],
    [
      'AuthorizationPolicy',
      'selector',
      { selector: { matchLabels: { app: 'web' } } },
      { matchLabels: graySelector },
    ],
    ['PeerAuthentication', 'selector', { selector: { matchLabels: pods } }, { matchLabels: graySelector }],
    ['WasmPlugin', 'selector', { selector: { matchLabels: { app: 'web' } } }, { matchLabels: graySelector }],
    ['Telemetry', 'selector', { selector: { matchLabels: { app: 'web' } } }, { matchLabels: graySelector }],
    [
      'EnvoyFilter',
      'workloadSelector',
      { workloadSelector: { labels: { app: 'web' } } },
      { labels: graySelector },
    ],
    [
      'RequestAuthentication',
      'selector',
      { selector: { matchLabels: { app: 'web' } } },
      { matchLabels: graySelector },
    ],
    [
      'Sidecar',
      'workloadSelector',
      { workloadSelector: { labels: { app: 'web' } } },
      { labels: graySelector },
    ],
  ])('of kind %s: with %s', (kind, field, spec, selector) => {
    const object = only(a(kind, 'web', { ...spec, rules: ['kept'] }));
    expect(object.metadata.name).toBe('web-gray');
    expect(object['spec']).toEqual({ rules: ['kept'], [field]: selector });
  });

  it.each<[string, Policy]>([
    ['holds for gray too, by a label that gray keeps', net('p', { matchLabels: { tier: 'front' } })],
    ['holds for everything', net('p', {})],
    ['holds for others', net('p', { matchLabels: { app: 'db' } })],
    ['holds for the whole namespace, without a selector', a('AuthorizationPolicy', 'p', { rules: [] })],
    ['holds for the whole namespace, as a Sidecar', a('Sidecar', 'p', { egress: [] })],
    [
      'leaves gray out by a label of Sluice',
      net('p', {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'sluice.dev/lane', operator: 'DoesNotExist' }],
      }),
    ],
    [
      'leaves gray out by a label of workload.grayLabels',
      net('p', { matchExpressions: [{ key: 'track', operator: 'NotIn', values: ['gray'] }] }),
    ],
    [
      'looks into other namespaces',
      a('PodMonitor', 'p', {
        selector: { matchLabels: { app: 'web' } },
        namespaceSelector: { matchNames: ['x'] },
      }),
    ],
    [
      'is a copy itself',
      a('NetworkPolicy', 'p', { podSelector: { matchLabels: { app: 'web' } } }, { labels: own }),
    ],
  ])('is left alone where it %s', (_, policy) => {
    expect(copies(policy)).toEqual({ copies: [], problems: [], warnings: [] });
  });

  it('is refused by name where the name of the copy is of something else, and left where that is the copy of the user', () => {
    const policy = net('web', { matchLabels: { app: 'web' } });
    const { problems } = copies(policy, net('web-gray', { matchLabels: { app: 'db' } }));
    expect(problems[0]).toMatchObject({
      code: 'policy_not_copied',
      message: expect.stringContaining('NetworkPolicy "web"'),
    });
    const mine = copies(policy, net('web-gray', { matchLabels: { app: 'web-gray' } }));
    expect(mine).toEqual({ copies: [], problems: [], warnings: [] });
  });
});

describe('a NetworkPolicy of others that names stable as the other side', () => {
  const peer = { podSelector: { matchLabels: { app: 'web' } } };
  const other = { podSelector: { matchLabels: { app: 'job' } } };
  const ports = [{ port: 5432 }];

  it('gets a copy that lets gray in as well, and nobody else', () => {
    const object = only(
      net(
        'db',
        { matchLabels: { app: 'db' } },
        { ingress: [{ from: [peer, other], ports }, { from: [other] }] },
      ),
    );
    expect(object.metadata.name).toBe('db-peers-web-gray');
    expect(object['spec']).toEqual({
      podSelector: { matchLabels: { app: 'db' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: graySelector } }], ports }],
    });
  });

  it('gets none for a direction that it does not rule, nor for pods of another namespace', () => {
    const unruled = net(
      'db',
      { matchLabels: { app: 'db' } },
      { policyTypes: ['Egress'], ingress: [{ from: [peer] }] },
    );
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'elsewhere' } };
    const elsewhere = net('db', {}, { egress: [{ to: [{ ...peer, namespaceSelector }] }] });
    expect(copies(unruled, elsewhere).copies).toEqual([]);
  });

  it('that is of stable itself: gray may speak to both, and both to gray', () => {
    const made = copies(net('web', { matchLabels: { app: 'web' } }, { egress: [{ to: [peer] }] })).copies;
    expect(made.map(({ object }) => [object.metadata.name, object['spec']])).toEqual([
      [
        'web-gray',
        {
          podSelector: { matchLabels: graySelector },
          egress: [{ to: [peer, { podSelector: { matchLabels: graySelector } }] }],
        },
      ],
      [
        'web-peers-web-gray',
        {
          podSelector: { matchLabels: { app: 'web' } },
          policyTypes: ['Egress'],
          egress: [{ to: [{ podSelector: { matchLabels: graySelector } }] }],
        },
      ],
    ]);
  });
});

describe('a ServiceMonitor', () => {
  const monitor = (selector: LabelSelector, port = 'http'): Policy =>
    a('ServiceMonitor', 'web', { selector, endpoints: [{ port }] });

  it('of the Service of the route needs no copy where gray has the label too', () => {
    expect(copies(monitor({ matchLabels: { app: 'web' } })).copies).toEqual([]);
  });
  it('gets a copy that finds the Service of gray', () => {
    const instance = { 'app.kubernetes.io/instance': 'web-prod' };
    for (const matchLabels of [instance, { job: 'web' }] as Record<string, string>[])
      expect(only(monitor({ matchLabels }))['spec']).toEqual({
        selector: { matchLabels: own },
        endpoints: [{ port: 'http' }],
      });
  });
  it('of a port that gray has not is told', () => {
    const { copies: made, warnings } = copies(monitor({ matchLabels: { job: 'web' } }, 'metrics'));
    expect([made, warnings]).toEqual([
      [],
      [expect.stringContaining('port metrics of Service "web-metrics"')],
    ]);
  });
  it('of other Services, or that leaves gray out, is left alone', () => {
    const selective = { key: 'sluice.dev/lane', operator: 'DoesNotExist' };
    const two = [
      monitor({ matchLabels: { app: 'db' } }),
      monitor({ matchLabels: { job: 'web' }, matchExpressions: [selective] }),
    ];
    expect(copies(...two)).toEqual({ copies: [], problems: [], warnings: [] });
  });
});

describe('a policy of another namespace', () => {
  const data = { namespace: 'data' };
  const { namespace } = target;
  const ours = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  const web = { matchLabels: { app: 'web' } };
  const peer = (namespaceSelector?: LabelSelector): object => ({
    podSelector: web,
    ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
  });
  const db = (namespaceSelector?: LabelSelector): Policy =>
    a('NetworkPolicy', 'db', { podSelector: {}, ingress: [{ from: [peer(namespaceSelector)] }] }, data);

  it('that lets the pods of stable in gets a copy beside it that lets gray in', () => {
    const object = only(db(ours));
    expect(object.metadata).toMatchObject({
      name: `db-peers-${namespace}-web-gray`,
      namespace: 'data',
      labels: { ...own, 'sluice.dev/namespace': namespace },
    });
    expect(object['spec']).toEqual({
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: graySelector }, namespaceSelector: ours }] }],
    });
  });

  it('that names namespaces by label is compared with those of ours, and copied where they may not be read', () => {
    const policy = db({ matchLabels: { team: 'a' } });
    const seen = (namespaceLabels: Record<string, string> | null) =>
      policyCopies([policy], { ...tracks, namespaceLabels }).copies.length;
    expect([seen({ team: 'a' }), seen({ team: 'b' }), seen(null)]).toEqual([1, 0, 1]);
  });

  it.each<[string, Policy]>([
    ['lets in pods of its own namespace', db()],
    [
      'holds for pods of its own that have the same labels',
      a('NetworkPolicy', 'p', { podSelector: web }, data),
    ],
    ['watches its own namespace', a('PodMonitor', 'p', { selector: web }, data)],
    ['holds for its own namespace', a('AuthorizationPolicy', 'p', { selector: web }, data)],
    [
      'is of the root of Istio, as a Sidecar, which holds there',
      a('Sidecar', 'p', { workloadSelector: { labels: { app: 'web' } } }, { namespace: 'istio-system' }),
    ],
    [
      'is of the root of Istio, as a PeerAuthentication, which Istio ignores there',
      a('PeerAuthentication', 'p', { selector: web }, { namespace: 'istio-system' }),
    ],
  ])('is left alone where it %s', (_, policy) => {
    expect(copies(policy)).toEqual({ copies: [], problems: [], warnings: [] });
  });

  it('that watches ours gets a copy beside it that watches gray of this namespace alone', () => {
    const spec = { selector: web, namespaceSelector: { any: true } };
    const object = only(a('PodMonitor', 'pods', spec, { namespace: 'monitoring' }));
    expect(object.metadata).toMatchObject({ name: `pods-${namespace}-web-gray`, namespace: 'monitoring' });
    expect(object['spec']).toEqual({
      selector: { matchLabels: graySelector },
      namespaceSelector: { matchNames: [namespace] },
    });
  });

  it('that is of the root of Istio gets a copy beside gray', () => {
    const root = a('AuthorizationPolicy', 'web', { selector: web }, { namespace: 'istio-system' });
    const { metadata } = only(root);
    expect(metadata).toMatchObject({ name: 'web-istio-system-web-gray', namespace });
    expect(metadata.labels).not.toHaveProperty('sluice.dev/namespace');
  });

  it("of a name that is taken there is refused by both names; the same name elsewhere is nobody's", () => {
    const name = `db-peers-${namespace}-web-gray`;
    const rival = a('NetworkPolicy', name, { podSelector: {} }, data);
    expect(copies(db(ours), rival).problems[0]?.message).toContain('NetworkPolicy "db" of namespace "data"');
    const elsewhere = a('NetworkPolicy', name, { podSelector: {} }, { namespace: 'other' });
    expect(copies(db(ours), elsewhere).problems).toEqual([]);
  });
});

describe('two applications of a lane', () => {
  const both = (name: string): Tracks => {
    const pods = { app: name };
    const own: Deployment = {
      metadata: { name },
      spec: {
        selector: { matchLabels: pods },
        template: { metadata: { labels: pods }, spec: { containers: [{ name: 'app', image: 'web:v1' }] } },
      },
    };
    const around = [{ metadata: { name }, spec: { selector: pods, ports: [http] } }];
    const at = { ...target, application: name, deployment: name, gray: `${name}-gray` };
    const route = { ...target.route!, stableService: name, grayService: `${name}-gray` };
    const made = grayDeployment(own, around, { target: { ...at, route }, release: 'r1', replicas: 1 });
    return { stable: own, gray: made, services: around, target: at, release: 'r1', namespaceLabels: null };
  };
  const podsOf = (name: string): LabelSelector => ({ matchLabels: { app: name } });
  const grayOf = (name: string): LabelSelector => ({
    matchLabels: both(name).gray.deployment.spec.selector!.matchLabels!,
  });
  const [caller, called] = ['web', 'db'];
  const policies = [
    net('called', podsOf(called), { ingress: [{ from: [{ podSelector: podsOf(caller) }] }] }),
    net('caller', podsOf(caller), {
      policyTypes: ['Egress'],
      egress: [{ to: [{ podSelector: podsOf(called) }] }],
    }),
  ];
  /** Who may speak to whom, as one word for each pair that some policy names. */
  const pairs = (found: readonly Policy[]): string[] =>
    found.flatMap(({ object }) => {
      const { podSelector, ingress = [], egress = [] } = object['spec'] as NetworkSpec;
      const said = (selector: LabelSelector | undefined): string => selector?.matchLabels?.['app'] ?? 'all';
      return [
        ...ingress.flatMap(({ from = [] }) =>
          from.map((peer) => `${said(podSelector)} from ${said(peer.podSelector)}`),
        ),
        ...egress.flatMap(({ to = [] }) =>
          to.map((peer) => `${said(podSelector)} to ${said(peer.podSelector)}`),
        ),
      ];
    });

  it.each([
    ['called first', [called, caller]],
    ['caller first, as two releases may', [caller, called]],
  ])('may speak to each other in both tracks, %s', (_, order) => {
    const kind = policies[0]!.kind;
    let found: readonly Policy[] = policies;
    for (const name of order) {
      const made = policyCopies(found, both(name));
      expect([made.problems, made.warnings]).toEqual([[], []]);
      found = [...found, ...made.copies.map(({ object }) => ({ kind, object }))];
    }
    const labels = [caller, called].map((name) => grayOf(name).matchLabels!['app']);
    expect(labels).toEqual(['web-gray', 'db-gray']);
    for (const [one, other] of [
      ['web', 'db'],
      ['web-gray', 'db'],
      ['web', 'db-gray'],
      ['web-gray', 'db-gray'],
    ] as const)
      expect(pairs(found)).toEqual(expect.arrayContaining([`${other} from ${one}`, `${one} to ${other}`]));
    // Again, as after a restart: that comes to an end.
    const more = (): Policy[] =>
      order.flatMap((name) =>
        policyCopies(found, both(name))
          .copies.map(({ object }) => ({ kind, object }))
          .filter(({ object }) => found.every((one) => one.object.metadata.name !== object.metadata.name)),
      );
    found = [...found, ...more()];
    expect(more()).toEqual([]);
  });

  it('of which one is in another lane do not get copies of its copies', () => {
    const { copies: ofCalled } = policyCopies(policies, both(called));
    const blue = ofCalled.map(({ object }): Policy => ({
      kind: policies[0]!.kind,
      object: {
        ...object,
        metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'sluice.dev/lane': 'blue' } },
      },
    }));
    const names = (found: readonly Policy[]): string[] =>
      policyCopies(found, both(caller)).copies.map(({ object }) => object.metadata.name);
    expect(names([...policies, ...blue])).toEqual(names(policies));
  });
});
