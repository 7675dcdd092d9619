/** Waiting for people. */
import { CancellationScope } from '@temporalio/workflow';
import { milliseconds } from '../domain/duration.js';
import type { Stage, Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { allStable, type Traffic } from '../domain/traffic.js';
import { fail } from './failures.js';
import { guardWhile } from './judge.js';
import type { ClosedApproval, Run } from './run.js';

/**
 * Answers who approved; throws approval_rejected or approval_expired, or gray_lost where gray of a lane is removed to which tagged requests go meanwhile.
 * @param traffic where requests go
 */
export async function waitForApproval(
  run: Run,
  stage: Stage,
  { settings }: Extract<Step, { kind: 'approval' }>,
  targets: readonly Target[],
  traffic: Traffic,
): Promise<string> {
  const deadlineMs = milliseconds(settings.deadline);
  const { initiator } = run.inputs.request;
  run.openApproval({ settings, initiator, planHash: run.record.plan!.hash, decisions: [] });
  run.startDeadline(deadlineMs);
  const who = settings.approvers.length === 0 ? 'an approver' : settings.approvers.join(', ');
  const runs = ({ application }: Target): string => {
    const { old, new: fresh } = run.record.batchingOf(application) ?? {};
    return old === undefined || fresh === undefined ? '' : `, ${fresh.pods} pod(s) new and ${old.pods} old,`;
  };
  const what = targets
    .map((t) => `${t.application} ${t.image.version}${runs(t)} in ${t.environment}`)
    .join(', ');
  const quorum = settings.quorum === 1 ? '' : ` (${settings.quorum} approvals)`;
  run.record.wait({
    what: `${who} to approve ${what}${quorum}`,
    until: run.deadline,
    can: ['approve', 'reject', 'extend', 'abort'],
    approval: settings,
  });
  const wait = async (): Promise<unknown> =>
    run.meets(() => run.approvalOutcome !== null, deadlineMs, `approval of ${what}`);
  const { outcome, decisions, until } = await untilDecided(run, stage, traffic, wait);
  if (outcome === null && settings.onDeadline === 'approve')
    return `nobody decided until ${until}, approved by policy`;
  if (outcome === null) fail('approval_expired', { deadline: until });
  const rejection = decisions.find((d) => d.counted && d.decision === 'reject');
  if (outcome === 'rejected' && rejection !== undefined) {
    fail('approval_rejected', { who: rejection.by.name, reason: rejection.reason });
  }
  return `approved by ${decisions
    .filter((d) => d.counted)
    .map((d) => d.by.name)
    .join(', ')}`;
}

/** However it ends, also by an abort, no decision counts afterwards; one in the moment of the deadline does. */
async function untilDecided(
  run: Run,
  stage: Stage,
  traffic: Traffic,
  wait: () => Promise<unknown>,
): Promise<ClosedApproval & { readonly until: string }> {
  const waiting = new CancellationScope();
  try {
    // Of one application alone nobody watches: that would take its history over 120 events.
    const watched = stage.targets.length + (stage.edges ?? []).length > 1 ? traffic : allStable;
    await guardWhile(run, stage, watched, () => waiting.run(wait), false);
    return { ...run.closeApproval(), until: run.deadline ?? '' };
  } finally {
    // Where gray was lost nobody waits any more.
    waiting.cancel();
    run.closeApproval();
    run.endDeadline();
    run.record.go();
  }
}
