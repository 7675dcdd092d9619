/** A release as the API shows it, for tests of those who read it. */
import { defaultApproval } from '../../domain/application.js';
import type { Plan } from '../../domain/plan.js';
import type { Stage, Step } from '../../domain/stage.js';
import type { Target } from '../../domain/target.js';
import type { Outcome, ReleaseEvent, ReleaseView } from '../../domain/release.js';
import { failure, type Failure } from '../../domain/failures.js';

export const releaseId = 'k3f9a2m1x7q0';
export const startedAt = '2026-01-02T03:04:05.000Z';
export const grayDigest = `sha256:${'b'.repeat(64)}`;
export const stableDigest = `sha256:${'a'.repeat(64)}`;

/** Written out, so that those who only show a plan do not change when plans do. */
export function samplePlan(): Plan {
  const steps: readonly Step[] = [
    { id: 'prod/1-deploy-gray', kind: 'deploy-gray', replicas: 1, summary: 'deploy v2 gray beside stable' },
    {
      id: 'prod/2-tag',
      kind: 'tag',
      tag: { header: 'x-lane', value: 'gray' },
      summary: 'send requests with x-lane: gray to gray',
    },
    { id: 'prod/3-approval', kind: 'approval', settings: defaultApproval, summary: 'wait for 1 approval(s)' },
    { id: 'prod/4-weight', kind: 'weight', weight: 50, replicas: 1, summary: '50 % of traffic to gray' },
    {
      id: 'prod/5-hold',
      kind: 'hold',
      weight: 50,
      durationMs: 30_000,
      analysis: null,
      summary: 'hold 50 % for 30s',
    },
    { id: 'prod/6-promote', kind: 'promote', summary: 'set stable to v2' },
    { id: 'prod/7-return-traffic', kind: 'return-traffic', summary: 'traffic back to stable' },
    {
      id: 'prod/8-cleanup',
      kind: 'cleanup',
      drainMs: 5_000,
      summary: 'remove the gray objects after a drain of 5s',
    },
  ];
  const target: Target = {
    application: 'web',
    environment: 'prod',
    cluster: 'default',
    namespace: 'shop',
    deployment: 'web',
    container: 'web',
    strategy: 'gray',
    level: 0,
    lane: 'gray',
    gray: 'web-gray',
    image: {
      requested: 'registry.example/shop/web:v2',
      reference: `registry.example/shop/web@${grayDigest}`,
      digest: grayDigest,
      version: 'v2',
    },
    stableImage: 'registry.example/shop/web:v1',
    stableDigest,
    stableReplicas: 2,
    manifest: null,
    route: null,
    probe: null,
    progressDeadlineMs: 600_000,
    grayReplicas: 'auto',
  };
  const stage: Stage = {
    environment: 'prod',
    strategy: 'gray',
    targets: [target],
    steps,
    queue: 'wait',
    queueDeadlineMs: 86_400_000,
    rollbackDeadlineMs: 300_000,
  };
  return {
    stages: [stage],
    warnings: ['No analysis: the steps only wait, nothing is judged.'],
    hash: '7c6beeac470498c9',
  };
}

export function sampleView(changes: Partial<ReleaseView> = {}): ReleaseView {
  const plan = samplePlan();
  return {
    id: releaseId,
    phase: 'waiting_for_approval',
    waitingOn: {
      what: 'an approver to approve web v2 in prod',
      since: startedAt,
      until: '2026-01-03T03:04:05.000Z',
      can: ['approve', 'reject', 'abort'],
      approval: defaultApproval,
    },
    paused: false,
    applications: [{ name: 'web', version: 'v2', digest: grayDigest, stableDigest, grayWeight: 0 }],
    environment: 'prod',
    lane: null,
    plan,
    planHash: plan.hash,
    step: 'prod/3-approval',
    steps: plan.stages[0]!.steps.map(({ id, kind, summary }, i) => ({
      id,
      kind,
      summary,
      state: i < 2 ? 'done' : i === 2 ? 'running' : 'pending',
      startedAt: i <= 2 ? startedAt : null,
      endedAt: i < 2 ? '2026-01-02T03:04:17.000Z' : null,
      result: i === 0 ? '1 pod ready' : null,
    })),
    decisions: [],
    evidence: [],
    initiator: 'ann',
    reason: 'weekly',
    startedAt,
    endedAt: null,
    outcome: null,
    ...changes,
  };
}

export const endedView = (phase: Outcome['phase'], why: Failure | null = null): ReleaseView =>
  sampleView({
    phase,
    waitingOn: null,
    step: null,
    endedAt: '2026-01-02T03:08:05.000Z',
    outcome: { phase, failure: why, left: [] },
  });

export const rejection = failure('approval_rejected', { who: 'ben', reason: 'prices are wrong' });

/** Events 1 to n, the last of which ends the release. */
export function sampleEvents(n: number, ended = true): ReleaseEvent[] {
  return Array.from({ length: n }, (_, i) => ({
    id: i + 1,
    at: new Date(Date.parse(startedAt) + i * 1_000).toISOString(),
    type: ended && i === n - 1 ? 'ended' : 'step',
    step: 'prod/1-deploy-gray',
    message: `event number ${i + 1}`,
  }));
}
