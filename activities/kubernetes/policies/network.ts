/** NetworkPolicies that name stable's pods as the other side: who may speak to whom, by label. Pure. */
import { matchesSelector, type Labels, type LabelSelector } from '../selectors.js';

interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: unknown;
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: unknown;
}

type Side = 'from' | 'to';

export interface NetworkSpec {
  readonly podSelector?: LabelSelector;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** Whether a selector means stable's pods and misses gray's; the answer of copies.ts. */
type Misses = (selector: LabelSelector) => boolean;

const nameOfNamespace = 'kubernetes.io/metadata.name';

/** The namespace of stable and gray, as a policy sees it. */
export interface Here {
  readonly namespace: string;
  /** Null: they may not be read. */
  readonly labels: Labels | null;
  /** Whether the policy is of this namespace itself. */
  readonly isOwn: boolean;
}

/** Whether a peer means pods of this namespace. Where only the API server can tell, it may: its copy says what it says. */
function isHere({ namespaceSelector }: Peer, { namespace, labels, isOwn }: Here): boolean {
  if (namespaceSelector === undefined) return isOwn;
  if (labels !== null) return matchesSelector(namespaceSelector, labels);
  const named = namespaceSelector.matchLabels?.[nameOfNamespace];
  return named === undefined || named === namespace;
}

export const peersIn = ({ ingress = [], egress = [] }: NetworkSpec): readonly Peer[] => [
  ...ingress.flatMap(({ from = [] }) => from),
  ...egress.flatMap(({ to = [] }) => to),
];

/** Whether it lets pods of other namespaces in or out by their labels. */
export const namesNamespaces = (spec: NetworkSpec): boolean =>
  peersIn(spec).some((peer) => peer.podSelector !== undefined && peer.namespaceSelector !== undefined);

const missedPeers = (rule: Rule, side: Side, misses: Misses, here: Here): readonly Peer[] =>
  (rule[side] ?? []).filter(
    (peer) => peer.podSelector !== undefined && isHere(peer, here) && misses(peer.podSelector),
  );

const asGray = (peer: Peer, labels: Labels): Peer => ({ ...peer, podSelector: { matchLabels: labels } });

/** The same rules, with gray's pods wherever stable's are named; for the copy that holds for gray itself. */
export function withGrayPeers(spec: NetworkSpec, misses: Misses, labels: Labels, here: Here): NetworkSpec {
  const widened = (rules: readonly Rule[], side: Side): readonly Rule[] =>
    rules.map((rule) => {
      const missed = missedPeers(rule, side, misses, here);
      if (missed.length === 0) return rule;
      return { ...rule, [side]: [...(rule[side] ?? []), ...missed.map((peer) => asGray(peer, labels))] };
    });
  return {
    ...spec,
    ...(spec.ingress === undefined ? {} : { ingress: widened(spec.ingress, 'from') }),
    ...(spec.egress === undefined ? {} : { egress: widened(spec.egress, 'to') }),
  };
}

/**
 * What the pods of this policy allow to stable's pods, allowed to gray's: its selector, and of its rules only those with such peers. Null:
 * there are none. It adds rights and takes none: in those directions its pods are closed by the original already.
 */
export function grantsForGray(
  spec: NetworkSpec,
  misses: Misses,
  labels: Labels,
  here: Here,
): NetworkSpec | null {
  const only = (rules: readonly Rule[], side: Side): readonly Rule[] =>
    rules.flatMap((rule) => {
      const missed = missedPeers(rule, side, misses, here);
      return missed.length === 0 ? [] : [{ ...rule, [side]: missed.map((peer) => asGray(peer, labels)) }];
    });
  // Rules of a direction that is not among the types do nothing.
  const types = spec.policyTypes ?? ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress'] : [])];
  const ingress = types.includes('Ingress') ? only(spec.ingress ?? [], 'from') : [];
  const egress = types.includes('Egress') ? only(spec.egress ?? [], 'to') : [];
  if (ingress.length + egress.length === 0) return null;
  return {
    podSelector: spec.podSelector ?? {},
    policyTypes: [...(ingress.length > 0 ? ['Ingress'] : []), ...(egress.length > 0 ? ['Egress'] : [])],
    ...(ingress.length > 0 ? { ingress } : {}),
    ...(egress.length > 0 ? { egress } : {}),
  };
}
