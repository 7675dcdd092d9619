/** Which policies hold for stable and would miss gray, whose labels differ, and their copies for gray. Pure. */
import { failure, type Failure } from '../../../domain/failures.js';
import { labels as ours } from '../../../domain/ids.js';
import type { Target } from '../../../domain/target.js';
import { cloneMetadata, isCopyFor, ownLabels } from '../clone.js';
import type { GrayObjects } from '../gray.js';
import { podLabels, type Deployment, type KubeObject } from '../objects.js';
import { apiVersion, resources, type Resource } from '../resources.js';
import { matchesSelector, serviceMatches, type Labels, type LabelSelector } from '../selectors.js';
import { boundProblems } from './bound.js';
import { homeOf, specOf, type Policy } from './kinds.js';
import { copyName, nameOf } from './names.js';
import { grantsForGray, peersIn, withGrayPeers } from './network.js';

/** Both tracks side by side, and what is in their namespace. */
export interface Tracks {
  readonly stable: Deployment;
  readonly gray: Pick<GrayObjects, 'deployment' | 'service'>;
  readonly services: readonly KubeObject[];
  readonly target: Pick<Target, 'application' | 'namespace' | 'lane' | 'gray' | 'route'>;
  /** Of the namespace; null: they may not be read. */
  readonly namespaceLabels: Labels | null;
  readonly release: string;
}

export interface PolicyCopy {
  readonly resource: Resource;
  /** What it is a copy of, for people: its name, and its namespace where that is another one. */
  readonly original: string;
  /** With its namespace. */
  readonly object: KubeObject;
}

export interface Copies {
  readonly copies: readonly PolicyCopy[];
  /** What cannot be copied, as its name is taken, or as it is bound to a Service. */
  readonly problems: readonly Failure[];
  /** For people, what gray goes without. */
  readonly warnings: readonly string[];
}

/**
 * A policy that misses gray only for the labels that Sluice or `workload.grayLabels` put on it means to miss it, and one that selects both
 * needs no copy. An object of the user's with the name of the copy that matches gray is the user's own copy.
 */
export function policyCopies(policies: readonly Policy[], tracks: Tracks): Copies {
  const labels = selectorOf(tracks.gray.deployment);
  const missing = missedBy(tracks, labels);
  const originals = policies.filter((policy) => isOriginal(policy, tracks.target));
  const wanted = originals.map((policy) => copiesOf(policy, tracks, labels, missing));
  const copies = wanted.flatMap((w) => w.copies);
  const taken = copies.flatMap((copy) => {
    const rival = policies.find(
      ({ kind, object }) =>
        kind.resource.plural === copy.resource.plural &&
        object.metadata.name === copy.object.metadata.name &&
        homeOf({ object }, tracks.target.namespace) === copy.object.metadata.namespace,
    );
    return rival === undefined || isCopyFor(rival.object, tracks.target) ? [] : [{ copy, rival }];
  });
  const foreign = taken.filter(({ rival }) => !holdsForGray(rival, tracks));
  return {
    copies: copies.filter((copy) => taken.every((t) => t.copy !== copy)),
    problems: [
      ...foreign.map(({ copy }) =>
        notCopied(
          copy,
          tracks.target,
          `${copy.resource.kind} "${copy.object.metadata.name}" is not of Sluice`,
        ),
      ),
      ...boundProblems(originals, tracks),
    ],
    warnings: wanted.flatMap((w) => w.warnings),
  };
}

/**
 * What is the user's own, and a NetworkPolicy that was copied for another application of the lane: gray of each may be the other side of the
 * other's, and neither's labels are in what the user wrote.
 */
function isOriginal({ kind, object }: Policy, { application, lane }: Tracks['target']): boolean {
  const { labels = {} } = object.metadata;
  if (labels[ours.release] === undefined) return true;
  const isOfLane = labels[ours.lane] === lane && labels[ours.application] !== application;
  return isOfLane && kind.resource.plural === resources.networkpolicies.plural;
}

/** Why a release cannot make the copy that gray needs. */
export const notCopied = (
  { resource: { kind, group, plural }, original, object: { metadata } }: PolicyCopy,
  { gray }: Pick<Target, 'gray'>,
  why: string,
): Failure =>
  failure('policy_not_copied', {
    policy: `${kind} ${original}`,
    copy: metadata.name,
    workload: gray,
    resource: `${plural}${group === '' ? '' : `.${group}`}`,
    why,
  });

const selectorOf = (gray: Deployment): Labels => gray.spec.selector?.matchLabels ?? {};

function holdsForGray(policy: Policy, { gray, target }: Tracks): boolean {
  const spec = specOf(policy);
  const pods = podLabels(gray.deployment);
  // Its own pods are not ours.
  if (
    policy.kind.resource.plural === resources.networkpolicies.plural &&
    homeOf(policy, target.namespace) !== target.namespace
  )
    return peersIn(spec).some(({ podSelector }) => matchesSelector(podSelector, pods));
  const labels = policy.kind.selects === 'pods' ? pods : (gray.service?.metadata.labels ?? {});
  const { selector, boundTo } = policy.kind;
  return matchesSelector(selector(spec), labels) || boundTo(spec).includes(target.gray);
}

type Misses = (selector: LabelSelector | null) => boolean;

/** Whether a selector means stable's pods, and misses gray's because labels of theirs had to be changed, and for that alone. */
function missedBy({ stable, gray }: Tracks, changed: Labels): Misses {
  const before = podLabels(stable);
  const after = podLabels(gray.deployment);
  const kept = Object.entries(before).filter(([key]) => key in changed);
  const unchanged = { ...after, ...Object.fromEntries(kept) };
  return (wanted) =>
    matchesSelector(wanted, before) && !matchesSelector(wanted, after) && matchesSelector(wanted, unchanged);
}

interface Wanted {
  readonly copies: readonly PolicyCopy[];
  readonly warnings: readonly string[];
}

const none: Wanted = { copies: [], warnings: [] };

function copiesOf(policy: Policy, tracks: Tracks, labels: Labels, misses: Misses): Wanted {
  const { kind, object } = policy;
  const { namespace } = tracks.target;
  const spec = specOf(policy);
  const home = homeOf(policy, namespace);
  if (!kind.reaches(spec, home, namespace)) return none;
  if (kind.selects === 'services') return monitorCopy(policy, tracks);
  const isMissed = misses(kind.selector(spec));
  if (kind.resource.plural !== resources.networkpolicies.plural)
    return isMissed
      ? { ...none, copies: [copyOf(policy, tracks, kind.withSelector(spec, labels, namespace))] }
      : none;
  const here = { namespace, labels: tracks.namespaceLabels, isOwn: home === namespace };
  const own = withGrayPeers(spec, misses, labels, here);
  const grants = grantsForGray(spec, misses, labels, here);
  const { name } = object.metadata;
  return {
    ...none,
    copies: [
      ...(isMissed && here.isOwn
        ? [copyOf(policy, tracks, kind.withSelector({ ...own }, labels, namespace))]
        : []),
      ...(grants === null ? [] : [copyOf(policy, tracks, { ...grants }, `${name}-peers`)]),
    ],
  };
}

/** A ServiceMonitor finds Services by label; gray has one, with the ports of the baseline Service. */
function monitorCopy(policy: Policy, tracks: Tracks): Wanted {
  const { kind, object } = policy;
  const { stable, gray, services } = tracks;
  const spec = specOf(policy);
  const selector = kind.selector(spec);
  const labels = gray.service?.metadata.labels ?? {};
  const own = ownLabels(tracks);
  const seen = services.filter(({ metadata: { labels: before = {} }, ...rest }) => {
    const isStable = serviceMatches({ metadata: { name: '' }, ...rest }, podLabels(stable));
    return isStable && matchesSelector(selector, before) && matchesSelector(selector, { ...before, ...own });
  });
  if (gray.service === null || seen.length === 0 || matchesSelector(selector, labels)) return none;
  const { ports = [] } = gray.service['spec'] as { readonly ports?: readonly { readonly name?: string }[] };
  const endpoints = (spec['endpoints'] ?? []) as readonly {
    readonly port?: string;
    readonly targetPort?: unknown;
  }[];
  const scraped = endpoints.filter(
    ({ port, targetPort }) =>
      (port === undefined && targetPort !== undefined) || ports.some((p) => p.name === port),
  );
  if (scraped.length > 0 || endpoints.length === 0)
    return {
      ...none,
      copies: [copyOf(policy, tracks, kind.withSelector(spec, own, tracks.target.namespace))],
    };
  const wanted = endpoints.map((e) => e.port).join(', ');
  return {
    ...none,
    warnings: [
      `ServiceMonitor "${object.metadata.name}" scrapes port ${wanted} of Service "${seen[0]!.metadata.name}", which gray's Service does not have: ` +
        'gray is not scraped by it. Give the port to the Service of the route, or use a PodMonitor.',
    ],
  };
}

function copyOf(
  policy: Policy,
  tracks: Tracks,
  spec: Readonly<Record<string, unknown>>,
  base = policy.object.metadata.name,
): PolicyCopy {
  const { resource, abroad } = policy.kind;
  const { metadata } = policy.object;
  const { target } = tracks;
  const { namespace: here } = target;
  const home = homeOf(policy, here);
  const namespace = abroad === 'beside gray' ? here : home;
  const own = { ...ownLabels(tracks), [ours.workload]: target.gray };
  const labels = without(metadata.labels ?? {}, Object.values(ours));
  return {
    resource,
    original: nameOf(policy, here),
    object: {
      apiVersion: apiVersion(resource),
      kind: resource.kind,
      metadata: cloneMetadata(
        { ...metadata, labels },
        {
          name: copyName(policy, tracks, base),
          target: { ...target, namespace },
          own: namespace === here ? own : { ...own, [ours.namespace]: here },
        },
      ),
      spec,
    },
  };
}

const without = (labels: Labels, keys: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => !keys.includes(key)));
