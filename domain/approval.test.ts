import { describe, expect, it } from 'vitest';
import {
  hasRole,
  objection,
  tallyDecisions,
  type Actor,
  type ApprovalState,
  type Decision,
  type DecisionRequest,
} from './approval.js';
import { defaultApproval } from './application.js';

const alice: Actor = { name: 'alice', roles: ['approver'] };
const bob: Actor = { name: 'bob', roles: ['approver'] };
const carol: Actor = { name: 'carol', roles: ['releaser'] };
const open: ApprovalState = { settings: defaultApproval, initiator: 'carol', planHash: 'p1', decisions: [] };
const approve = (by: Actor, planHash = 'p1'): DecisionRequest => ({
  decision: 'approve',
  reason: 'fine',
  planHash,
  by,
});
const counted = (request: DecisionRequest): Decision => ({ ...request, at: 'now', step: 's', counted: true });

describe('a decision', () => {
  it.each<[string, ApprovalState, DecisionRequest, string | null]>([
    ['P5: counts for the plan that the person saw', open, approve(alice), null],
    ['P5: does not count for another plan', open, approve(alice, 'p0'), 'decision_stale'],
    ['does not count without the role', open, approve(carol), 'forbidden'],
    ['counts from an admin', open, approve({ name: 'root', roles: ['admin'] }), null],
    [
      'does not count from somebody who is not named',
      { ...open, settings: { ...defaultApproval, approvers: ['bob'] } },
      approve(alice),
      'decision_not_allowed',
    ],
    [
      'counts from somebody who is named',
      { ...open, settings: { ...defaultApproval, approvers: ['bob'] } },
      approve(bob),
      null,
    ],
    [
      'does not count from who started the release where duties are separated',
      { ...open, initiator: 'alice', settings: { ...defaultApproval, separationOfDuties: true } },
      approve(alice),
      'decision_not_allowed',
    ],
    [
      'counts as a rejection even from who started the release',
      { ...open, initiator: 'alice', settings: { ...defaultApproval, separationOfDuties: true } },
      { ...approve(alice), decision: 'reject' },
      null,
    ],
    [
      'does not count twice',
      { ...open, decisions: [counted(approve(alice))] },
      approve(alice),
      'decision_repeated',
    ],
  ])('%s', (_, state, request, code) => {
    expect(objection(state, request)?.code ?? null).toBe(code);
  });

  it('is complete with the quorum of different people', () => {
    const two = { ...open, settings: { ...defaultApproval, quorum: 2 } };
    expect(tallyDecisions(two)).toBe('open');
    expect(tallyDecisions({ ...two, decisions: [counted(approve(alice))] })).toBe('open');
    expect(tallyDecisions({ ...two, decisions: [counted(approve(alice)), counted(approve(bob))] })).toBe(
      'approved',
    );
  });

  it('rejects with one rejection, however many approved', () => {
    const decisions = [counted(approve(alice)), counted({ ...approve(bob), decision: 'reject' })];
    expect(tallyDecisions({ ...open, decisions })).toBe('rejected');
  });

  it('leaves out what was not counted', () => {
    expect(tallyDecisions({ ...open, decisions: [{ ...counted(approve(alice)), counted: false }] })).toBe(
      'open',
    );
  });
});

describe('roles', () => {
  it('lets everybody read and an admin do everything', () => {
    expect(hasRole({ name: 'x', roles: [] }, 'viewer')).toBe(true);
    expect(hasRole({ name: 'x', roles: ['admin'] }, 'approver')).toBe(true);
    expect(hasRole(carol, 'approver')).toBe(false);
  });
});
