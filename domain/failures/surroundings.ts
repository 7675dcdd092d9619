/** What a release needs before it begins: images, clusters, workloads, services, routes. */
import { list, terminal, transient } from './entry.js';

export const surroundings = {
  image_invalid: (c: { image: string; why: string }) =>
    terminal(
      422,
      `"${c.image}" is not an image reference: ${c.why}`,
      'Write registry/repository:tag or registry/repository@sha256:<digest>.',
    ),
  image_unknown: (c: { image: string; answer: string }) =>
    terminal(
      422,
      `The registry has no image "${c.image}" (${c.answer}).`,
      'Check repository and tag; push the image before releasing it.',
    ),
  image_foreign: (c: { image: string; repository: string }) =>
    terminal(
      422,
      `"${c.image}" is not of the application's repository ${c.repository}.`,
      'Release an image of the declared repository, or change the application.',
    ),
  registry_denied: (c: { registry: string; answer: string }) =>
    terminal(
      422,
      `Registry ${c.registry} refused the credentials (${c.answer}).`,
      'Put credentials for it into the docker config file that SLUICE_DOCKER_CONFIG names.',
    ),
  registry_unreachable: (c: { registry: string; why: string }) =>
    transient(
      503,
      `Registry ${c.registry} cannot be reached: ${c.why}.`,
      'Check its address and the network between worker and registry.',
    ),
  /** `of`: the application and environment that are to be there. */
  cluster_unknown: (c: { cluster: string; of?: string; known: readonly string[] }) =>
    terminal(
      422,
      `No worker serves a cluster "${c.cluster}"${c.of === undefined ? '' : ` (${c.of})`}${c.known.length === 0 ? '' : `; known here: ${list(c.known)}`}.`,
      'Add the cluster to a worker, or correct environments[].cluster.',
    ),
  cluster_unreachable: (c: { cluster: string; why: string }) =>
    transient(
      503,
      `Cluster "${c.cluster}" cannot be reached: ${c.why}.`,
      'Check the API server and the network between worker and cluster.',
    ),
  admission_unreachable: (c: { cluster: string; answer: string }) =>
    transient(
      503,
      `An admission webhook of cluster "${c.cluster}" does not answer, and without it nothing is taken: ${c.answer}`,
      'Mend the webhook that is named, or remove its configuration (its failurePolicy is Fail).',
    ),
  cluster_denied: (c: { cluster: string; verb: string; resource: string; namespace: string }) =>
    terminal(
      422,
      `The worker may not ${c.verb} ${c.resource} in namespace "${c.namespace}" of cluster "${c.cluster}".`,
      'Grant the role of infra/kubernetes/rbac.yaml to the worker in that namespace.',
    ),
  cluster_refused: (c: { what: string; answer: string }) =>
    terminal(
      422,
      `Kubernetes refused ${c.what}: ${c.answer}`,
      'Mend what the answer names (an admission policy, a quota, a field), then release again.',
    ),
  namespace_unknown: (c: { namespace: string; cluster: string }) =>
    terminal(
      422,
      `Namespace "${c.namespace}" does not exist in cluster "${c.cluster}".`,
      'Create it, or correct environments[].namespace.',
    ),
  workload_unknown: (c: { workload: string; namespace: string }) =>
    terminal(
      422,
      `Deployment "${c.workload}" does not exist in namespace "${c.namespace}" and the application has no manifest to create it from.`,
      'Create it, correct workload.name, or give workload.manifest.',
    ),
  container_unknown: (c: { container: string; workload: string; known: readonly string[] }) =>
    terminal(
      422,
      `Deployment "${c.workload}" has no container "${c.container}"; it has: ${list(c.known)}.`,
      'Name one of them in workload.container.',
    ),
  service_unknown: (c: { service: string; namespace: string }) =>
    terminal(
      422,
      `Service "${c.service}" does not exist in namespace "${c.namespace}".`,
      'Create it, or correct traffic.service.',
    ),
  service_port_unknown: (c: { service: string; port: number; known: readonly string[] }) =>
    terminal(
      422,
      `Service "${c.service}" has no port ${c.port}; it has: ${list(c.known)}.`,
      'Correct traffic.port.',
    ),
  service_mismatch: (c: { service: string; workload: string; why: string }) =>
    terminal(
      422,
      `Service "${c.service}" does not select the pods of Deployment "${c.workload}": ${c.why}`,
      'Correct traffic.service or the selector of the Service.',
    ),
  route_unknown: (c: { kind: string; route: string; namespace: string }) =>
    terminal(
      422,
      `${c.kind} "${c.route}" does not exist in namespace "${c.namespace}".`,
      'Create it, or correct traffic.route.',
    ),
  route_unfit: (c: { kind: string; route: string; why: string }) =>
    terminal(
      422,
      `${c.kind} "${c.route}" cannot carry a gray release: ${c.why}`,
      'Change the route as named, or choose the strategy "rolling".',
    ),
  lanes_collide: (c: {
    kind: string;
    route: string;
    /** What both let in, for people. */
    way: string;
    lane: string;
    other: string;
    release: string;
  }) =>
    terminal(
      409,
      `${c.kind} "${c.route}" cannot tell two lanes apart: requests with ${c.way} would be in "${c.lane}" and in "${c.other}" of release ${c.release}, which holds the route too.`,
      'Let in something else (release.tag.enter), give both the same tag, which makes them one lane, or wait until that release has ended.',
    ),
  crd_missing: (c: { kind: string; group: string; cluster: string }) =>
    terminal(
      422,
      `Cluster "${c.cluster}" does not know ${c.kind} (${c.group}).`,
      'Install the CRDs of the router, or correct traffic.router.',
    ),
  gray_name_taken: (c: { kind: string; name: string; namespace: string }) =>
    terminal(
      422,
      `${c.kind} "${c.name}" exists in namespace "${c.namespace}" and is not of Sluice.`,
      'Rename it; a gray track may also get another release.lane.',
    ),
  batches_autoscaled: (c: { autoscaler: string; workload: string }) =>
    terminal(
      422,
      `HorizontalPodAutoscaler "${c.autoscaler}" scales ${c.workload}: it would fight the counts of the batches.`,
      'Remove it for the release (of KEDA: pause the ScaledObject), set release.batches to null, or use the strategy gray or canary, whose weights need no counts.',
    ),
  consumers_not_apart: (c: { workload: string; consumer: string; variable: string; why: string }) =>
    terminal(
      422,
      `Gray of "${c.workload}" would not be kept apart from stable: variable ${c.variable} of consumer "${c.consumer}": ${c.why}`,
      'Correct consumers[] of the application: write a value of its own, without {{stable}} where stable has none.',
    ),
  labels_not_apart: (c: { workload: string; label: string; value: string }) =>
    terminal(
      422,
      `Gray of "${c.workload}" would not be told apart from stable: the pods of both carry ${c.label} "${c.value}".`,
      'Take the label out of the pod template of the Deployment (and of workload.manifest or workload.template), or correct workload.grayLabels: {{lane}} and {{tag}} stand for those of the release.',
    ),
  gray_would_match: (c: { service: string }) =>
    terminal(
      422,
      `Gray pods would still be matched by "${c.service}".`,
      'Give its selector a label with an exact value of the stable pods.',
    ),
  policy_not_copied: (c: { policy: string; copy: string; workload: string; resource: string; why: string }) =>
    terminal(
      422,
      `${c.policy} holds for the stable pods and would miss those of ${c.workload}, and its copy for them, "${c.copy}", cannot be made: ${c.why}.`,
      `Let the worker create and delete ${c.resource} (infra/kubernetes/rbac.yaml) and mend what is named; or let the policy select a label that no Service selects by.`,
    ),
  policy_bound: (c: { policy: string; service: string; gray: string; copy: string }) =>
    terminal(
      422,
      `${c.policy} is bound to Service "${c.service}" by name (targetRefs), and would not hold for "${c.gray}", that of gray.`,
      `Let it select pods by label; or bind the same to Service "${c.gray}" too, in its targetRefs or by another one named "${c.copy}".`,
    ),
} as const;
