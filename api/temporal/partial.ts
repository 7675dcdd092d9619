/** What Temporal itself knows of a release: for when no worker answers, or the workflow was ended from outside. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { ReleaseView } from '../../domain/release.js';
import { failure } from '../../domain/failures.js';
import { hasEnded } from '../../domain/release.js';
import { rowOf } from './visibility.js';

/** A release's view without what only its workflow knows. */
export interface PartialRelease extends ReleaseView {
  readonly partial: true;
  /** Why it is partial, for people. */
  readonly note: string;
}

/** @param why nobody told the rest */
export function partialRelease(description: WorkflowExecutionDescription, why: string): PartialRelease {
  const row = rowOf(description);
  return {
    partial: true,
    note: `${why.replace(/\.$/, '')}; this is what Temporal itself knows.`,
    id: row.id,
    phase: row.phase,
    waitingOn:
      row.waitingOn === null ? null : { what: row.waitingOn, since: row.startedAt, until: null, can: [] },
    paused: false,
    applications: row.applications.map((name, i) => ({
      name,
      version: row.images[i] ?? 'unknown',
      digest: null,
      stableDigest: null,
      grayWeight: row.weight,
    })),
    environment: row.environment,
    lane: row.lane,
    plan: null,
    planHash: null,
    step: null,
    steps: [],
    decisions: [],
    evidence: [],
    initiator: row.initiator,
    reason: row.reason,
    ...(row.rollbackOf === null ? {} : { rollbackOf: row.rollbackOf }),
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    outcome: null,
  };
}

/** A workflow that was terminated says "holding" for ever; the truth is that nobody goes on with it, and nothing was undone. */
export function cutOff<V extends ReleaseView>(view: V, endedAt: Date | undefined): V {
  if (hasEnded(view.phase)) return view;
  const left = (view.plan?.stages ?? []).flatMap(({ targets }) =>
    targets.flatMap((t) => [
      `${t.gray} in ${t.namespace}`,
      ...(t.route === null ? [] : [`${t.route.route} in ${t.namespace}`]),
    ]),
  );
  const why = failure('release_terminated', { id: view.id, phase: view.phase, left });
  return {
    ...view,
    phase: 'failed',
    waitingOn: null,
    endedAt: endedAt?.toISOString() ?? null,
    outcome: { phase: 'failed', failure: why, left },
  };
}
