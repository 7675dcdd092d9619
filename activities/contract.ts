/**
 * What workflows may ask of the world. Every activity is safe to run twice: writes are absolute and compare-and-set.
 * An activity fails only with a failure of the catalogue (see activities/failure.ts): terminal ones are not retried.
 */
import type { AnalysisResult, AnalysisSettings } from '../domain/analysis.js';
import type { Application, Strategy } from '../domain/application.js';
import type { Told } from '../domain/edge.js';
import type { Errand, ErrandReport } from '../domain/diagnosis.js';
import type { Sight, SurveyErrand } from '../domain/environment.js';
import type { Failure } from '../domain/failures.js';
import type { Found, LeftoverErrand } from '../domain/leftover.js';
import type { FoundStrays, StrayErrand } from '../domain/stray.js';
import type { Observation, ResolvedImage, Target } from '../domain/target.js';
import type { QuietQuestion } from '../domain/quiet.js';
import type { Batching, Evidence } from '../domain/release.js';
import type { AnyRoute, RouteTarget, Traffic } from '../domain/traffic.js';

/** Evidence without its step, which the workflow knows. */
export type Finding = Omit<Evidence, 'step'>;

export interface ObserveInput {
  readonly application: Application;
  readonly environment: string;
  readonly lane: string | null;
  /** What the request asks for instead of the declared one; decides whether a route is looked at. */
  readonly strategy?: Strategy | null;
  /** Only its route is looked at, for the share of an application behind it. */
  readonly guest?: Told;
  /** Whether it is a rollback, which makes no batches and lets nobody enter. Default false. */
  readonly back?: boolean;
}

export interface ObserveResult {
  readonly observation: Observation | null;
  /** Everything that stands in the way; a release with problems is refused. */
  readonly problems: readonly Failure[];
  /** What a release has noted on the route. Absent: none has, or no route was looked at. */
  readonly held?: Held;
}

/** A release that holds a route, as it sees it. */
export interface Held {
  readonly release: string;
  readonly route: AnyRoute;
}

/** What the pre-flight finds out about a route. */
export interface RouteLook {
  readonly problems: readonly Failure[];
  /** Null: nobody holds it, or it is an Ingress. */
  readonly held: Held | null;
}

export interface WorkloadInput {
  readonly release: string;
  readonly target: Target;
}

export interface ProbeInput {
  readonly release: string;
  /** Without an image it is not released itself, so that both may answer with the same version. */
  readonly target: Pick<Target, 'probe'> & Partial<Pick<Target, 'stableDigest' | 'image'>>;
}

export interface GrayInput extends WorkloadInput {
  /** At least so many pods; a track that has more is never made smaller, requests may be on their way to it. */
  readonly replicas: number;
  /** Percent of untagged requests that gray is to carry as well as stable's pods of now do. Absent: `replicas` is enough. */
  readonly weight?: number;
}

export interface RemovalInput extends WorkloadInput {
  /** How long connections get to end, ms. Default 0. */
  readonly drainMs?: number;
  /** Then the route is put back as by `restoreRoute`. Default false. */
  readonly leaves?: boolean;
  /** Then the metrics are asked whether requests still come, and for a while that is waited for. Absent: nobody is asked. */
  readonly quiet?: QuietQuestion;
  /** Nothing but what this very release made. Default false: what earlier ones left under the same name goes too. */
  readonly only?: true;
}

export interface WorkloadResult {
  /** Whether something was written; false when all was already so. */
  readonly changed: boolean;
  readonly findings: readonly Finding[];
  /** Where its pods are changed in batches: what runs now. */
  readonly batching?: Batching;
}

export interface GrayResult extends WorkloadResult {
  /** Pods that gray was brought to. */
  readonly replicas: number;
  /** What stable was asked to have when gray was sized; null: nobody looked, or there is none. */
  readonly stableReplicas: number | null;
}

export interface BatchInput extends WorkloadInput {
  /** Pods of the new version that there are to be; never made fewer. */
  readonly pods: number;
}

export interface TrafficInput<Route extends AnyRoute = RouteTarget> {
  readonly release: string;
  readonly route: Route;
  readonly traffic: Traffic;
  /**
   * Counts up within a release. A write older than what the route carries changes nothing, so that a late attempt can never undo a
   * newer one.
   */
  readonly seq: number;
  /** Refuse (`gray_too_small`) where gray has fewer ready endpoints than its share of stable's. Default false. */
  readonly sized?: boolean;
  /** Gray was just made to have so many pods: endpoints of all are waited for, as long as those of a first share. Absent: it was not. */
  readonly grown?: number;
  /** What requests of the share come to further on, in the same cluster: nothing is written while gray of one has no ready endpoint. */
  readonly behind?: readonly Behind[];
}

export interface Behind {
  readonly application: string;
  readonly route: AnyRoute;
  /** As of the entry. */
  readonly grown?: number;
}

export interface TrafficResult {
  readonly changed: boolean;
  readonly before: Traffic;
  readonly after: Traffic;
  /** What somebody else changed on the route since the last write, for people. */
  readonly foreign: readonly string[];
  /** Which of `behind` has no ready endpoint. Absent: all have some. */
  readonly unready?: Behind;
}

export interface RestoreResult extends TrafficResult {
  /** Whether gray is still in the route, with weight 0. */
  readonly stays: boolean;
}

export interface RouteInput<Route extends AnyRoute = RouteTarget> {
  readonly release: string;
  readonly route: Route;
}

export interface RestoreInput<Route extends AnyRoute = RouteTarget> extends RouteInput<Route> {
  /** Gray that has carried traffic stays in it with weight 0, where the data plane needs time, until the next call. Default false. */
  readonly stays?: boolean;
  /**
   * The tag goes on being taken off requests until the next call: what they come to further on may still have a rule for it. Default false; an
   * Ingress takes nothing off.
   */
  readonly strips?: boolean;
  /**
   * Deployment of stable, in the route's namespace, of which a promotion may be under way. Where its rollout may leave no pod of it, its Service
   * counts as without ready endpoints: those that are told of may be about to go. Absent: none.
   */
  readonly promoted?: string;
}

export interface AnalyseInput {
  readonly release: string;
  readonly target: Target;
  /** Null: nothing is measured, and gray is only watched: where somebody removes it, that is a failing verdict. */
  readonly settings: AnalysisSettings | null;
  /** Others in the same cluster whose gray is watched as well. Default: none. */
  readonly beside?: readonly Target[];
  /** When the analysis ends, ISO; null: it guards until it is cancelled. */
  readonly until: string | null;
  /** When the gray track was deployed, ISO: no query looks further back, where an earlier one of its name may have left counts. */
  readonly since?: string;
  /** The guard's write: what goes back to stable on a failing verdict; null where no traffic is at stake. */
  readonly guard: { readonly routes: readonly AnyRoute[]; readonly seq: number } | null;
  /** It may last for days, beside many others: it beats seldom, and a worker that died is missed late. Default false. */
  readonly patient?: boolean;
}

export interface AnalyseResult extends AnalysisResult {
  /** Somebody removed gray. Absent: it failed by its numbers, or not at all. */
  readonly lost?: true;
  /** Application whose gray that was. Absent: the target's. */
  readonly whose?: string;
  readonly findings: readonly Finding[];
}

export interface Activities {
  /** Resolves a tag to its digest. */
  resolveImage(input: { readonly image: string; readonly repository: string }): Promise<ResolvedImage>;
  /** Looks at one application in one environment and checks that it can be released there; changes nothing. */
  observe(input: ObserveInput): Promise<ObserveResult>;

  /** Creates the gray Service and Deployment, or makes it larger, and waits until all replicas are available. Heartbeats. */
  deployGray(input: GrayInput): Promise<GrayResult>;
  /**
   * Brings the pods of the new version to `pods`, then those of stable to the rest of its replicas, and waits for both: never fewer in all
   * than stable's replicas. Fails with `replicas_changed` where somebody else has scaled stable. Heartbeats.
   */
  deployBatch(input: BatchInput): Promise<WorkloadResult>;
  /**
   * After the last batch: sets stable's image while it has no pod, brings it to `pods`, then those of the batches to the rest of the
   * replicas. Heartbeats.
   */
  promoteBatch(input: BatchInput): Promise<WorkloadResult>;
  /** Creates stable from its manifest, or sets its image, and waits until it is available. Heartbeats. */
  deployStable(input: WorkloadInput): Promise<WorkloadResult>;
  /** Puts stable back to the image and the replicas that it had (or removes what a first release created) and waits. Heartbeats. */
  revertStable(input: WorkloadInput): Promise<WorkloadResult>;
  /** Takes gray away, in this order: see RemovalInput; then to zero pods, and when those are gone all its objects. Heartbeats. */
  removeGray(input: RemovalInput): Promise<WorkloadResult>;

  /**
   * Takes the route in hand: the gray Service joins it with weight 0, what it was is kept in an annotation. Beside an Ingress a canary is made.
   */
  prepareRoute(input: RouteInput<AnyRoute> & { readonly seq: number }): Promise<TrafficResult>;
  /** Moves traffic; never to a track without ready endpoints (`endpoints_missing`). */
  setTraffic(input: TrafficInput<AnyRoute>): Promise<TrafficResult>;
  /** The same for several routes, beside each other; null for each that did not work, of which `setTraffic` then says why. */
  setTrafficTogether(inputs: readonly TrafficInput<AnyRoute>[]): Promise<readonly (TrafficResult | null)[]>;
  /** Puts the user's route back exactly as it was found, but for what others changed meanwhile. */
  restoreRoute(input: RestoreInput<AnyRoute>): Promise<RestoreResult>;

  /** Sends a tagged and an untagged request through the real entry. */
  probe(input: ProbeInput): Promise<{ readonly findings: readonly Finding[] }>;
  /** Checks the metrics until `until`, and watches that gray is there; on failing it first returns traffic to stable itself, then reports. Heartbeats. */
  analyse(input: AnalyseInput): Promise<AnalyseResult>;

  /** Looks at a cluster, or at what an application needs there, and says what is wrong and how to mend it; changes nothing. */
  diagnose(errand: Errand): Promise<ErrandReport>;
  /**
   * Looks at what stands in each place of a cluster; changes nothing. Answers one sight for each place within five seconds, also where the
   * cluster is away: then it says why.
   */
  survey(errand: SurveyErrand): Promise<readonly Sight[]>;
  /** Looks for objects and routes that carry the mark of any release, those at work too; changes nothing. What is away is told. */
  findLeftovers(errand: LeftoverErrand): Promise<Found>;
  /** The same in a whole namespace, for objects of applications of which nothing is known; changes nothing. What is away is told. */
  findStrays(errand: StrayErrand): Promise<FoundStrays>;
}
