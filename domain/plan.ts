/** The plan of a release: computed purely from the applications, the request and what was observed; printable; it has a hash. */
import {
  releaseSettings,
  trafficSettings,
  workloadSettings,
  defaultHold,
  type Application,
  type Environment,
  type ReleaseSettings,
  type Strategy,
} from './application.js';
import type { AnalysisSettings } from './analysis.js';
import type { ApprovalSettings } from './approval.js';
import { durationText, milliseconds } from './duration.js';
import { grayName, hashOf } from './ids.js';
import { grayReplicas, type RouteTarget, type Tag } from './traffic.js';

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
  /** Short SHA-256 over everything above; it covers the digests. */
  readonly hash: string;
}

export interface PlanInput {
  readonly applications: readonly PlannedApplication[];
  /** Only this environment; null: all, in order. */
  readonly environment: string | null;
  readonly strategy: Strategy | null;
  readonly lane: string | null;
}

export interface PlannedApplication {
  readonly spec: Application;
  readonly image: ResolvedImage;
  readonly observations: readonly Observation[];
}

/** The environments that a release of this application goes through. */
export function environmentsOf(spec: Application, environment: string | null): readonly Environment[] {
  return spec.environments.filter((e) => environment === null || e.name === environment);
}

export function computePlan(input: PlanInput): Plan {
  const warnings: string[] = [];
  const names = [
    ...new Set(
      input.applications.flatMap((a) => environmentsOf(a.spec, input.environment).map((e) => e.name)),
    ),
  ];
  const stages = names.map((name) => stageOf(name, input, warnings));
  const body = { stages, warnings };
  return { ...body, hash: hashOf(body).slice(0, 16) };
}

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
    if (seen.stableDigest === p.image.digest)
      warnings.push(`Stable of ${p.spec.name} in ${name} already runs ${p.image.version}.`);
  }
  const targets = members.map((m) => targetOf(m.planned, m.environment, m.observation, settings));
  const strategy = strategyOf(settings, observation, `${planned.spec.name} in ${name}`, warnings);
  const steps = numbered(name, stepsOf(strategy, settings, targets[0]!, warnings));
  return {
    environment: name,
    strategy,
    targets,
    steps,
    grayReplicas: settings.replicas,
    queue: settings.queue,
    queueDeadlineMs: milliseconds(settings.queueDeadline),
    rollbackDeadlineMs: milliseconds(settings.rollbackDeadline),
  };
}

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
  const { spec, image } = planned;
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

/** Every member of a union without `id`, kept apart. */
type Unnumbered = Step extends infer S ? (S extends Step ? Omit<S, 'id'> : never) : never;

function stepsOf(
  strategy: Strategy | 'first',
  settings: ReleaseSettings,
  target: Target,
  warnings: string[],
): Unnumbered[] {
  switch (strategy) {
    case 'first':
      return [
        {
          kind: 'deploy-straight',
          summary: `deploy ${target.image.version} straight, there is no stable version`,
        },
      ];
    case 'rolling':
      return [
        ...approvalSteps(settings),
        { kind: 'deploy-straight', summary: `roll ${target.deployment} to ${target.image.version}` },
      ];
    case 'gray':
    case 'canary':
      return graySteps(strategy, settings, target, warnings);
  }
}

function graySteps(
  strategy: 'gray' | 'canary',
  settings: ReleaseSettings,
  target: Target,
  warnings: string[],
): Unnumbered[] {
  if (settings.analysis === null) warnings.push('No analysis: the steps only wait, nothing is judged.');
  const replicasFor = (weight: number): number =>
    settings.replicas === 'auto' ? grayReplicas(target.stableReplicas, weight) : settings.replicas;
  const first = settings.steps[0]?.weight ?? 100;
  const tagged: Unnumbered[] =
    strategy === 'canary'
      ? []
      : [
          {
            kind: 'tag',
            tag: settings.tag,
            summary: `send requests with ${settings.tag.header}: ${settings.tag.value} to gray`,
          },
          ...(target.probe === null
            ? []
            : [{ kind: 'probe', summary: 'ask through the entry, with and without the tag' } as const]),
          ...verifySteps(settings),
        ];
  return [
    {
      kind: 'deploy-gray',
      replicas: replicasFor(first),
      summary: `deploy ${target.image.version} gray beside stable`,
    },
    ...tagged,
    ...approvalSteps(settings),
    ...settings.steps.flatMap((step): Unnumbered[] => {
      const durationMs = milliseconds(step.hold ?? defaultHold);
      return [
        {
          kind: 'weight',
          weight: step.weight,
          replicas: replicasFor(step.weight),
          summary: `${step.weight} % of traffic to gray`,
        },
        {
          kind: 'hold',
          weight: step.weight,
          durationMs,
          analysis: settings.analysis,
          summary: `hold ${step.weight} % for ${durationText(durationMs)}${settings.analysis === null ? '' : ' under analysis'}`,
        },
      ];
    }),
    ...(settings.steps.at(-1)?.weight === 100 ? [] : [wholeTraffic(replicasFor(100))]),
    { kind: 'promote', summary: `set stable to ${target.image.version}` },
    { kind: 'return-traffic', summary: 'traffic back to stable' },
    {
      kind: 'cleanup',
      drainMs: milliseconds(settings.drain),
      summary: `remove the gray objects after a drain of ${settings.drain}`,
    },
  ];
}

/** Stable is changed only while gray carries everything. */
function wholeTraffic(replicas: number): Unnumbered {
  return { kind: 'weight', weight: 100, replicas, summary: '100 % of traffic to gray for the promotion' };
}

function verifySteps(settings: ReleaseSettings): Unnumbered[] {
  const durationMs = milliseconds(settings.verify);
  if (durationMs === 0 || settings.analysis === null) return [];
  const summary = `judge tagged requests for ${durationText(durationMs)}`;
  return [{ kind: 'hold', weight: 0, durationMs, analysis: settings.analysis, summary }];
}

function approvalSteps(settings: ReleaseSettings): Unnumbered[] {
  return settings.approval.required
    ? [
        {
          kind: 'approval',
          settings: settings.approval,
          summary: `wait for ${settings.approval.quorum} approval(s)`,
        },
      ]
    : [];
}

/** Ids are stable for the same plan: <environment>/<n>-<kind>. */
function numbered(environment: string, steps: readonly Unnumbered[]): Step[] {
  return steps.map((step, i) => ({ ...step, id: `${environment}/${i + 1}-${step.kind}` }));
}
