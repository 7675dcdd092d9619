/** Who may decide, how many must, and whether a decision counts. */
import type { Duration } from './duration.js';
import { failure, type Failure } from './failures.js';

export interface ApprovalSettings {
  /** false: fully automatic. Default true. */
  readonly required: boolean;
  /** How many different people must approve. Default 1. */
  readonly quorum: number;
  /** Names of those whose decision counts; empty: everybody with the role approver. */
  readonly approvers: readonly string[];
  /** Whether who started the release may not approve it. Default false. */
  readonly separationOfDuties: boolean;
  /** How long the release waits for decisions. Default 24h. */
  readonly deadline: Duration;
  /** What happens at the deadline. Default rollback. */
  readonly onDeadline: 'rollback' | 'approve';
}

/** A person or a token, as the API knows it. */
export interface Actor {
  readonly name: string;
  readonly roles: readonly Role[];
}

export const roles = ['viewer', 'releaser', 'approver', 'admin'] as const;
export type Role = (typeof roles)[number];

/** admin may everything; any role may read. */
export function hasRole(actor: Actor, role: Role): boolean {
  return role === 'viewer' || actor.roles.includes(role) || actor.roles.includes('admin');
}

export interface DecisionRequest {
  readonly decision: 'approve' | 'reject';
  readonly reason: string;
  /** Hash of the plan that the person saw; it covers the digests. */
  readonly planHash: string;
  readonly by: Actor;
}

export interface Decision extends DecisionRequest {
  readonly at: string;
  readonly step: string;
  readonly counted: boolean;
  /** Why it was not counted. */
  readonly why?: string;
}

export interface ApprovalState {
  readonly settings: ApprovalSettings;
  readonly initiator: string;
  readonly planHash: string;
  readonly decisions: readonly Decision[];
}

/** Why a decision cannot count, or null when it counts. */
export function objection(state: ApprovalState, request: DecisionRequest): Failure | null {
  const who = request.by.name;
  if (request.planHash !== state.planHash) {
    return failure('decision_stale', { seen: request.planHash, current: state.planHash }, '/planHash');
  }
  if (!hasRole(request.by, 'approver')) return failure('forbidden', { who, needs: 'approver' });
  const { approvers, separationOfDuties } = state.settings;
  if (approvers.length > 0 && !approvers.includes(who)) {
    return failure('decision_not_allowed', { who, why: `the approvers are ${approvers.join(', ')}.` });
  }
  if (request.decision === 'reject') return null;
  if (separationOfDuties && who === state.initiator) {
    return failure('decision_not_allowed', { who, why: 'who started the release may not approve it.' });
  }
  if (state.decisions.some((d) => d.counted && d.decision === 'approve' && d.by.name === who)) {
    return failure('decision_repeated', { who });
  }
  return null;
}

/** What the counted decisions add up to. */
export function tallyDecisions(state: ApprovalState): 'approved' | 'rejected' | 'open' {
  const counted = state.decisions.filter((d) => d.counted);
  if (counted.some((d) => d.decision === 'reject')) return 'rejected';
  const approvals = new Set(counted.map((d) => d.by.name));
  return approvals.size >= state.settings.quorum ? 'approved' : 'open';
}
