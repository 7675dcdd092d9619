/** What a release acts on: one application in one environment, as it was seen and as it is to be. */
import type { ReleaseSettings, Strategy } from './application.js';
import type { AnalysisSettings } from './analysis.js';
import type { GrayVariable } from './consumers.js';
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
  /** Where it fails before the promotion it goes back by itself, and the others go on. Absent: all go back. */
  readonly alone?: true;
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
  /** How long its proxies may take to hear of a change, ms. Absent: an older worker planned it. */
  readonly drainMs?: number;
}

export interface ProbeTarget {
  readonly entry: string;
  readonly host: string | null;
  readonly tag: Tag;
  /** Gray tracks of the lane of which nobody has said how their consumers are kept apart; empty: it may be called verified. Absent: neither. */
  readonly undeclared?: readonly string[];
  /** Gray tracks behind the entry of which no answer tells. Absent: none. */
  readonly unseen?: readonly string[];
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
  /** What gray runs, as its image is called; the application need not call it so. Absent: an older worker planned it. */
  readonly version?: string;
}
