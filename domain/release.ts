/** What can be read of a release. */
import type { ApprovalSettings, Decision } from './approval.js';
import type { Application, Strategy } from './application.js';
import type { Calls } from './chain.js';
import type { Failure } from './failures.js';
import type { Plan } from './plan.js';
import type { StepKind } from './stage.js';
import type { Pass } from './stage-order.js';
import type { Patience } from './waiting.js';

export const openPhases = [
  'queued',
  'building',
  'deploying',
  'verifying',
  'waiting_for_approval',
  'shifting',
  'holding',
  'promoting',
  'cleaning_up',
  'rolling_back',
  'needs_attention',
] as const;
export const endedPhases = ['succeeded', 'rolled_back', 'cancelled', 'failed'] as const;
export const phases = [...openPhases, ...endedPhases] as const;
export type Phase = (typeof phases)[number];
export type EndedPhase = (typeof endedPhases)[number];

export const hasEnded = (phase: Phase): phase is EndedPhase =>
  (endedPhases as readonly string[]).includes(phase);

/** What a person asked for. */
export interface ReleaseRequest {
  readonly applications: readonly { readonly name: string; readonly image: string }[];
  readonly environment: string | null;
  readonly strategy: Strategy | null;
  readonly lane: string | null;
  readonly reason: string;
  readonly initiator: string;
  /** Whether each application asks for an approval of its own. Default: those with the same approval settings ask together. */
  readonly approveEach?: boolean;
  /** Goes first in the queue. Default false. */
  readonly hotfix?: boolean;
  /** Goes on where the version has not passed the environments before; `reason` says why. Default false. */
  readonly override?: boolean;
  /** The ended release that is undone. Absent: an ordinary release. */
  readonly rollbackOf?: string;
  /** With rollbackOf: where it goes back to. */
  readonly wayBack?: WayBack;
}

/** What a rollback does in each environment, as domain/way-back.ts chose it. */
export interface WayBack {
  /** In this order. */
  readonly stages: readonly BackTo[];
  /** What is left as it is, and why, for people. */
  readonly warnings: readonly string[];
}

export interface BackTo {
  readonly application: string;
  readonly environment: string;
  /** With its digest, and with a tag where the version has a name. */
  readonly image: string;
  /** What people call the version that goes; null where the history does not know it. */
  readonly from: string | null;
  /** Digest that is undone: where a later release has put another one there meanwhile, the rollback ends. Null: whatever is there goes. */
  readonly undoes: string | null;
}

/** Input of the release workflow: the request with the applications as they are declared now. */
export interface ReleaseInputs {
  readonly id: string;
  readonly request: ReleaseRequest;
  readonly applications: readonly Application[];
  /** Of all that the applications call, and of what those call, that is not released. Absent: nothing. */
  readonly calls?: Calls;
  /** Applications that these name as edges and that are not released, as they are declared now. Absent: none. */
  readonly edges?: readonly Application[];
  /** By application, what passed the environments that come before. Absent: the order of the stages is not looked at. */
  readonly passes?: Readonly<Record<string, readonly Pass[]>>;
  /** Ends after the plan, changes nothing, waits for nothing. */
  readonly planOnly: boolean;
  /** When its waits are longer than they should be. Absent: as the defaults say. */
  readonly patience?: Patience;
}

export interface Waiting {
  /** What is awaited, for people. */
  readonly what: string;
  readonly since: string;
  /** Null: without end, which only a paused release and needs_attention are. */
  readonly until: string | null;
  /** What a person can do: approve, reject, resume, skip, abort, retry, abandon. */
  readonly can: readonly string[];
  /** With an approval: what it asks for. */
  readonly approval?: ApprovalSettings;
  /** In a queue: where it stands. */
  readonly queue?: QueuePlace;
}

export interface QueuePlace {
  readonly application: string;
  readonly environment: string;
  /** 1 is next. */
  readonly place: number;
  /** Id of the release before it. */
  readonly behind: string;
  /** When its turn is expected, ISO; null: nobody can tell. The API adds it at each answer. */
  readonly expectedAt?: string | null;
}

export interface StepView {
  readonly id: string;
  readonly kind: StepKind | 'rollback';
  readonly summary: string;
  readonly state: 'pending' | 'running' | 'done' | 'failed' | 'skipped';
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** What came of it, for people. */
  readonly result: string | null;
}

export interface Evidence {
  readonly at: string;
  /** Id of the step; `plan` for what was there before the first. */
  readonly step: string;
  /** manifest, drift, probe, analysis, route, pods ... */
  readonly kind: string;
  readonly summary: string;
  readonly data: unknown;
}

/** One line of what happened; ids count up from 1 without a gap. */
export interface ReleaseEvent {
  readonly id: number;
  readonly at: string;
  readonly type: 'phase' | 'step' | 'decision' | 'steering' | 'traffic' | 'note' | 'ended';
  readonly step: string | null;
  readonly message: string;
}

export interface ReleasedApplication {
  readonly name: string;
  readonly version: string;
  readonly digest: string | null;
  readonly stableDigest: string | null;
  readonly grayWeight: number;
  /** Why it went back by itself, while the others of its lane went on. Absent: it did not. */
  readonly failure?: Failure;
  /** Where its pods are changed in batches. */
  readonly batching?: Batching;
}

/** Pods of one version. */
export interface Revision {
  /** Deployment that runs it. */
  readonly workload: string;
  /** As the Deployment spells it. */
  readonly image: string;
  /** `deployment.kubernetes.io/revision` of that Deployment; null where it has none yet. */
  readonly revision: string | null;
  /** Ready, as last seen. */
  readonly pods: number;
}

/** What runs while a promotion goes in batches. */
export interface Batching {
  readonly old: Revision;
  readonly new: Revision;
}

/** How it ended and why; failure is null after success. */
export interface Outcome {
  readonly phase: EndedPhase;
  readonly failure: Failure | null;
  /** What could not be undone, when it was skipped or abandoned. */
  readonly left: readonly string[];
}

export interface ReleaseView {
  readonly id: string;
  readonly phase: Phase;
  readonly waitingOn: Waiting | null;
  readonly paused: boolean;
  readonly applications: readonly ReleasedApplication[];
  readonly environment: string | null;
  readonly lane: string | null;
  readonly plan: Plan | null;
  readonly planHash: string | null;
  /** Id of the current step. */
  readonly step: string | null;
  readonly steps: readonly StepView[];
  readonly decisions: readonly Decision[];
  readonly evidence: readonly Evidence[];
  readonly initiator: string;
  readonly reason: string;
  /** The ended release that this one undoes. Absent: an ordinary release. */
  readonly rollbackOf?: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: Outcome | null;
}

/** One ended release in an application's history. */
export interface HistoryEntry {
  readonly release: string;
  readonly environment: string;
  readonly version: string;
  readonly digest: string;
  readonly previousDigest: string | null;
  readonly phase: EndedPhase;
  readonly initiator: string;
  readonly reason: string;
  /** The ended release that it undid. Absent: an ordinary release. */
  readonly rollbackOf?: string;
  /** Environments that the version had not passed, which somebody overrode. Absent: none. */
  readonly overrode?: readonly string[];
  readonly startedAt: string;
  readonly endedAt: string;
  /** How long it held the environment. Absent: a worker of another version wrote it. */
  readonly heldMs?: number;
}
