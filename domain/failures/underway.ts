/** What happens to a release on its way. */
import { list, terminal, transient } from './entry.js';

export const underway = {
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
  replicas_changed: (c: { workload: string; expected: string; seen: number }) =>
    terminal(
      409,
      `Somebody scaled Deployment "${c.workload}" to ${c.seen} in the middle of its batches; expected: ${c.expected}.`,
      'See who did it (metadata.managedFields); nothing but the release may scale it until it has ended.',
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
  gray_lost: (c: { workload: string; why: string }) =>
    terminal(
      409,
      `Gray of ${c.workload} is gone: ${c.why}`,
      'Release again; who deleted it stands in the audit log of the cluster.',
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
} as const;
