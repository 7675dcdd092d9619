/** The plan of a release: computed purely from the applications, the request and what was observed; printable; it has a hash. */
import {
  releaseSettings,
  trafficSettings,
  workloadSettings,
  type Application,
  type Environment,
  type ReleaseSettings,
  type Strategy,
} from './application.js';
import type { AnalysisSettings } from './analysis.js';
import type { ApprovalSettings } from './approval.js';
import { milliseconds } from './duration.js';
import { grayName, hashOf } from './ids.js';
import type { WayBack } from './release.js';
import { numbered, stepsBack, stepsOf } from './steps.js';
import type { RouteTarget, Tag } from './traffic.js';

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
  readonly lane: string;
  /** Name of the gray Deployment and its Service. */
  readonly gray: string;
  readonly image: ResolvedImage;
  readonly stableImage: string | null;
  readonly stableDigest: string | null;
  readonly stableReplicas: number;
  /** First release: created from this where the Deployment does not exist. */
  readonly manifest: Readonly<Record<string, unknown>> | null;
  readonly route: RouteTarget | null;
  readonly probe: { readonly entry: string; readonly host: string | null; readonly tag: Tag } | null;
  readonly progressDeadlineMs: number;
}

export type Step = { readonly id: string; readonly summary: string } & (
  | { readonly kind: 'deploy-straight' }
  | { readonly kind: 'deploy-gray'; readonly replicas: number }
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'probe' }
  | { readonly kind: 'approval'; readonly settings: ApprovalSettings }
  | { readonly kind: 'weight'; readonly weight: number; readonly replicas: number }
  | {
      readonly kind: 'hold';
      readonly weight: number;
      readonly durationMs: number;
      readonly analysis: AnalysisSettings | null;
    }
  | { readonly kind: 'promote' }
  | { readonly kind: 'return-traffic' }
  | { readonly kind: 'cleanup'; readonly drainMs: number }
);
export type StepKind = Step['kind'];

export interface Stage {
  readonly environment: string;
  /** first: there is no stable version, so it is deployed straight. */
  readonly strategy: Strategy | 'first';
  readonly targets: readonly Target[];
  readonly steps: readonly Step[];
  /** As declared: what a weight that nobody planned asks of gray. */
  readonly grayReplicas: ReleaseSettings['replicas'];
  readonly queue: ReleaseSettings['queue'];
  readonly queueDeadlineMs: number;
  readonly rollbackDeadlineMs: number;
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

export function computePlan(input: PlanInput): Plan {
  const { applications, environment, rollback } = input;
  const warnings: string[] = [...(rollback?.way.warnings ?? [])];
  const names = [
    ...new Set(
      applications.flatMap((a) => environmentsOf(a.spec, environment, rollback?.way).map((e) => e.name)),
    ),
  ];
  const stages = names.map((name) => stageOf(name, input, warnings));
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
  const members = input.applications.flatMap((planned) => {
    const environment = planned.spec.environments.find((e) => e.name === name);
    const observation = planned.observations.find((o) => o.environment === name);
    return environment === undefined || observation === undefined
      ? []
      : [{ planned, environment, observation }];
  });
  // Later lanes widen this to settings per member; one application is all that a release holds today.
  const { planned, environment, observation } = members[0]!;
  const declared = releaseSettings(planned.spec, environment);
  const lane = input.lane ?? declared.lane;
  const settings: ReleaseSettings = {
    ...declared,
    strategy: input.strategy ?? declared.strategy,
    lane,
    tag: input.lane === null ? declared.tag : { ...declared.tag, value: lane },
  };
  for (const { planned: p, observation: seen } of members) {
    warnings.push(...(seen.warnings ?? []));
    const image = imageIn(p, name);
    if (seen.stableDigest === image.digest)
      warnings.push(`Stable of ${p.spec.name} in ${name} already runs ${image.version}.`);
  }
  const targets = members.map((m) => targetOf(m.planned, m.environment, m.observation, settings));
  const strategy = strategyOf(settings, observation, `${planned.spec.name} in ${name}`, warnings);
  const back = input.rollback?.way.stages.find((s) => s.environment === name);
  const steps =
    back === undefined
      ? stepsOf(strategy, settings, targets[0]!, warnings)
      : stepsBack(strategy, settings, targets[0]!, back.from);
  return {
    environment: name,
    strategy,
    targets,
    steps: numbered(name, steps),
    grayReplicas: settings.replicas,
    queue: settings.queue,
    queueDeadlineMs: milliseconds(settings.queueDeadline),
    rollbackDeadlineMs: milliseconds(settings.rollbackDeadline),
  };
}

const imageIn = ({ image, images }: PlannedApplication, environment: string): ResolvedImage =>
  images?.[environment] ?? image;

function strategyOf(
  settings: ReleaseSettings,
  seen: Observation,
  what: string,
  warnings: string[],
): Strategy | 'first' {
  if (!seen.exists) {
    warnings.push(`First release of ${what}: there is no stable version, so it is deployed straight.`);
    return 'first';
  }
  if (seen.readyReplicas === 0 && settings.strategy !== 'rolling') {
    warnings.push(
      `Stable of ${what} has no ready pod, so there is nothing to return to: it is deployed straight.`,
    );
    return 'first';
  }
  return settings.strategy;
}

function targetOf(
  planned: PlannedApplication,
  environment: Environment,
  seen: Observation,
  settings: ReleaseSettings,
): Target {
  const { spec } = planned;
  const image = imageIn(planned, environment.name);
  const workload = workloadSettings(spec, environment);
  const traffic = trafficSettings(spec, environment);
  const cluster = environment.cluster ?? 'default';
  const gray = grayName(workload.name, settings.lane);
  return {
    application: spec.name,
    environment: environment.name,
    cluster,
    namespace: environment.namespace,
    deployment: workload.name,
    container: seen.container,
    lane: settings.lane,
    gray,
    image,
    stableImage: seen.stableImage,
    stableDigest: seen.stableDigest,
    stableReplicas: seen.replicas,
    manifest: seen.exists ? null : (workload.manifest ?? null),
    route:
      traffic === null || settings.strategy === 'rolling'
        ? null
        : {
            router: traffic.router,
            cluster,
            namespace: environment.namespace,
            route: traffic.route,
            stableService: traffic.service,
            grayService: gray,
            port: traffic.port,
          },
    probe:
      traffic?.entry === undefined
        ? null
        : { entry: traffic.entry, host: traffic.host ?? null, tag: settings.tag },
    progressDeadlineMs: milliseconds(settings.progressDeadline),
  };
}
