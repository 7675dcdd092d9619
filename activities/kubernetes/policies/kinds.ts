/** What grants rights to pods, or watches them, by their labels: the kinds, where each has its selector, and how a copy gets another. Pure. */
import type { KubeObject } from '../objects.js';
import { omit } from '../objects.js';
import { namesNamespaces } from './network.js';
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
  /** For pods or Services of this namespace. */
  readonly withSelector: (spec: Spec, labels: Labels, namespace: string) => Spec;
  /** Whether one of the namespace `at` can be about pods of this namespace. */
  readonly reaches: (spec: Spec, at: string, namespace: string) => boolean;
  /** Where the copy of one has to be that is of another namespace than the pods; null: such a one is never about them. */
  readonly abroad: 'beside the original' | 'beside gray' | null;
}

const monitor = (selects: PolicyKind['selects'], kind: string, plural: string): PolicyKind => ({
  resource: { group: 'monitoring.coreos.com', version: 'v1', plural, kind },
  versions: ['v1'],
  selects,
  selector: (spec) => spec['selector'] ?? {},
  withSelector: (spec, matchLabels, namespace) => ({
    ...spec,
    // The same labels elsewhere are of another gray.
    ...(spec['namespaceSelector'] === undefined ? {} : { namespaceSelector: { matchNames: [namespace] } }),
    selector: { matchLabels },
  }),
  reaches: looksInto,
  // Its Secrets are there, and Prometheus may look for monitors nowhere else.
  abroad: 'beside the original',
});

/** What Istio reads for all namespaces, unless its mesh config names another `rootNamespace`. */
export const istioRoot = 'istio-system';

const security = (kind: string, plural: string): PolicyKind => ({
  resource: { group: 'security.istio.io', version: 'v1', plural, kind },
  versions: ['v1', 'v1beta1'],
  selects: 'pods',
  selector: (spec) => {
    const { matchLabels = {} } = (spec['selector'] ?? {}) as LabelSelector;
    return { matchLabels };
  },
  withSelector: (spec, matchLabels) => ({ ...spec, selector: { matchLabels } }),
  reaches: (_, at, namespace) => at === namespace || at === istioRoot,
  abroad: 'beside gray',
});

export const policyKinds: readonly PolicyKind[] = [
  {
    resource: resources.networkpolicies,
    selects: 'pods',
    selector: (spec) => spec['podSelector'] ?? {},
    withSelector: (spec, matchLabels) => ({ ...spec, podSelector: { matchLabels } }),
    reaches: (spec, at, namespace) => at === namespace || namesNamespaces(spec),
    abroad: 'beside the original',
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
    reaches: (_, at, namespace) => at === namespace,
    abroad: null,
  },
];

/** One object of such a kind, as it was read. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly object: KubeObject;
}

export const specOf = ({ object }: Policy): Spec => (object['spec'] ?? {}) as Spec;

/** Its namespace; what comes without one, as out of a test, is of the pods' own. */
export const homeOf = ({ object }: Policy, namespace: string): string =>
  object.metadata.namespace ?? namespace;

/** Of a monitor, which may look into others instead of its own. */
function looksInto(spec: Spec, at: string, namespace: string): boolean {
  const { any, matchNames = [] } = (spec['namespaceSelector'] ?? {}) as {
    readonly any?: boolean;
    readonly matchNames?: readonly string[];
  };
  return any === true || (matchNames.length === 0 ? at === namespace : matchNames.includes(namespace));
}
