/** One environment of a plan, with its steps in order. */
import type { AnalysisSettings } from './analysis.js';
import type { ReleaseSettings, Strategy } from './application.js';
import type { ApprovalSettings } from './approval.js';
import type { Gate } from './stage-order.js';
import type { DeploymentDrift, Edge, Target } from './target.js';
import type { Tag } from './traffic.js';

export type Step = {
  readonly id: string;
  readonly summary: string;
  /** Applications that it concerns. Absent: all of the stage. */
  readonly of?: readonly string[];
} & (
  | { readonly kind: 'deploy-straight' }
  | ({ readonly kind: 'deploy-gray' } & Size)
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'probe' }
  | { readonly kind: 'approval'; readonly settings: ApprovalSettings }
  | ({ readonly kind: 'weight'; readonly weight: number } & Size)
  | {
      readonly kind: 'hold';
      readonly weight: number;
      /** Pods of the new version, where a batch is held. */
      readonly pods?: number;
      readonly durationMs: number;
      readonly analysis: AnalysisSettings | null;
    }
  | { readonly kind: 'batch'; readonly pods: number }
  | { readonly kind: 'promote' }
  | { readonly kind: 'return-traffic' }
  | { readonly kind: 'cleanup'; readonly drainMs: number }
);
export type StepKind = Step['kind'];

/** Gray pods that a step needs. */
export interface Size {
  readonly replicas: number;
  /** By application, where there are several; `replicas` is the largest then. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** How long connections get to end. */
export const drainMsOf = ({ steps }: Pick<Stage, 'steps'>): number =>
  steps.flatMap((step) => (step.kind === 'cleanup' ? [step.drainMs] : []))[0] ?? 0;

/** The targets that a step concerns, called before caller. */
export const concerned = ({ targets }: Pick<Stage, 'targets'>, { of }: Pick<Step, 'of'>): readonly Target[] =>
  of === undefined ? targets : targets.filter((t) => of.includes(t.application));

export interface Stage {
  readonly environment: string;
  /** How the versions got past the environments that come before. Absent: none does. */
  readonly gates?: readonly Gate[];
  /** Of the application that the requests come to. */
  readonly strategy: Strategy | 'first';
  /** Called before caller. */
  readonly targets: readonly Target[];
  /** Where requests get the tag besides. Absent: nowhere. */
  readonly edges?: readonly Edge[];
  readonly steps: readonly Step[];
  readonly queue: ReleaseSettings['queue'];
  readonly queueDeadlineMs: number;
  readonly rollbackDeadlineMs: number;
  /** By application. Absent: no Deployment differs from what is declared of it. */
  readonly drift?: Readonly<Record<string, DeploymentDrift>>;
}
