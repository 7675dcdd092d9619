/** What a release would make of gray, as the pre-flight needs it: nothing of it is ever written. Pure. */
import { workloadSettings } from '../../domain/application.js';
import { consumersIn, grayLabels, grayVariables } from '../../domain/consumers.js';
import type { Failure } from '../../domain/failures.js';
import type { Target } from '../../domain/target.js';
import type { AnyRoute } from '../../domain/traffic.js';
import { grayDeployment } from './gray.js';
import { whereDeclared } from './gray-labels.js';
import type { Deployment } from './objects.js';
import type { Findings, Lookout } from './observation.js';
import { policyCopies, type Copies, type PolicyCopy } from './policies/copies.js';

/** Gray as the release would make it. */
export function rendered(
  at: Lookout,
  route: AnyRoute,
  stable: Deployment,
  container: string,
  found: Findings,
): ReturnType<typeof grayDeployment> {
  const target = sketch(at, route, container);
  const others = (found.services ?? []).filter((s) => s.metadata.name !== at.gray);
  return grayDeployment(stable, others, { target, release: preflight, replicas: 1 });
}

/** In place of the release's id, for objects that are never written. */
const preflight = 'pre-flight';

/** A target with an image that is never written, to see what gray would look like. */
export function sketch(at: Lookout, route: AnyRoute | null, container: string): Target {
  const { grayLabels: declared } = workloadSettings(at.application, at.environment);
  const words = { lane: at.lane, tag: at.tag?.value ?? at.lane };
  const image = { requested: '', reference: 'pre-flight', digest: '', version: '' };
  return {
    application: at.application.name,
    environment: at.environment.name,
    cluster: at.cluster,
    namespace: at.namespace,
    deployment: at.deployment,
    container,
    strategy: 'gray',
    level: 0,
    lane: at.lane,
    gray: at.gray,
    image,
    stableImage: null,
    stableDigest: null,
    stableReplicas: 1,
    manifest: null,
    route,
    probe: null,
    progressDeadlineMs: 0,
    grayReplicas: 1,
    ...grayLabels(declared, words),
    grayVariables: grayVariables(consumersIn(at.application, at.environment), words),
  };
}

/** What a first release would make of stable, and the next one be refused for: labels that are to be gray's alone. */
export function firstProblems(
  at: Lookout,
  manifest: Deployment,
  container: string,
  found: Findings,
): readonly Failure[] {
  if (at.route === null) return [];
  const stable = { ...manifest, metadata: { ...manifest.metadata, name: at.deployment } };
  const { problems } = rendered(at, at.route, stable, container, found);
  return problems.filter((p) => p.code === 'labels_not_apart').map((p) => whereDeclared(p, at));
}

/** Copies of what holds for stable's pods by label and would miss gray's. */
export function copiesFor(at: Lookout, stable: Deployment, container: string, found: Findings): Copies {
  if (at.route === null || found.services === null) return { copies: [], problems: [], warnings: [] };
  const { deployment, service } = rendered(at, at.route, stable, container, found);
  const services = found.services.filter((s) => s.metadata.name !== at.gray);
  const target = sketch(at, at.route, container);
  const gray = { deployment, service };
  const { found: policies, namespaceLabels } = found.policies;
  const tracks = { stable, gray, services, target, namespaceLabels, release: preflight };
  return policyCopies(policies, tracks);
}

export const copied = ({ resource, original, object: { metadata } }: PolicyCopy): string =>
  `${resource.kind} ${original} would miss gray, whose labels differ: a copy "${metadata.name}" is made for it, and goes with it.`;

export function hiddenKinds(
  { namespace, deployment, route }: Lookout,
  { policies, budgets, autoscalers }: Findings,
): string[] {
  const hasGray = route !== null;
  const taking = [
    ...(hasGray && budgets === null ? ['PodDisruptionBudget'] : []),
    ...(hasGray && autoscalers === null ? ['HorizontalPodAutoscaler'] : []),
  ];
  const warned = (kinds: readonly string[], what: string): string[] =>
    kinds.length === 0
      ? []
      : [`The worker may not list ${kinds.join(', ')} in namespace "${namespace}": one ${what}.`];
  return [
    ...warned(taking, `for ${deployment} may take its gray pods for its own`),
    ...warned(policies.hidden, `that selects ${deployment} by label may miss its gray pods`),
    ...(policies.ownOnly.length === 0
      ? []
      : [
          `The worker sees ${policies.ownOnly.join(', ')} of namespace "${namespace}" only: one of another namespace that names ${deployment} by label may miss its gray pods.`,
        ]),
  ];
}
