/** The plan of a release: computed purely from the applications, the request and what was observed; printable; it has a hash. */
import type { Application, Environment, ReleaseSettings, Strategy } from './application.js';
import { reachedFrom, type Calls } from './chain.js';
import { undeclaredIn, withUndeclared } from './consumers.js';
import { milliseconds, type Duration } from './duration.js';
import { hashOf } from './ids.js';
import { laneSteps, laneStepsBack } from './lane-steps.js';
import { withAlone } from './leaving.js';
import { edgesIn, leadOf, membersOf, type Member } from './member.js';
import type { WayBack } from './release.js';
import type { Stage } from './stage.js';
import type { Gate } from './stage-order.js';
import { numbered, stepsBack, stepsOf, type Unnumbered } from './steps.js';
import type { Edge, Observation, ResolvedImage } from './target.js';
import { laneWarnings } from './verified.js';

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
  /**
   * As older workers made it: a share that leads to nobody else gets the tag all the same, and of an edge neither its drain nor what all those behind it
   * let in counts. Default false.
   */
  readonly asBefore?: boolean;
  /** Absent: an ordinary release. */
  readonly rollback?: {
    readonly of: string;
    readonly way: WayBack;
    /** Whether release.tag.enter holds, as with older workers. Default false. */
    readonly enters?: boolean;
  };
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

/**
 * Those of all applications, in the order of the stages: none before one that an application has before it. Where two want the opposite,
 * the first that is named has its way.
 */
export function stageNames(
  specs: readonly Application[],
  environment: string | null,
  way?: WayBack,
): readonly string[] {
  const orders = specs.map((spec) => environmentsOf(spec, environment, way).map((e) => e.name));
  const names: string[] = [];
  for (
    let left = [...new Set(orders.flat())];
    left.length > 0;
    left = left.filter((n) => !names.includes(n))
  ) {
    const isNext = (name: string): boolean =>
      orders.every((order) => !order.includes(name) || firstOf(order, left) === name);
    names.push(left.find(isNext) ?? left[0]!);
  }
  return names;
}

const firstOf = (order: readonly string[], left: readonly string[]): string | undefined =>
  order.find((name) => left.includes(name));

export function computePlan(input: PlanInput): Plan {
  const { applications, environment, rollback } = input;
  const specs = applications.map((a) => a.spec);
  const warnings: string[] = [...(rollback?.way.warnings ?? []), ...strangers(specs, input)];
  const stages = stageNames(specs, environment, rollback?.way).map((name) => stageOf(name, input, warnings));
  if (stages.some((stage) => stage.steps.length > 0) && rollback !== undefined) warnings.push(shortened);
  const body = { stages, warnings, ...(rollback === undefined ? {} : { rollbackOf: rollback.of }) };
  return { ...body, hash: hashOf(body).slice(0, 16) };
}

export const stageNamed = ({ stages }: Pick<Plan, 'stages'>, environment: string): Stage | undefined =>
  stages.find((stage) => stage.environment === environment);

/** Callers that meet nobody of those that they call: the stages come one after the other, and nothing keeps the versions together. */
function strangers(
  specs: readonly Application[],
  { environment, calls = {}, rollback }: PlanInput,
): string[] {
  if (rollback !== undefined) return [];
  const placesOf = (spec: Application): readonly string[] =>
    environmentsOf(spec, environment).map((e) => e.name);
  return specs.flatMap((caller) => {
    const called = reachedFrom(caller.name, calls);
    const here = placesOf(caller);
    return specs
      .filter(
        (spec) =>
          spec !== caller && called.has(spec.name) && !placesOf(spec).some((name) => here.includes(name)),
      )
      .map(
        (spec) =>
          `${caller.name} calls ${spec.name}, but they have no environment in common (${here.join(', ')}; ${placesOf(spec).join(', ')}): they are released one after the other, not as a lane. Give their environments the same names.`,
      );
  });
}

/** A later look at the stages from `index` on; those before are done and stay as they were planned. Some may be of nobody any more. */
export function replanned(before: Plan, now: Plan, index: number): Plan {
  const { hash: _, ...rest } = now;
  const later = before.stages.slice(index).flatMap((s) => stageNamed(now, s.environment) ?? []);
  const body = { ...rest, stages: [...before.stages.slice(0, index), ...later] };
  return { ...body, hash: hashOf(body).slice(0, 16) };
}

const shortened =
  'A rollback has no approval, no weights one after the other, no holds and no analysis: the version was stable here before, so traffic moves as soon as its pods are ready.';

function stageOf(name: string, input: PlanInput, warnings: string[]): Stage {
  const members = withAlone(name, membersOf(name, input, warnings), input, warnings);
  const edges = edgesIn(name, members, input);
  const lead = leadOf(members);
  const targets = members.map((m) => m.target);
  const undeclared = undeclaredIn({ targets, edges }, input);
  const settings = members.map((m) => m.settings);
  const longest = (of: (s: ReleaseSettings) => Duration): number =>
    Math.max(...settings.map((s) => milliseconds(of(s))));
  const gates = input.gates?.get(name) ?? [];
  const steps = numbered(name, stageSteps(name, members, edges, input, warnings));
  if (input.rollback === undefined)
    warnings.push(...laneWarnings(name, steps, { targets, edges }, undeclared));
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
    return rollback === undefined
      ? laneSteps(members, edges, approveEach, warnings)
      : laneStepsBack(members, edges);
  if (rollback === undefined) return stepsOf(target.strategy, settings, target, warnings);
  const back = rollback.way.stages.find((s) => s.environment === environment);
  return stepsBack(target.strategy, settings, target, back?.from ?? null);
}
