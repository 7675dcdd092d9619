/** An application as its team declares it (YAML or JSON), and the settings that follow from it. */
import type { AnalysisSettings } from './analysis.js';
import type { ApprovalSettings } from './approval.js';
import type { Consumers } from './consumers.js';
import type { Duration } from './duration.js';
import { wayOf, type Enter, type Entry } from './enter.js';
import type { AnyRoute, IngressController, RouterName, Tag } from './traffic.js';
import type { Variable, VariableGroup, Variables } from './variables.js';

export const environmentTypes = ['test', 'pre', 'gray', 'prod'] as const;
export type EnvironmentType = (typeof environmentTypes)[number];

export const strategies = ['gray', 'canary', 'blue-green', 'rolling'] as const;
/**
 * gray: tagged requests first, then weights; canary: weights only; blue-green: tagged requests first, then everything at once, with the
 * old version kept for a while; rolling: the Deployment's own rolling update.
 */
export type Strategy = (typeof strategies)[number];

/**
 * What a release does that finds another one at work. wait: queues behind it. supersede: takes the place of older ones that wait.
 * supersede-running: also of the one at work, unless that one changes stable already. refuse: is refused.
 */
export const queuePolicies = ['wait', 'supersede', 'supersede-running', 'refuse'] as const;
export type QueuePolicy = (typeof queuePolicies)[number];

export const failurePolicies = ['lane', 'alone'] as const;
export type FailurePolicy = (typeof failurePolicies)[number];

export interface Application {
  /** DNS label; also the id of its workflow. */
  readonly name: string;
  /** Repository without tag, e.g. registry.example/shop/web. */
  readonly image: string;
  readonly workload?: WorkloadSettings;
  /** What templates read as `.values`. */
  readonly values?: Values;
  /** Of the released container in the Deployment of a first release. */
  readonly variables?: Variables;
  /** Groups of variables that the cluster has. */
  readonly variablesFrom?: readonly VariableGroup[];
  /** Absent: no traffic to move, so only the strategy rolling. */
  readonly traffic?: TrafficSettings;
  readonly release?: ReleaseInput;
  /** Names of the applications that it calls: they are deployed and promoted before it, where a release has both. */
  readonly dependsOn?: readonly string[];
  /** How what gray takes from message queues is kept apart. Absent: nobody has said, so a lane is not verified. */
  readonly consumers?: Consumers;
  /** In the order of the stages. */
  readonly environments: readonly Environment[];
  /** What it was made of by `sluice new`. Absent: written by hand. A release does not read it. */
  readonly template?: Origin;
}

/** The template of an application, as it was when the application was made of it. */
export interface Origin {
  /** Of its file, without folder and extension. */
  readonly name: string;
  /** First 16 hex digits of the SHA-256 of its file. */
  readonly version: string;
  /** What it read as `.values`. */
  readonly values: Values;
}

export interface Environment {
  readonly name: string;
  readonly type: EnvironmentType;
  /** What a version has to have passed before it comes here. Default: all that stand before and are of an earlier type. */
  readonly after?: readonly string[];
  /** Name of a cluster that some worker serves. Default "default". */
  readonly cluster?: string;
  readonly namespace: string;
  readonly workload?: WorkloadSettings;
  /** Over those of the application, map by map. */
  readonly values?: Values;
  /** Over those of the application, name by name; null takes one away. */
  readonly variables?: Readonly<Record<string, Variable | null>>;
  /** After those of the application. */
  readonly variablesFrom?: readonly VariableGroup[];
  readonly traffic?: Partial<TrafficSettings>;
  /** Instead of the application's. */
  readonly consumers?: Consumers;
  /** What differs here from the application's `release`. */
  readonly release?: ReleaseInput;
}

export interface WorkloadSettings {
  /** Name of the Deployment. Default: the application's. */
  readonly name?: string;
  /** The container whose image is released. Default: the only one, else the one named like the application. */
  readonly container?: string;
  /** A whole apps/v1 Deployment, from which the first release creates it where it does not exist; its image is replaced. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** The same as a template that each environment renders; see docs/reference/templates.md. Not beside `manifest`. */
  readonly template?: string;
  /** Labels that gray pods have on top of those of stable, such as alicloud.service.tag; with {{lane}} and {{tag}}. */
  readonly grayLabels?: Readonly<Record<string, string>>;
}

export type Values = Readonly<Record<string, unknown>>;

export interface TrafficSettings {
  readonly router: RouterName;
  /** With the router ingress, and there only: who serves it. */
  readonly controller?: IngressController;
  /** Name of the HTTPRoute, HTTPProxy, VirtualService or Ingress. Default: the application's. */
  readonly route?: string;
  /** Router contour-include: namespace of that root HTTPProxy. Default: the environment's. */
  readonly routeNamespace?: string;
  /** Router contour-include: name of the HTTPProxy in the environment's namespace that the root includes. Default: the application's. */
  readonly include?: string;
  /** Name of the baseline Service. Default: the application's. */
  readonly service?: string;
  /** Port of the Service. Default 80. */
  readonly port?: number;
  /** Where requests enter, for the probe: http(s)://host[:port]/path. Absent: no probe. */
  readonly entry?: string;
  /** Host header of the probe, where it differs from the entry's host. */
  readonly host?: string;
  /** Header of answers that names all applications they came through, with their versions: `a v2 -> b v1`. Absent: no chain is compared. */
  readonly chainHeader?: string;
  /**
   * Applications that requests come through on their way here: the share is moved at their routes, where requests get the tag that the own
   * route tells them by. Absent: at the own route.
   */
  readonly edges?: readonly string[];
}

export interface WeightStep {
  /** Percent of untagged requests on gray. */
  readonly weight: number;
  /** How long this weight is held and judged. Default 1m. */
  readonly hold?: Duration;
}

/** One batch of a promotion; see domain/batches.ts. */
export interface Batch {
  /** Pods of the new version after it: a number, or a share of stable's replicas from "1%" to "100%", rounded up. */
  readonly pods: number | string;
  /** How long it is looked at. Default 0s: not at all. */
  readonly hold?: Duration;
  /** Whether somebody has to approve before the next, as `approval` says. Default false. */
  readonly approval?: boolean;
}

export interface ReleaseSettings {
  readonly strategy: Strategy;
  /** Label value; gray objects are called <deployment>-<lane>. Default "gray". */
  readonly lane: string;
  /** Default: header x-lane with the lane's name. */
  readonly tag: Tag;
  /** Requests that get the tag at the route of the application. Absent: only those of the share. */
  readonly enter?: Enter;
  /** Whether all that tagged requests come through has to be in the lane. Absent: no. */
  readonly strict?: true;
  /** Strategy gray: how long tagged requests are judged before anybody is asked. Default 0s: not at all. */
  readonly verify: Duration;
  /** Default 10, 25, 50, 100 with 1m each. */
  readonly steps: readonly WeightStep[];
  /** Strategy rolling: pods are changed in these batches. null: as the Deployment's own rolling update does it. Default null. */
  readonly batches: readonly Batch[] | null;
  /** Strategy blue-green, in place of steps: how long the old version is kept, one write away, after the switch. Default 10m. */
  readonly undoWindow: Duration;
  /** Gray replicas: "auto" follows the weight, a number stays. Default auto. */
  readonly replicas: 'auto' | number;
  readonly approval: ApprovalSettings;
  /** null: nothing is judged, the steps only wait. */
  readonly analysis: AnalysisSettings | null;
  /** In a lane, what goes back where this application fails before the promotion: the whole lane, or it alone. Default lane. */
  readonly onFailure: FailurePolicy;
  /** Default wait. */
  readonly queue: QueuePolicy;
  /** How long a release waits in the queue. Default 24h. */
  readonly queueDeadline: Duration;
  /** How long pods may take to become ready. Default 10m. */
  readonly progressDeadline: Duration;
  /** Between traffic leaving gray and gray being removed. Default 5s. */
  readonly drain: Duration;
  /** How long undoing is tried before a person is asked. Default 5m. */
  readonly rollbackDeadline: Duration;
}

export type TagInput = Partial<Tag> & {
  /** One of these is enough to be in the lane. */
  readonly enter?: readonly Entry[];
  /** Whether a lane needs a gray version of all that its requests come through. Default false: what has none answers from stable. */
  readonly strict?: boolean;
};

/** The same with everything optional, one level deep into approval, analysis and tag. */
export type ReleaseInput = Partial<
  Omit<ReleaseSettings, 'approval' | 'analysis' | 'tag' | 'enter' | 'strict'>
> & {
  readonly approval?: Partial<ApprovalSettings>;
  readonly analysis?: Partial<AnalysisSettings> | null;
  readonly tag?: TagInput;
};

export const defaultApproval: ApprovalSettings = {
  required: true,
  quorum: 1,
  approvers: [],
  separationOfDuties: false,
  deadline: '24h',
  onDeadline: 'rollback',
};

export const defaultAnalysis: AnalysisSettings = {
  metrics: [{ name: 'errors', builtin: 'error-rate', max: 1 }],
  interval: '10s',
  window: '1m',
  failureLimit: 0,
  consecutiveErrorLimit: 4,
  onInconclusive: 'rollback',
  inconclusiveDeadline: '30m',
};

export const defaultSteps: readonly WeightStep[] = [10, 25, 50, 100].map((weight) => ({
  weight,
  hold: '1m',
}));
export const defaultHold: Duration = '1m';
export const defaultDrain: Duration = '5s';
/** istiod may keep a change to itself for 10 s (its PILOT_DEBOUNCE_MAX), and nothing tells when it has told its proxies. */
export const istioDrain: Duration = '12s';

/** Where nobody says how long. */
export const drainAt = (router: RouterName | undefined): Duration =>
  router === 'istio' ? istioDrain : defaultDrain;

/** The settings in force for one environment: its own over the application's over the defaults. */
export function releaseSettings(application: Application, environment: Environment): ReleaseSettings {
  const own = application.release ?? {};
  const local = environment.release ?? {};
  const lane = local.lane ?? own.lane ?? 'gray';
  const traffic = trafficSettings(application, environment);
  const analysis = local.analysis !== undefined ? local.analysis : own.analysis;
  const { enter, strict, ...tag }: TagInput = { ...own.tag, ...local.tag };
  return {
    strategy: local.strategy ?? own.strategy ?? (traffic === null ? 'rolling' : 'gray'),
    lane,
    tag: { header: 'x-lane', value: lane, ...tag },
    ...(enter === undefined ? {} : { enter: enter.map(wayOf) }),
    ...(strict === true ? { strict } : {}),
    verify: local.verify ?? own.verify ?? '0s',
    steps: local.steps ?? own.steps ?? defaultSteps,
    batches: local.batches !== undefined ? local.batches : (own.batches ?? null),
    undoWindow: local.undoWindow ?? own.undoWindow ?? '10m',
    replicas: local.replicas ?? own.replicas ?? 'auto',
    approval: { ...defaultApproval, ...own.approval, ...local.approval },
    analysis: analysis === null ? null : { ...defaultAnalysis, ...own.analysis, ...local.analysis },
    onFailure: local.onFailure ?? own.onFailure ?? 'lane',
    queue: local.queue ?? own.queue ?? 'wait',
    queueDeadline: local.queueDeadline ?? own.queueDeadline ?? '24h',
    progressDeadline: local.progressDeadline ?? own.progressDeadline ?? '10m',
    drain: local.drain ?? own.drain ?? drainAt(traffic?.router),
    rollbackDeadline: local.rollbackDeadline ?? own.rollbackDeadline ?? '5m',
  };
}

/** The steps of a strategy; blue-green has one of its own. */
export const stepsFor = (
  strategy: Strategy,
  { steps, undoWindow }: Pick<ReleaseSettings, 'steps' | 'undoWindow'>,
): readonly WeightStep[] => (strategy === 'blue-green' ? [{ weight: 100, hold: undoWindow }] : steps);

export function trafficSettings(
  application: Application,
  environment: Environment,
): (TrafficSettings & { route: string; service: string; port: number }) | null {
  const merged = { ...application.traffic, ...environment.traffic };
  if (merged.router === undefined) return null;
  return {
    ...merged,
    router: merged.router,
    route: merged.route ?? application.name,
    service: merged.service ?? application.name,
    port: merged.port ?? 80,
  };
}

/** The route that the settings name, with gray's Service beside stable's. */
export function routeOf(
  settings: NonNullable<ReturnType<typeof trafficSettings>>,
  at: Pick<AnyRoute, 'cluster' | 'namespace' | 'grayService'> & { readonly application: string },
): AnyRoute {
  const { router, controller, route, routeNamespace, include, service, port } = settings;
  const { application, cluster, namespace, grayService } = at;
  const place = { cluster, namespace, route, stableService: service, grayService, port };
  switch (router) {
    case 'gateway-api':
    case 'contour':
    case 'istio':
      return { router, ...place };
    case 'contour-include': {
      const home = routeNamespace === undefined ? {} : { routeNamespace };
      return { router, ...place, ...home, include: include ?? application };
    }
    // A declaration without the controller is refused.
    case 'ingress':
      return { router, controller: controller ?? 'nginx', ...place };
  }
}

export function workloadSettings(
  application: Application,
  environment: Environment,
): WorkloadSettings & { name: string } {
  const merged = { ...application.workload, ...environment.workload };
  return { ...merged, name: merged.name ?? application.name };
}

/** A declared version of an application; a release keeps the one it began with. */
export interface ApplicationVersion {
  readonly version: number;
  readonly declaredAt: string;
  readonly by: string;
  readonly application: Application;
}
