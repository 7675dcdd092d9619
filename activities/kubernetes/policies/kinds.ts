/** What grants rights to pods, or watches them, by their labels: the kinds, where each has its selector, and how a copy gets another. Pure. */
import type { KubeObject } from '../objects.js';
import { omit } from '../objects.js';
import { resources, type Resource } from '../resources.js';
import type { Labels, LabelSelector } from '../selectors.js';

type Spec = Readonly<Record<string, unknown>>;

export interface PolicyKind {
  /** In the first of `versions`. */
  readonly resource: Resource;
  /** Served versions that have the same fields, the wanted one first. Absent: part of Kubernetes itself. */
  readonly versions?: readonly string[];
  /** What the selector is compared with. */
  readonly selects: 'pods' | 'services';
  /** An absent selector is an empty one: it matches everything. */
  readonly selector: (spec: Spec) => LabelSelector;
  readonly withSelector: (spec: Spec, labels: Labels) => Spec;
}

const monitor = (selects: PolicyKind['selects'], kind: string, plural: string): PolicyKind => ({
  resource: { group: 'monitoring.coreos.com', version: 'v1', plural, kind },
  versions: ['v1'],
  selects,
  selector: (spec) => spec['selector'] ?? {},
  withSelector: (spec, matchLabels) => ({ ...spec, selector: { matchLabels } }),
});

const security = (kind: string, plural: string): PolicyKind => ({
  resource: { group: 'security.istio.io', version: 'v1', plural, kind },
  versions: ['v1', 'v1beta1'],
  selects: 'pods',
  selector: (spec) => {
    const { matchLabels = {} } = (spec['selector'] ?? {}) as LabelSelector;
    return { matchLabels };
  },
  withSelector: (spec, matchLabels) => ({ ...spec, selector: { matchLabels } }),
});

export const policyKinds: readonly PolicyKind[] = [
  {
    resource: resources.networkpolicies,
    selects: 'pods',
    selector: (spec) => spec['podSelector'] ?? {},
    withSelector: (spec, matchLabels) => ({ ...spec, podSelector: { matchLabels } }),
  },
  monitor('services', 'ServiceMonitor', 'servicemonitors'),
  monitor('pods', 'PodMonitor', 'podmonitors'),
  security('AuthorizationPolicy', 'authorizationpolicies'),
  security('PeerAuthentication', 'peerauthentications'),
  security('RequestAuthentication', 'requestauthentications'),
  {
    resource: { group: 'networking.istio.io', version: 'v1', plural: 'sidecars', kind: 'Sidecar' },
    versions: ['v1', 'v1beta1', 'v1alpha3'],
    selects: 'pods',
    selector: (spec) => {
      const { labels = {} } = (spec['workloadSelector'] ?? {}) as { readonly labels?: Labels };
      return { matchLabels: labels };
    },
    withSelector: (spec, labels) => ({ ...omit(spec, 'workloadSelector'), workloadSelector: { labels } }),
  },
];

/** One object of such a kind, as it was read. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly object: KubeObject;
}

export const specOf = ({ object }: Policy): Spec => (object['spec'] ?? {}) as Spec;

/** Whether a monitor looks into this namespace at all; all other kinds hold in their own. */
export function looksInto(policy: Policy, namespace: string): boolean {
  const { any, matchNames } = (specOf(policy)['namespaceSelector'] ?? {}) as {
    readonly any?: boolean;
    readonly matchNames?: readonly string[];
  };
  return (
    any === true || matchNames === undefined || matchNames.length === 0 || matchNames.includes(namespace)
  );
}
