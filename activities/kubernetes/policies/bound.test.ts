import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../../../test/fakes/target.js';
import { grayDeployment } from '../gray.js';
import type { Deployment, KubeObject } from '../objects.js';
import { policyCopies } from './copies.js';
import { policyKinds, type Policy } from './kinds.js';

const selector = { matchLabels: { app: 'web' } };
const stable: Deployment = {
  metadata: { name: 'web' },
  spec: {
    selector,
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'app', image: 'web:v1' }] },
    },
  },
};
const services: KubeObject[] = [
  { metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
];
const target = { ...exampleTarget(), container: 'app' };
const gray = grayDeployment(stable, services, { target, release: 'r1', replicas: 1 });
const nothing = { copies: [], problems: [], warnings: [] };
const seen = (...policies: Policy[]) =>
  policyCopies(policies, { stable, gray, services, target, release: 'r1', namespaceLabels: null });

const a = (kind: string, name: string, spec: object, metadata: object = {}): Policy => ({
  kind: policyKinds.find((k) => k.resource.kind === kind)!,
  object: { metadata: { name, ...metadata }, spec },
});
const service = (name: string, group = '') => ({ kind: 'Service', group, name });
const rules = [{ from: [{ source: { namespaces: ['edge'] } }] }];
const bound = (...targetRefs: object[]): Policy => a('AuthorizationPolicy', 'callers', { targetRefs, rules });

describe('a policy that is bound to the Service of stable by name', () => {
  it('is refused by name, with what to write for gray', () => {
    expect(seen(bound(service('web')))).toEqual({
      ...nothing,
      problems: [
        expect.objectContaining({
          code: 'policy_bound',
          status: 422,
          message:
            'AuthorizationPolicy "callers" is bound to Service "web" by name (targetRefs), and would not hold for "web-gray", that of gray.',
          remedy: expect.stringContaining('bind the same to Service "web-gray" too'),
        }),
      ],
    });
    expect(seen(bound(service('web'))).problems[0]?.remedy).toContain('named "callers-web-gray"');
  });

  it.each<[string, string, object]>([
    ['RequestAuthentication', 'targetRefs', [service('web')]],
    ['WasmPlugin', 'targetRefs', [service('web', 'core')]],
    ['Telemetry', 'targetRefs', [service('db'), { kind: 'Service', name: 'web' }]],
    ['EnvoyFilter', 'targetRefs', [service('web')]],
    ['AuthorizationPolicy', 'targetRef', service('web')],
  ])('of kind %s: by %s', (kind, field, refs) => {
    const { problems } = seen(a(kind, 'p', { [field]: refs }));
    expect(problems.map((p) => [p.code, p.message.split(' is')[0]])).toEqual([
      ['policy_bound', `${kind} "p"`],
    ]);
  });

  const other = (name: string, spec: object, kind = 'AuthorizationPolicy'): Policy => a(kind, name, spec);
  const toGray = { targetRefs: [service('web-gray')] };

  it.each<[string, readonly Policy[]]>([
    ['it is bound to that of gray too', [bound(service('web'), service('web-gray'))]],
    ['another has the same rules for gray', [bound(service('web')), other('x', { ...toGray, rules })]],
    [
      'another has the name of its copy, with rules of its own',
      [bound(service('web')), other('callers-web-gray', { ...toGray, rules: [{}] })],
    ],
    ['it is bound to another Service', [bound(service('db'))]],
    [
      'it is bound to a Gateway or its class',
      [
        bound({ kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'web' }),
        bound({ kind: 'GatewayClass', group: 'gateway.networking.k8s.io', name: 'web' }),
      ],
    ],
    ['what it calls a Service is of another group', [bound(service('web', 'serving.knative.dev'))]],
    [
      'it is of another namespace, whose Services it means',
      [a('AuthorizationPolicy', 'p', { targetRefs: [service('web')] }, { namespace: 'istio-system' })],
    ],
    ['the list is empty', [bound()]],
  ])('is fine where %s', (_, policies) => {
    expect(seen(...policies)).toEqual(nothing);
  });

  it.each<[string, Policy]>([
    ['with other rules', other('x', { ...toGray, rules: [{}] })],
    ['of another kind', other('callers-web-gray', { ...toGray, rules }, 'Telemetry')],
    ['for another Service', other('callers-web-gray', { targetRefs: [service('db')], rules })],
  ])('is refused all the same beside one %s', (_, beside) => {
    expect(seen(bound(service('web')), beside).problems.map((p) => p.code)).toEqual(['policy_bound']);
  });

  it('concerns nobody where no traffic is moved', () => {
    const tracks = { stable, gray, services, release: 'r1', namespaceLabels: null };
    expect(policyCopies([bound(service('web'))], { ...tracks, target: { ...target, route: null } })).toEqual(
      nothing,
    );
  });
});

describe('what has the name that the copy of a policy by label would have', () => {
  const callers = a('AuthorizationPolicy', 'callers', { selector, rules });
  const rival = (ref: object): Policy =>
    a('AuthorizationPolicy', 'callers-web-gray', { targetRefs: [ref], rules });

  it('is the copy of the user where it is bound to the Service of gray', () => {
    expect(seen(callers, rival(service('web-gray')))).toEqual(nothing);
  });

  it('is not where it is bound to a Gateway', () => {
    const { problems } = seen(callers, rival({ kind: 'Gateway', name: 'edge' }));
    expect(problems.map((p) => p.code)).toEqual(['policy_not_copied']);
  });
});
