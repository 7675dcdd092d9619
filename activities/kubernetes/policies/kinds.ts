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
  /** An absent selector is an empty one: it matches everything. Null: it is bound to something by name instead. */
  readonly selector: (spec: Spec) => LabelSelector | null;
  /** Services of its own namespace that it is bound to by name. */
  readonly boundTo: (spec: Spec) => readonly string[];
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
  boundTo: () => [],
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

interface TargetRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
}

function targetRefs(spec: Spec): readonly TargetRef[] {
  const { targetRef, targetRefs: several } = spec as { targetRef?: TargetRef; targetRefs?: TargetRef[] };
  return [targetRef ?? [], several ?? []].flat();
}

/** Null: what it names is no Service, but a Gateway, say. Istio takes "core" for the group that has no name. */
const serviceOf = ({ group = '', kind, name }: TargetRef): string | null =>
  kind === 'Service' && ['', 'core'].includes(group) ? (name ?? null) : null;

/** What Istio reads for all namespaces, unless its mesh config names another `rootNamespace`. */
export const istioRoot = 'istio-system';

interface MeshKind {
  readonly kind: string;
  readonly group: string;
  readonly versions: readonly string[];
  /** Whether one of the root namespace with a selector holds for pods of all namespaces; those of other kinds are ignored there. */
  readonly isOfAll: boolean;
}

function mesh(
  { kind, group, versions, isOfAll }: MeshKind,
  field: 'selector' | 'workloadSelector',
): PolicyKind {
  const key = field === 'selector' ? 'matchLabels' : 'labels';
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
  return {
    resource: { group, version: versions[0]!, plural: plural.toLowerCase(), kind },
    versions,
    selects: 'pods',
    selector: (spec) => {
      if (targetRefs(spec).length > 0) return null;
      const { [key]: matchLabels = {} } = (spec[field] ?? {}) as Readonly<Record<string, Labels>>;
      return { matchLabels };
    },
    boundTo: (spec) => targetRefs(spec).flatMap((ref) => serviceOf(ref) ?? []),
    withSelector: (spec, labels) => ({ ...omit(spec, field), [field]: { [key]: labels } }),
    reaches: (_, at, namespace) => at === namespace || (isOfAll && at === istioRoot),
    abroad: isOfAll ? 'beside gray' : null,
  };
}

const security = (kind: string, isOfAll: boolean): PolicyKind =>
  mesh({ kind, group: 'security.istio.io', versions: ['v1', 'v1beta1'], isOfAll }, 'selector');

export const policyKinds: readonly PolicyKind[] = [
  {
    resource: resources.networkpolicies,
    selects: 'pods',
    selector: (spec) => spec['podSelector'] ?? {},
    boundTo: () => [],
    withSelector: (spec, matchLabels) => ({ ...spec, podSelector: { matchLabels } }),
    reaches: (spec, at, namespace) => at === namespace || namesNamespaces(spec),
    abroad: 'beside the original',
  },
  monitor('services', 'ServiceMonitor', 'servicemonitors'),
  monitor('pods', 'PodMonitor', 'podmonitors'),
  security('AuthorizationPolicy', true),
  security('PeerAuthentication', false),
  security('RequestAuthentication', true),
  mesh(
    {
      kind: 'Sidecar',
      group: 'networking.istio.io',
      versions: ['v1', 'v1beta1', 'v1alpha3'],
      isOfAll: false,
    },
    'workloadSelector',
  ),
  mesh(
    { kind: 'EnvoyFilter', group: 'networking.istio.io', versions: ['v1alpha3'], isOfAll: true },
    'workloadSelector',
  ),
  mesh(
    { kind: 'WasmPlugin', group: 'extensions.istio.io', versions: ['v1alpha1'], isOfAll: true },
    'selector',
  ),
  mesh(
    { kind: 'Telemetry', group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'], isOfAll: false },
    'selector',
  ),
];

/** One object of such a kind, as it was read. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly object: KubeObject;
}

export const specOf = ({ object }: Policy): Spec => (object['spec'] ?? {}) as Spec;

/** Its namespace; what comes without one, as out of a test, is of the pods' own. */
export const homeOf = ({ object }: Pick<Policy, 'object'>, namespace: string): string =>
  object.metadata.namespace ?? namespace;

/** Of a monitor, which may look into others instead of its own. */
function looksInto(spec: Spec, at: string, namespace: string): boolean {
  const { any, matchNames = [] } = (spec['namespaceSelector'] ?? {}) as {
    readonly any?: boolean;
    readonly matchNames?: readonly string[];
  };
  return any === true || (matchNames.length === 0 ? at === namespace : matchNames.includes(namespace));
}
