/** The plan of a release: computed purely from the applications, the request and what was observed; printable; it has a hash. */
import type { Application, Environment, ReleaseSettings, Strategy } from './application.js';
import type { AnalysisSettings } from './analysis.js';
import type { ApprovalSettings } from './approval.js';
import type { Calls } from './chain.js';
import { laneWarnings, undeclaredIn, withUndeclared, type GrayVariable } from './consumers.js';
import { milliseconds, type Duration } from './duration.js';
import { hashOf } from './ids.js';
import { laneSteps, laneStepsBack } from './lane-steps.js';
import { edgesIn, leadOf, membersOf, type Member } from './member.js';
import type { WayBack } from './release.js';
import type { Gate } from './stage-order.js';
import { numbered, stepsBack, stepsOf, type Unnumbered } from './steps.js';
import type { AnyRoute, Tag } from './traffic.js';

/** What was seen of one application in one environment before anything was changed. */
export interface Observation {
  readonly application: string;
  readonly environment: string;
  /** false: there is no Deployment yet. */
  readonly exists: boolean;
  /** Image of the released container as the Deployment spells it, or null. */
  readonly stableImage: string | null;
  /** sha256:... that stable runs, as its pods report it or its image spells it; null where unknown. */
  readonly stableDigest: string | null;
  /** Desired replicas of stable. */
  readonly replicas: number;
  readonly readyReplicas: number;
  /** The container whose image is released. */
  readonly container: string;
  /** What does not stand in the way but should be known, for people; they become warnings of the plan. */
  readonly warnings?: readonly string[];
  /** How the live Deployment differs from the declared one. Absent: not at all, or none is declared. */
  readonly drift?: DeploymentDrift;
}

/** Fields that a declared Deployment would set to something else; a release of a Deployment that is there changes only its image. */
export interface DeploymentDrift {
  readonly fields: readonly FieldDrift[];
  /** How many more there are. */
  readonly more: number;
}

export interface FieldDrift {
  /** Such as spec.template.spec.containers[web].resources.limits.memory */
  readonly path: string;
  /** Short JSON, secrets masked; null: not set. */
  readonly live: string | null;
  readonly declared: string | null;
}

export interface ResolvedImage {
  /** As requested: name:tag or name@digest. */
  readonly requested: string;
  /** What is written into manifests: name@sha256:... */
  readonly reference: string;
  readonly digest: string;
  /** Tag where one was given, else the short digest: what people call it. */
  readonly version: string;
}

/** One application in one environment: all that activities need to know. No secrets. */
export interface Target {
  readonly application: string;
  readonly environment: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly deployment: string;
  readonly container: string;
  /** first: there is no stable version, so it is deployed straight. */
  readonly strategy: Strategy | 'first';
  /** How many others of the stage have to be there before: 0 where it calls none of them. */
  readonly level: number;
  /** Requests come to it only through another application of the stage: it gets those with the tag, and no share of its own. */
  readonly inner?: true;
  readonly lane: string;
  /** Name of the gray Deployment and its Service. */
  readonly gray: string;
  readonly image: ResolvedImage;
  readonly stableImage: string | null;
  readonly stableDigest: string | null;
  readonly stableReplicas: number;
  /** First release: created from this where the Deployment does not exist. */
  readonly manifest: Readonly<Record<string, unknown>> | null;
  readonly route: AnyRoute | null;
  readonly probe: ProbeTarget | null;
  readonly progressDeadlineMs: number;
  /** As declared: what a weight that nobody planned asks of gray. */
  readonly grayReplicas: ReleaseSettings['replicas'];
  /** Pods of the new version after each batch; the last is `stableReplicas`. Absent: stable is changed at once. */
  readonly batches?: readonly number[];
  /** Labels of gray pods on top of stable's. */
  readonly grayLabels?: Readonly<Record<string, string>>;
  /** Variables of gray's container on top of stable's, or instead. */
  readonly grayVariables?: readonly GrayVariable[];
  /** How gray is judged, where it is not as the step says; null: not at all. */
  readonly analysis?: AnalysisSettings | null;
}

/** What it takes to move traffic. */
export type Routed = Pick<
  Target,
  'application' | 'environment' | 'cluster' | 'namespace' | 'level' | 'route' | 'probe'
>;

/** An application that is not released, but that requests to the released ones come through: they get the tag at its route. */
export interface Edge extends Routed {
  readonly route: AnyRoute;
}

export interface ProbeTarget {
  readonly entry: string;
  readonly host: string | null;
  readonly tag: Tag;
  /** Gray tracks of the lane of which nobody has said how their consumers are kept apart; empty: it may be called verified. Absent: neither. */
  readonly undeclared?: readonly string[];
  /** Absent: only the version that the entry itself answers with is compared. */
  readonly chain?: ProbedChain;
}

/** What a tagged request has to come through. */
export interface ProbedChain {
  /** Of the answer; see TrafficSettings.chainHeader. */
  readonly header: string;
  readonly members: readonly ChainMember[];
}

export interface ChainMember {
  /** What the chain may call it: the application, or its Deployment. */
  readonly names: readonly string[];
  /** Whether both tracks run the same, so that their answers do not differ. */
  readonly isSame: boolean;
}

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

export interface Plan {
  readonly stages: readonly Stage[];
  /** For people: first release, too little traffic expected, nothing judged ... */
  readonly warnings: readonly string[];
  /** The ended release that it undoes. Absent: an ordinary release. */
  readonly rollbackOf?: string;
  /** Short SHA-256 over everything above; it covers the digests. */
  readonly hash: string;
}

export interface PlanInput {
  readonly applications: readonly PlannedApplication[];
  /** Only this environment; null: all, in order. */
  readonly environment: string | null;
  readonly strategy: Strategy | null;
  readonly lane: string | null;
  /** Of the applications and of all that they call. Default: nobody calls anybody. */
  readonly calls?: Calls;
  /** Applications that the released ones name as edges. */
  readonly edges?: readonly Application[];
  /** Whether each application asks for an approval of its own. Default: those with the same settings ask together. */
  readonly approveEach?: boolean;
  /** By environment. Default none. */
  readonly gates?: ReadonlyMap<string, readonly Gate[]>;
  /** Absent: an ordinary release. */
  readonly rollback?: { readonly of: string; readonly way: WayBack };
}

export interface PlannedApplication {
  readonly spec: Application;
  readonly image: ResolvedImage;
  /** By environment, where it differs from `image`. */
  readonly images?: Readonly<Record<string, ResolvedImage>>;
  readonly observations: readonly Observation[];
}

/** The environments that a release of this application goes through, in their order; a rollback has an order of its own. */
export function environmentsOf(
  spec: Application,
  environment: string | null,
  way?: WayBack,
): readonly Environment[] {
  if (way === undefined)
    return spec.environments.filter((e) => environment === null || e.name === environment);
  const names = way.stages.filter((s) => s.application === spec.name).map((s) => s.environment);
  return names.flatMap((name) => spec.environments.filter((e) => e.name === name));
}

/** Those of all applications, in the order of the stages. */
export const stageNames = (
  specs: readonly Application[],
  environment: string | null,
  way?: WayBack,
): readonly string[] => [
  ...new Set(specs.flatMap((spec) => environmentsOf(spec, environment, way).map((e) => e.name))),
];

export function computePlan(input: PlanInput): Plan {
  const { applications, environment, rollback } = input;
  const warnings: string[] = [...(rollback?.way.warnings ?? [])];
  const specs = applications.map((a) => a.spec);
  const stages = stageNames(specs, environment, rollback?.way).map((name) => stageOf(name, input, warnings));
  if (stages.some((stage) => stage.steps.length > 0) && rollback !== undefined) warnings.push(shortened);
  const body = { stages, warnings, ...(rollback === undefined ? {} : { rollbackOf: rollback.of }) };
  return { ...body, hash: hashOf(body).slice(0, 16) };
}

/** A later look at the stages from `index` on; those before are done and stay as they were planned. */
export function replanned(before: Plan, now: Plan, index: number): Plan {
  const { hash: _, ...rest } = now;
  const body = { ...rest, stages: [...before.stages.slice(0, index), ...now.stages.slice(index)] };
  return { ...body, hash: hashOf(body).slice(0, 16) };
}

const shortened =
  'A rollback has no approval, no weights one after the other, no holds and no analysis: the version was stable here before, so traffic moves as soon as its pods are ready.';

function stageOf(name: string, input: PlanInput, warnings: string[]): Stage {
  const members = membersOf(name, input, warnings);
  const edges = edgesIn(name, members, input);
  const lead = leadOf(members);
  const targets = members.map((m) => m.target);
  const undeclared = undeclaredIn({ targets, edges }, input);
  const settings = members.map((m) => m.settings);
  const longest = (of: (s: ReleaseSettings) => Duration): number =>
    Math.max(...settings.map((s) => milliseconds(of(s))));
  const gates = input.gates?.get(name) ?? [];
  const steps = numbered(name, stageSteps(name, members, edges, input, warnings));
  if (input.rollback === undefined) warnings.push(...laneWarnings(name, steps, undeclared));
  return {
    environment: name,
    ...(gates.length === 0 ? {} : { gates }),
    strategy: lead.target.strategy,
    targets: withUndeclared(targets, undeclared),
    ...(edges.length === 0 ? {} : { edges: withUndeclared(edges, undeclared) }),
    steps,
    queue: lead.settings.queue,
    queueDeadlineMs: longest((s) => s.queueDeadline),
    rollbackDeadlineMs: longest((s) => s.rollbackDeadline),
    ...driftIn(name, input),
  };
}

function driftIn(stage: string, { applications }: PlanInput): Pick<Stage, 'drift'> {
  const found = applications.flatMap(({ spec, observations }) =>
    observations.flatMap(({ environment, drift }) =>
      environment === stage && drift !== undefined ? [[spec.name, drift] as const] : [],
    ),
  );
  return found.length === 0 ? {} : { drift: Object.fromEntries(found) };
}

function stageSteps(
  environment: string,
  members: readonly Member[],
  edges: readonly Edge[],
  { rollback, approveEach = false }: PlanInput,
  warnings: string[],
): Unnumbered[] {
  const [{ target, settings }, ...others] = members as [Member, ...Member[]];
  if (others.length + edges.length > 0)
    return rollback === undefined ? laneSteps(members, edges, approveEach, warnings) : laneStepsBack(members);
  if (rollback === undefined) return stepsOf(target.strategy, settings, target, warnings);
  const back = rollback.way.stages.find((s) => s.environment === environment);
  return stepsBack(target.strategy, settings, target, back?.from ?? null);
}
