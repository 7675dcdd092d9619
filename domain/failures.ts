/**
 * Every failure that Sluice can report: code -> message, remedy, HTTP status, retryable or terminal.
 * A code is stable: clients, alerts and tests may rely on it.
 */

export interface Failure {
  readonly code: FailureCode;
  /** What happened, with the value that was seen. */
  readonly message: string;
  /** What a person can do about it. */
  readonly remedy: string;
  /** Whether trying again unchanged can help. */
  readonly retryable: boolean;
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** JSON pointer into the body or the application, where one field is to blame. */
  readonly pointer?: string;
}

interface Entry {
  readonly status: number;
  readonly retryable: boolean;
  readonly message: string;
  readonly remedy: string;
}

const terminal = (status: number, message: string, remedy: string): Entry => ({
  status,
  retryable: false,
  message,
  remedy,
});
const transient = (status: number, message: string, remedy: string): Entry => ({
  status,
  retryable: true,
  message,
  remedy,
});
const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

export const catalogue = {
  invalid_body: (c: { problems: number }) =>
    terminal(
      422,
      `The body has ${c.problems} problem(s).`,
      'Mend each of the errors listed; each names its field.',
    ),
  invalid_field: (c: { what: string; remedy: string }) => terminal(422, c.what, c.remedy),
  malformed_body: (c: { detail: string }) =>
    terminal(
      400,
      `The body cannot be parsed: ${c.detail}.`,
      'Send well-formed JSON or YAML with the matching Content-Type.',
    ),
  unsupported_media_type: (c: { type: string }) =>
    terminal(
      415,
      `A body of type "${c.type}" is not understood.`,
      'Send Content-Type: application/json or application/yaml.',
    ),
  body_too_large: (c: { limit: string }) =>
    terminal(
      413,
      `The body is larger than ${c.limit}.`,
      'Send less; large data does not belong into a declaration.',
    ),
  foreign_origin: (c: { seen: string }) =>
    terminal(
      403,
      `Without tokens only this machine may call, and the request came for or from "${c.seen}".`,
      'Use the address that the API listens on, or set SLUICE_TOKENS_FILE.',
    ),
  idempotency_key_reused: (c: { key: string; release: string }) =>
    terminal(
      422,
      `Idempotency-Key "${c.key}" belongs to release ${c.release}, which was asked for with another body.`,
      'Send the same body again, or use a new key for a new release.',
    ),
  too_many_readers: (c: { limit: number }) =>
    transient(503, `${c.limit} readers follow events already.`, 'Close some, or raise SLUICE_EVENT_READERS.'),
  search_attributes_missing: (c: { missing: readonly string[]; command: string }) =>
    terminal(
      503,
      `The Temporal namespace lacks the search attributes ${list(c.missing)}.`,
      `Register them once: ${c.command}`,
    ),
  unauthenticated: () =>
    terminal(
      401,
      'No valid bearer token came with the request.',
      'Send "Authorization: Bearer <token>" with a token of the tokens file.',
    ),
  forbidden: (c: { who: string; needs: string }) =>
    terminal(
      403,
      `${c.who} lacks the role "${c.needs}".`,
      `Ask an administrator for the role "${c.needs}", or let someone who has it do this.`,
    ),
  not_found: (c: { what: string }) =>
    terminal(404, `There is no ${c.what}.`, 'Check the address against /openapi.json.'),
  application_unknown: (c: { name: string; known: readonly string[] }) =>
    terminal(
      404,
      `There is no application "${c.name}"; known: ${list(c.known)}.`,
      `Declare it first: sluice apply -f ${c.name}.yaml`,
    ),
  application_busy: (c: { name: string; release: string }) =>
    terminal(
      409,
      `Application "${c.name}" is being released by ${c.release}.`,
      'Wait for that release to end, or abort it, then remove the application.',
    ),
  environment_unknown: (c: { application: string; environment: string; known: readonly string[] }) =>
    terminal(
      422,
      `Application "${c.application}" has no environment "${c.environment}"; known: ${list(c.known)}.`,
      'Name one of the known environments, or declare it in the application.',
    ),
  release_unknown: (c: { id: string }) =>
    terminal(404, `There is no release "${c.id}".`, 'List the releases: sluice history'),
  release_in_progress: (c: { application: string; environment: string; running: string }) =>
    terminal(
      409,
      `${c.application} is being released to ${c.environment} by ${c.running}, and the queue policy is "refuse".`,
      'Wait for that release, abort it, or set release.queue to "wait".',
    ),
  superseded: (c: { application: string; environment: string; by: string }) =>
    terminal(
      409,
      `Release ${c.by} is newer and takes the place of this one for ${c.application} in ${c.environment}.`,
      `Follow it: sluice watch ${c.by}. To have releases wait instead, set release.queue to "wait".`,
    ),
  release_ended: (c: { id: string; phase: string }) =>
    terminal(409, `Release ${c.id} has ended: ${c.phase}.`, 'Start a new release.'),
  release_terminated: (c: { id: string; phase: string; left: readonly string[] }) =>
    terminal(
      409,
      `The workflow of release ${c.id} was ended from outside while the release was ${c.phase}; nothing was undone. It may have left: ${list(c.left)}.`,
      'Look at what it may have left, put it right by hand, then release again.',
    ),
  release_refused: (c: { problems: readonly string[] }) =>
    terminal(
      422,
      `The release was refused and nothing was changed: ${c.problems.join(' ')}`,
      'Mend what is named, then release again.',
    ),
  not_now: (c: { action: string; phase: string; why: string }) =>
    terminal(
      409,
      `"${c.action}" makes no sense while the release is ${c.phase}: ${c.why}`,
      'Look at waitingOn of the release for what can be done now.',
    ),
  decision_stale: (c: { seen: string; current: string }) =>
    terminal(
      409,
      `The decision is for plan ${c.seen}, but the release now follows plan ${c.current}.`,
      'Look at the release again and decide on the current plan.',
    ),
  decision_not_allowed: (c: { who: string; why: string }) =>
    terminal(
      403,
      `The decision of ${c.who} does not count: ${c.why}`,
      'Let one of the named approvers decide.',
    ),
  decision_repeated: (c: { who: string }) =>
    terminal(409, `${c.who} has already approved.`, 'Another approver has to decide.'),
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
  cluster_unknown: (c: { cluster: string; known: readonly string[] }) =>
    terminal(
      422,
      `No worker serves a cluster "${c.cluster}"${c.known.length === 0 ? '' : `; known here: ${list(c.known)}`}.`,
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
  route_not_taken: (c: { kind: string; route: string }) =>
    transient(
      503,
      `${c.kind} "${c.route}" was written, but its controller has not said yet that it has taken it.`,
      'Look at the controller of the route and its log; traffic stays as it is until it answers.',
    ),
  route_lost: (c: { kind: string; route: string; why: string }) =>
    terminal(
      409,
      `${c.kind} "${c.route}" is no longer as this release left it: ${c.why}`,
      'See who changed it (metadata.managedFields); the release returns traffic to stable.',
    ),
  route_busy: (c: { kind: string; route: string; release: string }) =>
    terminal(
      409,
      `${c.kind} "${c.route}" is in the hands of release ${c.release}.`,
      'Wait for that release, or clean up what it left behind.',
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
      'Rename it, or choose another release.lane.',
    ),
  gray_would_match: (c: { service: string }) =>
    terminal(
      422,
      `Gray pods would still be matched by "${c.service}".`,
      'Give its selector a label with an exact value of the stable pods.',
    ),
  endpoints_missing: (c: { track: string; service: string }) =>
    terminal(
      409,
      `Service "${c.service}" of the ${c.track} track has no ready endpoint, so traffic was not moved to it.`,
      'Find out why its pods are not ready.',
    ),
  gray_too_small: (c: { service: string; ready: number; needed: number; weight: number; stable: number }) =>
    terminal(
      409,
      `Service "${c.service}" has ${c.ready} ready endpoint(s); for ${c.weight} % of what ${c.stable} of stable carry it needs ${c.needed}.`,
      'Gray is scaled and the weight is set again; if it ends here, find out why its pods are not ready.',
    ),
  workload_not_ready: (c: { workload: string; why: string }) =>
    terminal(
      422,
      `Deployment "${c.workload}" did not become ready: ${c.why}`,
      'Mend what is named in the new version or the cluster, then release again.',
    ),
  workload_changed: (c: { workload: string; expected: string; seen: string }) =>
    terminal(
      409,
      `Deployment "${c.workload}" runs ${c.seen}, not ${c.expected} as when the release began.`,
      'See who changed it (metadata.managedFields), then release again.',
    ),
  objects_remain: (c: { what: string }) =>
    terminal(
      409,
      `${c.what} did not go away in time.`,
      'Look at their finalizers and at the node they run on, then retry.',
    ),
  probe_failed: (c: { why: string }) =>
    terminal(
      422,
      `The probe did not find the gray track: ${c.why}`,
      'Check the entry address, the host and the header of the tag.',
    ),
  metrics_unreachable: (c: { address: string; why: string }) =>
    transient(
      503,
      `Prometheus at ${c.address} cannot be asked: ${c.why}.`,
      'Check the address and the network; until then the verdict is inconclusive.',
    ),
  query_invalid: (c: { query: string; answer: string }) =>
    terminal(
      422,
      `Prometheus refused the query "${c.query}": ${c.answer}`,
      'Mend the query in analysis.metrics.',
    ),
  analysis_failed: (c: { why: string }) =>
    terminal(
      422,
      `The analysis failed: ${c.why}`,
      'See the evidence of the analysis; mend the version, then release again.',
    ),
  analysis_inconclusive: (c: { why: string }) =>
    terminal(
      422,
      `The analysis stayed inconclusive until its deadline: ${c.why}`,
      'Send more traffic, mend the metric, or let a person decide (sluice resume).',
    ),
  approval_rejected: (c: { who: string; reason: string }) =>
    terminal(
      422,
      `${c.who} rejected the release: ${c.reason}`,
      'Mend what the reason names, then release again.',
    ),
  approval_expired: (c: { deadline: string }) =>
    terminal(
      422,
      `Nobody decided until ${c.deadline}.`,
      'Release again when the approvers are there, or lengthen approval.deadline.',
    ),
  aborted: (c: { who: string; reason: string }) =>
    terminal(422, `${c.who} aborted the release: ${c.reason}`, 'Release again when ready.'),
  abandoned: (c: { who: string; reason: string; left: readonly string[] }) =>
    terminal(
      422,
      `${c.who} abandoned the clean-up: ${c.reason}. Left behind: ${list(c.left)}.`,
      'Remove what was left behind by hand.',
    ),
  queue_expired: (c: { application: string; environment: string }) =>
    terminal(
      409,
      `The release waited for ${c.application} in ${c.environment} until its deadline.`,
      'See what holds the queue: sluice status',
    ),
  rollback_needless: (c: { release: string; why: string }) =>
    terminal(
      409,
      `Rolling back ${c.release} would change nothing: ${c.why}`,
      'See what runs with `sluice status APP`; another version is named with "to" (--to).',
    ),
  rollback_superseded: (c: {
    release: string;
    application: string;
    environment: string;
    version: string;
    by: string;
  }) =>
    terminal(
      409,
      `What ${c.release} released is not there any more: ${c.application} in ${c.environment} runs ${c.version}, by ${c.by}.`,
      `Roll back ${c.by} instead, or say which version is wanted with "to" (--to).`,
    ),
  rollback_impossible: (c: { application: string; environment: string; release: string }) =>
    terminal(
      409,
      `${c.application} in ${c.environment} has nothing to go back to: what ran there before ${c.release} is not known, or nothing did.`,
      'Name an earlier version with "to" (--to), name another environment, or release a version that works.',
    ),
  rollback_target_unknown: (c: {
    to: string;
    application: string;
    environment: string;
    known: readonly string[];
  }) =>
    terminal(
      422,
      `"${c.to}" names nothing that was ever stable of ${c.application} in ${c.environment}; known: ${list(c.known)}.`,
      'Name one of the known versions; one that was never stable there has to pass the gates of an ordinary release.',
    ),
  rollback_target_ambiguous: (c: {
    to: string;
    application: string;
    environment: string;
    known: readonly string[];
  }) =>
    terminal(
      422,
      `"${c.to}" was more than one image of ${c.application} in ${c.environment}: ${list(c.known)}.`,
      'Name the release or the digest instead.',
    ),
  temporal_unreachable: (c: { why: string }) =>
    transient(
      503,
      `Temporal cannot be reached: ${c.why}.`,
      'Check TEMPORAL_ADDRESS and that the server is up.',
    ),
  worker_missing: () =>
    transient(
      503,
      'No worker answered in time.',
      'Start a worker (npm start, or the worker image); nothing is lost meanwhile.',
    ),
  workflow_unreadable: (c: { why: string }) =>
    transient(
      503,
      `The worker could not tell the state of the workflow: ${c.why}.`,
      'Look into the log of the worker; a release that an older version began needs a worker of that version.',
    ),
  internal: (c: { what: string }) =>
    transient(
      500,
      `Something unexpected happened: ${c.what}`,
      'Look into the log with the id of the release, and report it.',
    ),
} as const;

export type FailureCode = keyof typeof catalogue;
/** What a code's message is made of; `undefined` where it needs nothing. */
export type FailureContext<C extends FailureCode> = Parameters<(typeof catalogue)[C]>[0];

/** Makes a failure of the catalogue; pure. */
export function failure<C extends FailureCode>(
  code: C,
  context: FailureContext<C>,
  pointer?: string,
): Failure {
  const entry = (catalogue[code] as (c: FailureContext<C>) => Entry)(context);
  return pointer === undefined ? { code, ...entry } : { code, ...entry, pointer };
}
