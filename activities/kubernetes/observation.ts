/** What was seen of one application in one environment becomes an observation and its problems. Pure. */
import type { Application, Environment } from '../../domain/application.js';
import { releaseSettings, routeOf, trafficSettings, workloadSettings } from '../../domain/application.js';
import { batchLane, declaredBatches } from '../../domain/batches.js';
import { failure, type Failure, type FailureCode } from '../../domain/failures.js';
import { grayName } from '../../domain/ids.js';
import { marksOf } from '../../domain/member.js';
import type { Observation } from '../../domain/target.js';
import type { AnyRoute, Tag } from '../../domain/traffic.js';
import type { ObserveInput } from '../contract.js';
import { autoscalerWarnings } from './autoscalers.js';
import { batchObstacles, replicasBehind } from './batch.js';
import { isOwn } from './clone.js';
import { declaredWarnings, type Comparison } from './declared.js';
import {
  type KubeObject,
  digestOf,
  imageOf,
  isSameTrack,
  podLabels,
  type Deployment,
  type Pod,
} from './objects.js';
import { overlapProblems } from './gray.js';
import { tagWarnings, whereDeclared } from './gray-labels.js';
import { copied, copiesFor, firstProblems, hiddenKinds, rendered } from './gray-sketch.js';
import { containerName, manifestProblems } from './manifest.js';
import type { PolicyCopy } from './policies/copies.js';
import type { Policies } from './policies/find.js';
import { serviceMatches, serviceSelector } from './selectors.js';

/** Where to look, from the declaration alone. */
export interface Lookout {
  readonly application: Application;
  readonly environment: Environment;
  readonly cluster: string;
  readonly namespace: string;
  readonly deployment: string;
  readonly lane: string;
  readonly gray: string;
  /** Null where no traffic is moved: none is declared, or the strategy is rolling. */
  readonly route: AnyRoute | null;
  /** What tagged requests carry; null where the strategy tags none. */
  readonly tag: Tag | null;
  /** Whether stable is changed in batches; `gray` is the name of their Deployment then. */
  readonly inBatches: boolean;
}

export function lookout(
  application: Application,
  environment: Environment,
  asked: Pick<ObserveInput, 'lane' | 'strategy' | 'back'>,
): Lookout {
  const settings = releaseSettings(application, environment);
  const traffic = trafficSettings(application, environment);
  const { name: deployment } = workloadSettings(application, environment);
  const cluster = environment.cluster ?? 'default';
  const { namespace } = environment;
  const strategy = asked.strategy ?? settings.strategy;
  const inBatches = asked.back !== true && declaredBatches({ ...settings, strategy }) !== null;
  const lane = inBatches ? batchLane : (asked.lane ?? settings.lane);
  const gray = grayName(deployment, lane);
  const isRouted = traffic !== null && strategy !== 'rolling';
  const tag =
    !isRouted || strategy === 'canary' ? null : { ...settings.tag, value: asked.lane ?? settings.tag.value };
  const { enter } = settings;
  const entered = enter === undefined || asked.back === true ? {} : { enter };
  const marks = tag === null ? {} : marksOf(false, traffic?.router ?? null, { tag, ...entered });
  const route = !isRouted
    ? null
    : {
        ...routeOf(traffic, { application: application.name, cluster, namespace, grayService: gray }),
        ...marks,
      };
  return { application, environment, cluster, namespace, deployment, lane, gray, route, tag, inBatches };
}

/** What the cluster answered; null where it could not be read for lack of rights. */
export interface Findings {
  readonly stable: Deployment | null;
  readonly gray: KubeObject | null;
  readonly services: readonly KubeObject[] | null;
  readonly budgets: readonly KubeObject[] | null;
  readonly autoscalers: readonly KubeObject[] | null;
  readonly policies: Policies;
  readonly pods: readonly Pod[];
  /** How stable differs from what is declared of it, or why that is not known. Absent: nothing is declared, or there is no stable. */
  readonly declared?: Comparison;
}

export interface Observed {
  readonly observation: Observation | null;
  readonly problems: readonly Failure[];
  /** What the release will make for gray beside its Deployment and Service. */
  readonly copies: readonly PolicyCopy[];
}

export function observed(at: Lookout, found: Findings): Observed {
  const { application, environment } = at;
  const workload = workloadSettings(application, environment);
  const place = {
    deployment: at.deployment,
    namespace: at.namespace,
    container: workload.container ?? null,
    application: application.name,
  };
  const manifest = workload.manifest ?? null;
  const invalid = manifest === null ? [] : manifestProblems(manifest, place);
  if (found.stable === null && manifest === null) {
    const unknown = failure('workload_unknown', { workload: at.deployment, namespace: at.namespace });
    return { observation: null, problems: [unknown], copies: [] };
  }
  const first = found.stable === null;
  // A manifest only matters where there is nothing yet.
  if (first && invalid.length > 0) return { observation: null, problems: invalid, copies: [] };
  const deployment = found.stable ?? (manifest as unknown as Deployment);
  const container = containerName(deployment, place);
  if (typeof container !== 'string') return { observation: null, problems: [container], copies: [] };
  if (first) {
    const problems = firstProblems(at, deployment, container, found);
    return { observation: observationOf(at, deployment, container, found), problems, copies: [] };
  }
  const policies = copiesFor(at, deployment, container, found);
  return {
    observation: observationOf(at, deployment, container, found, [
      ...policies.warnings,
      ...policies.copies.map(copied),
      ...hiddenKinds(at, found),
    ]),
    problems: [
      ...serviceProblems(at, deployment, found),
      ...grayProblems(at, deployment, container, found),
      ...policies.problems,
    ],
    copies: policies.copies,
  };
}

function observationOf(
  at: Lookout,
  deployment: Deployment,
  container: string,
  found: Findings,
  notes: readonly string[] = [],
): Observation {
  const exists = found.stable !== null;
  const image = imageOf(deployment, container) ?? null;
  const own = found.pods.filter((pod) => isSameTrack(pod, deployment));
  const live = deployment.spec.replicas ?? 1;
  const replicas = at.inBatches ? replicasBehind(live, found.gray, at.application.name) : live;
  const what = `Deployment "${at.deployment}" of ${at.application.name} in ${at.environment.name}`;
  const seen = exists
    ? [
        ...notes,
        ...scaled(at, replicas, found),
        ...(at.inBatches && found.autoscalers === null ? [unseenAutoscalers] : []),
        ...(found.declared === undefined ? [] : declaredWarnings(what, found.declared)),
      ]
    : [];
  const warnings = [...tagWarnings(what, deployment, at.environment), ...seen];
  const drift = found.declared !== undefined && 'drift' in found.declared ? found.declared.drift : null;
  return {
    application: at.application.name,
    environment: at.environment.name,
    exists,
    stableImage: exists ? image : null,
    stableDigest: exists ? runningDigest(own, container, image) : null,
    replicas,
    readyReplicas: exists ? (deployment.status?.readyReplicas ?? 0) : 0,
    container,
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(drift === null ? {} : { drift }),
  };
}

const unseenAutoscalers =
  'HorizontalPodAutoscalers may not be read here: one that scales the Deployment would fight the counts of its batches.';

/** Autoscalers of stable, where gray takes traffic from it. */
const scaled = ({ route, deployment }: Lookout, replicas: number, { autoscalers }: Findings): string[] =>
  route === null ? [] : autoscalerWarnings(autoscalers ?? [], deployment, replicas);

/** What all pods say that they run; where they differ or are silent, what the image itself spells. */
export function runningDigest(pods: readonly Pod[], container: string, image: string | null): string | null {
  const seen = pods
    .filter((p) => p.metadata.deletionTimestamp === undefined)
    .flatMap((p) => p.status?.containerStatuses ?? [])
    .filter((s) => s.name === container && s.imageID !== undefined && s.imageID !== '')
    .map((s) => digestOf(s.imageID));
  const digests = new Set(seen);
  const [only] = digests;
  return digests.size === 1 && only ? only : digestOf(image ?? undefined);
}

/** The baseline Service is there, has the port, and finds the stable pods. */
function serviceProblems(
  { route, namespace, deployment: workload }: Lookout,
  deployment: Deployment,
  found: Findings,
): Failure[] {
  if (route === null || found.services === null) return [];
  const { stableService: name, port } = route;
  const service = found.services.find((s) => s.metadata.name === name);
  if (service === undefined)
    return [failure('service_unknown', { service: name, namespace }, '/traffic/service')];
  const { ports = [] } = service['spec'] as { ports?: readonly { port: number }[] };
  const known = ports.map((p) => String(p.port));
  const selector = serviceSelector(service);
  return [
    ...(known.includes(String(port))
      ? []
      : [failure('service_port_unknown', { service: name, port, known }, '/traffic/port')]),
    ...(serviceMatches(service, podLabels(deployment))
      ? []
      : [
          failure('service_mismatch', {
            service: name,
            workload,
            why:
              Object.keys(selector).length === 0
                ? 'it has no selector.'
                : `it selects ${JSON.stringify(selector)}, the pods carry ${JSON.stringify(podLabels(deployment))}.`,
          }),
        ]),
  ];
}

const apartCodes: readonly FailureCode[] = ['gray_would_match', 'consumers_not_apart', 'labels_not_apart'];

/** Gray can be made beside stable: its names are free or ours, and nothing would take its pods for stable's. */
function grayProblems(at: Lookout, stable: Deployment, container: string, found: Findings): Failure[] {
  const { application, namespace, gray, route } = at;
  if (at.inBatches) {
    const { deployment } = at;
    const place = { application: application.name, deployment, namespace };
    return batchObstacles(place, found.gray, found.autoscalers ?? []);
  }
  // Without traffic stable is rolled itself.
  if (route === null || found.services === null) return [];
  const taken = [
    ...(found.gray === null ? [] : [{ kind: 'Deployment', object: found.gray }]),
    ...found.services.filter((s) => s.metadata.name === gray).map((object) => ({ kind: 'Service', object })),
  ].filter(({ object }) => !isOwn(object, application.name));
  const would = rendered(at, route, stable, container, found);
  return [
    ...taken.map(({ kind }) => failure('gray_name_taken', { kind, name: gray, namespace })),
    ...would.problems.filter((p) => apartCodes.includes(p.code)).map((p) => whereDeclared(p, at)),
    ...overlapProblems(would.deployment, found.budgets ?? [], found.autoscalers ?? []),
  ];
}
