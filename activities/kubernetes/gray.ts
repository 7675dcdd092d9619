/** The gray Deployment and its Service, made from what is live: the stable Deployment and the Services of its namespace. Pure. */
import { failure, type Failure } from '../../domain/failures.js';
import type { Target } from '../../domain/target.js';
import { scalesDeployment } from './autoscalers.js';
import { changedLabels, cloneMetadata, isOwn, ownLabels } from './clone.js';
import { consumerProblems, variablesOf, withVariables } from './consumers.js';
import { labelProblems } from './gray-labels.js';
import {
  type KubeObject,
  type Container,
  containersOf,
  omit,
  podLabels,
  type Deployment,
} from './objects.js';
import {
  matchesSelector,
  serviceMatches,
  serviceSelector,
  type Labels,
  type LabelSelector,
} from './selectors.js';

export interface GrayRequest {
  readonly target: Target;
  readonly release: string;
  readonly replicas: number;
}

export interface GrayObjects {
  readonly deployment: Deployment;
  /** Null where the target has no route, so that nothing has to find the gray pods. */
  readonly service: KubeObject | null;
  /** Non-empty: the objects must not be created. */
  readonly problems: readonly Failure[];
}

const balancerAnnotations =
  /load-?balancer|^(external-dns\.|metallb\.|lbipam\.|io\.cilium\/lb|cloud\.google\.com\/|networking\.gke\.io\/|service\.beta\.kubernetes\.io\/|service\.kubernetes\.io\/|oci\.)/i;
const keptServiceFields = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'trafficDistribution',
  'ipFamilies',
  'ipFamilyPolicy',
];

/**
 * Clones stable as it runs. The value of each label that a Service or stable itself selects its pods by gets the lane as a suffix, so
 * that none of them can match a gray pod; what would match all the same is a problem.
 */
export function grayDeployment(
  stable: Deployment,
  services: readonly KubeObject[],
  request: GrayRequest,
): GrayObjects {
  const { target } = request;
  const keys = selectingKeys(stable, services);
  const own = ownLabels(request);
  const changed = changedLabels(podLabels(stable), keys, target.lane);
  const deployment = cloneDeployment(stable, request, keys, { ...changed, ...own });
  const service = target.route === null ? null : cloneService(services, request, { ...changed, ...own });
  return { deployment, service, problems: grayProblems(stable, deployment, services, request) };
}

/** Keys by which stable's pods are found: by each Service that matches them, and by the Deployment itself. */
function selectingKeys(stable: Deployment, services: readonly KubeObject[]): ReadonlySet<string> {
  const pods = podLabels(stable);
  const selector = stable.spec.selector ?? {};
  return new Set([
    ...services.filter((s) => serviceMatches(s, pods)).flatMap((s) => Object.keys(serviceSelector(s))),
    ...Object.keys(selector.matchLabels ?? {}),
    ...(selector.matchExpressions ?? []).map((e) => e.key),
  ]);
}

function cloneDeployment(
  stable: Deployment,
  { target, replicas, release }: GrayRequest,
  keys: ReadonlySet<string>,
  selector: Labels,
): Deployment {
  const spec = omit(stable.spec, 'paused');
  const { template } = spec;
  const templateLabels = omit(podLabels(stable), 'pod-template-hash');
  const own = ownLabels({ target, release });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: cloneMetadata(stable.metadata, { name: target.gray, target, keys, own }),
    spec: {
      ...spec,
      replicas,
      progressDeadlineSeconds: spec.progressDeadlineSeconds ?? Math.ceil(target.progressDeadlineMs / 1000),
      selector: { matchLabels: selector },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...templateLabels, ...target.grayLabels, ...selector } },
        spec: {
          ...template.spec,
          containers: containersOf(stable).map((c) =>
            c.name === target.container ? grayContainer(c, target) : c,
          ),
        },
      },
    },
  };
}

function grayContainer(stable: Container, { image, grayVariables = [] }: Target): Container {
  const env = withVariables(variablesOf(stable), grayVariables);
  return { ...stable, image: image.reference, ...(grayVariables.length === 0 ? {} : { env }) };
}

/** Ports and behaviour of the baseline Service, without what makes it reachable from outside. */
function cloneService(
  services: readonly KubeObject[],
  { target, release }: GrayRequest,
  selector: Labels,
): KubeObject | null {
  const baseline = services.find((s) => s.metadata.name === target.route?.stableService);
  if (baseline === undefined) return null;
  const spec = baseline['spec'] as { readonly ports?: readonly Record<string, unknown>[] } & Record<
    string,
    unknown
  >;
  const own = ownLabels({ target, release });
  const metadata = cloneMetadata(baseline.metadata, {
    name: target.gray,
    target,
    own,
    dropped: balancerAnnotations,
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      ...Object.fromEntries(keptServiceFields.filter((f) => f in spec).map((f) => [f, spec[f]])),
      type: 'ClusterIP',
      ports: (spec.ports ?? []).map((port) => omit(port, 'nodePort')),
      selector,
    },
  };
}

function grayProblems(
  stable: Deployment,
  gray: Deployment,
  services: readonly KubeObject[],
  { target }: GrayRequest,
): Failure[] {
  const pods = podLabels(gray);
  const known = containersOf(stable).map((c) => c.name);
  const unknown = known.includes(target.container)
    ? []
    : [failure('container_unknown', { container: target.container, workload: target.deployment, known })];
  const missing =
    target.route !== null && !services.some((s) => s.metadata.name === target.route?.stableService)
      ? [
          failure('service_unknown', {
            service: target.route.stableService,
            namespace: target.namespace,
          }),
        ]
      : [];
  const own = services.filter((s) => s.metadata.name !== target.gray || !isOwn(s, target.application));
  const others = [
    ...own.filter((s) => serviceMatches(s, pods)).map((s) => `Service ${s.metadata.name}`),
    ...(matchesSelector(stable.spec.selector, pods) ? [`Deployment ${stable.metadata.name}`] : []),
  ];
  const container = containersOf(stable).find((c) => c.name === target.container);
  const together = container === undefined ? [] : consumerProblems(container, target);
  return [
    ...unknown,
    ...missing,
    ...together,
    ...labelProblems(stable, gray, target),
    ...others.map((service) => failure('gray_would_match', { service })),
  ];
}

/** What else would take gray pods for stable's: disruption budgets by their selector, autoscalers by name. */
export function overlapProblems(
  gray: Deployment,
  budgets: readonly KubeObject[],
  autoscalers: readonly KubeObject[],
): Failure[] {
  const pods = podLabels(gray);
  const covering = budgets.filter((b) =>
    matchesSelector((b['spec'] as { selector?: LabelSelector } | undefined)?.selector, pods),
  );
  const scaling = autoscalers.filter((a) => scalesDeployment(a, gray.metadata.name));
  return [
    ...covering.map((b) => `PodDisruptionBudget ${b.metadata.name}`),
    ...scaling.map((a) => `HorizontalPodAutoscaler ${a.metadata.name}`),
  ].map((service) => failure('gray_would_match', { service }));
}
