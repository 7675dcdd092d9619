/** What is asked of Sluice, and by whom. */
import { list, terminal, transient } from './entry.js';

export const requests = {
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
  application_left: (c: { name: string; environment: string; objects: readonly string[] }) =>
    terminal(
      409,
      `Releases of application "${c.name}" that are over have left ${list(c.objects)} in ${c.environment}.`,
      `Remove that first: sluice env clean ${c.environment} --yes --reason TEXT; or leave it there: sluice rm ${c.name} --force`,
    ),
  environment_unknown: (c: { application: string; environment: string; known: readonly string[] }) =>
    terminal(
      422,
      `Application "${c.application}" has no environment "${c.environment}"; known: ${list(c.known)}.`,
      'Name one of the known environments, or declare it in the application.',
    ),
  batches_together: (c: { application: string; environment: string }) =>
    terminal(
      422,
      `"${c.application}" is promoted in batches in ${c.environment}, and this release has other applications too: versions would mix within one request.`,
      'Release it alone, or set release.batches to null for that environment.',
    ),
  environment_not_declared: (c: { environment: string; known: readonly string[] }) =>
    terminal(
      404,
      `No application declares an environment "${c.environment}"; known: ${list(c.known)}.`,
      'Name one of the known environments, or declare it in an application.',
    ),
  template_invalid: (c: { where: string; why: string }) =>
    terminal(
      422,
      `The template of ${c.where} does not become a manifest: ${c.why}`,
      'Correct the template, or the values that it reads. What may stand in it: docs/reference/templates.md.',
    ),
  call_unknown: (c: { application: string; calls: string }) =>
    terminal(
      422,
      `Application "${c.application}" depends on "${c.calls}", which is not declared.`,
      'Declare it, or take it out of dependsOn.',
    ),
  call_cycle: (c: { cycle: readonly string[] }) =>
    terminal(
      422,
      `The applications depend on each other in a circle: ${c.cycle.join(' -> ')}.`,
      'Take one of them out of dependsOn or traffic.edges: what is deployed and promoted first must not depend on what comes after it.',
    ),
  lane_without_entry: (c: { environment: string; names: readonly string[] }) =>
    terminal(
      422,
      `In ${c.environment} requests come to ${list(c.names)} only through others of the release, none of which has a route where a share could be moved.`,
      'Give traffic to the application that requests come in at, or correct dependsOn and traffic.edges.',
    ),
  edge_unfit: (c: { application: string; edge: string; why: string }) =>
    terminal(
      422,
      `The share of "${c.application}" cannot be moved at "${c.edge}": ${c.why}`,
      'Declare it with its traffic in that environment, or take it out of traffic.edges.',
    ),
  lane_incomplete: (c: { environment: string; application: string; missing: readonly string[] }) =>
    terminal(
      422,
      `In ${c.environment} the lane of "${c.application}" is strict, but its requests come through ${list(c.missing)}, too.`,
      'Release all of them together, none with the strategy rolling, or take release.tag.strict away: then their stable versions answer.',
    ),
  lanes_differ: (c: { environment: string; lanes: readonly string[] }) =>
    terminal(
      422,
      `In ${c.environment} the applications have different lanes: ${c.lanes.join('; ')}.`,
      'Name one lane for the release (--lane), and give the applications the same release.tag.header.',
    ),
  place_shared: (c: { place: string; names: readonly string[] }) =>
    terminal(
      422,
      `${c.names.join(' and ')} would be released to one place: ${c.place}.`,
      'Release one of them only, or give each a workload.name, traffic.service or namespace of its own.',
    ),
  stage_not_passed: (c: {
    application: string;
    version: string;
    /** Tag or whole digest. */
    asked: string;
    environment: string;
    missing: readonly string[];
  }) =>
    terminal(
      422,
      `${c.application} ${c.version} has not passed ${list(c.missing)}, as it has to before ${c.environment}: no release of these bytes succeeded there, or it was rolled back since.`,
      `Release it there first (sluice release ${c.application}@${c.asked} -e ${c.missing[0]}), or go on without, which needs the role "approver": --override --reason WHY.`,
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
} as const;
