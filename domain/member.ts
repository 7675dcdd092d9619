/** The applications of a stage: what a release does to each of them, and which of them requests come to. Pure. */
import {
  releaseSettings,
  routeOf,
  stepsFor,
  trafficSettings,
  workloadSettings,
  type Environment,
  type ReleaseSettings,
  type Strategy,
} from './application.js';
import { inBatches } from './batches.js';
import { innerOf, levelsOf, reachedFrom, type Calls } from './chain.js';
import { consumersIn, grayLabels, grayVariables } from './consumers.js';
import { milliseconds } from './duration.js';
import { grayName } from './ids.js';
import { eachOnce } from './enter.js';
import { edgeIn, edgesOf, withEdges } from './edge.js';
import type { PlanInput, PlannedApplication } from './plan.js';
import type { Stage } from './stage.js';
import type { Edge, Observation, ProbeTarget, ResolvedImage, Routed, Target } from './target.js';
import type { RouteTarget, RouterName } from './traffic.js';

/** One application in a stage, with what is known of it. */
interface Seen {
  readonly planned: PlannedApplication;
  readonly environment: Environment;
  readonly observation: Observation;
}

/** One application in a stage, as its steps are computed from. */
export interface Member {
  readonly target: Target;
  readonly settings: ReleaseSettings;
  /** Where requests to it get the tag, if not at its own route. */
  readonly edges: readonly string[];
}

/** Whether it has a gray track beside stable. */
export const hasGray = ({ strategy }: Pick<Target, 'strategy'>): boolean =>
  strategy === 'gray' || strategy === 'canary' || strategy === 'blue-green';

const isEntry = (target: Target): boolean => hasGray(target) && target.inner !== true;

/** What has a share: the routes of these targets that requests come to, and those of the edges. */
export const entriesOf = (
  { edges = [] }: Pick<Stage, 'edges'>,
  targets: readonly Target[],
): readonly Routed[] => [...targets.filter(isEntry), ...edges];

/** Whether requests come to one of them through another, or an edge: then none must meet two versions on its way. */
export const isChained = (targets: readonly Target[]): boolean => targets.some((t) => t.inner === true);

/** Whose settings hold where there can be only one: of the last that requests come to from outside. */
export const leadOf = (members: readonly Member[]): Member =>
  members.findLast(({ target }) => isEntry(target)) ??
  members.findLast(({ target }) => hasGray(target)) ??
  members.at(-1)!;

/** The edges of those with a gray track: where they are released themselves, with one too, they are members and no edges. */
export function edgesIn(stage: string, members: readonly Member[], input: PlanInput): readonly Edge[] {
  const gray = members.filter(({ target }) => hasGray(target));
  if (gray.length === 0) return [];
  const names = new Set(gray.flatMap(({ edges }) => edges));
  for (const { target } of gray) names.delete(target.application);
  const known = [...(input.edges ?? []), ...input.applications.map((a) => a.spec)];
  const targets = gray.map(({ target }) => target);
  const level = Math.max(...targets.map((t) => t.level)) + 1;
  return [...names].sort().flatMap((name) => {
    const spec = known.find((a) => a.name === name);
    const behind = gray.filter(({ edges }) => edges.includes(name));
    const lead = leadOf(gray).settings;
    const told = input.asBefore === true ? lead : { tag: lead.tag, ...entersOf(behind) };
    const edge = spec === undefined ? null : edgeIn(spec, stage, told);
    if (edge === null) return [];
    const { drainMs, ...before } = edge;
    const shown = input.asBefore === true ? before : { ...before, drainMs };
    return [{ ...shown, level, probe: probeOf(edge, targets, null, input) }];
  });
}

/** Who may enter by any of them, each way once. */
function entersOf(members: readonly Member[]): Pick<ReleaseSettings, 'enter'> {
  const enter = eachOnce(members.flatMap(({ settings }) => settings.enter ?? []));
  return enter.length === 0 ? {} : { enter };
}

/** Those that the environment has, called before caller. */
export function membersOf(stage: string, input: PlanInput, warnings: string[]): Member[] {
  const seen = input.applications.flatMap((planned): Seen[] => {
    const environment = planned.spec.environments.find((e) => e.name === stage);
    const observation = planned.observations.find((o) => o.environment === stage);
    return environment === undefined || observation === undefined
      ? []
      : [{ planned, environment, observation }];
  });
  const specs = seen.map(({ planned }) => planned.spec);
  const calls = withEdges(input.calls ?? {}, specs, stage);
  const known = new Set([...specs, ...(input.edges ?? [])].map((spec) => spec.name));
  const levels = levelsOf(
    specs.map((spec) => spec.name),
    calls,
  );
  const members = seen.map((one): Member => {
    const { planned, environment, observation } = one;
    const { name } = planned.spec;
    const image = imageIn(planned, environment.name);
    warnings.push(...(observation.warnings ?? []));
    if (observation.stableDigest === image.digest)
      warnings.push(`Stable of ${name} in ${environment.name} already runs ${image.version}.`);
    const settings = settingsOf(one, input);
    const target = {
      ...targetOf(planned, environment, observation, settings),
      strategy: strategyOf(settings, observation, `${name} in ${environment.name}`, warnings),
      level: levels.get(name)!,
      ...(seen.length === 1 ? {} : { analysis: settings.analysis }),
    };
    const edges = edgesOf(planned.spec, environment).filter((edge) => known.has(edge));
    if (input.rollback !== undefined) return { target, settings, edges };
    return { target: inBatches(target, settings, observation, warnings), settings, edges };
  });
  warnings.push(...rolledWarnings(stage, members, calls));
  return inLane(
    members.toSorted((a, b) => a.target.level - b.target.level),
    calls,
    input,
  );
}

/** Of new versions that requests of the lane meet only when they are promoted. */
function rolledWarnings(stage: string, members: readonly Member[], calls: Calls): string[] {
  const gray = members.filter(({ target }) => hasGray(target));
  const passed = new Set(gray.flatMap(({ target }) => [...reachedFrom(target.application, calls)]));
  const rolled = members
    .map((m) => m.target)
    .filter((t) => t.strategy === 'rolling' && t.stableDigest !== t.image.digest && passed.has(t.application))
    .map((t) => t.application);
  return rolled.length === 0
    ? []
    : [
        `In ${stage} ${rolled.join(', ')} is rolled with the promotion: until then requests of the lane meet its old version.`,
      ];
}

/** Requests come to some of the gray tracks only through others, which have to tell them by the tag. */
function inLane(members: readonly Member[], calls: Calls, input: PlanInput): Member[] {
  const gray = members.map((m) => m.target).filter(hasGray);
  const inner = innerOf(
    gray.map((t) => t.application),
    calls,
  );
  return members.map((member): Member => {
    const { target, settings, edges } = member;
    if (inner.has(target.application) || (hasGray(target) && edges.length > 0))
      return { ...member, target: { ...target, inner: true } };
    const probe = probeOf(target, gray, calls, input);
    const isTagged = hasGray(target) && (inner.size > 0 || target.strategy !== 'canary');
    const marks = isTagged ? marksOf(inner.size > 0, target.route?.router ?? null, settings) : {};
    const { untold: _, ...told } = marks;
    const route =
      target.route === null ? null : { ...target.route, ...(input.asBefore === true ? told : marks) };
    return { ...member, target: { ...target, route, probe } };
  });
}

/**
 * How a route tells the tracks where requests are tagged: alone a canary has no tag to enter by. Whoever enters has to be told from others
 * too, so both come together, but at an Ingress, where a header is only put on a request if its lane needs it. A share that leads to nobody else
 * is not told: with the same tag another release may show there what nobody has approved.
 */
export function marksOf(
  leads: boolean,
  router: RouterName | null,
  { tag, enter }: Pick<ReleaseSettings, 'tag' | 'enter'>,
): Pick<RouteTarget, 'stamps' | 'untold' | 'enter'> {
  const isStamped = leads || (enter !== undefined && router !== 'ingress');
  return {
    ...(isStamped ? { stamps: tag } : {}),
    ...(isStamped && !leads ? { untold: true } : {}),
    ...(enter === undefined ? {} : { enter }),
  };
}

/** A tagged request comes through every gray track that its application leads to; null calls: to all. */
function probeOf(
  { application, probe }: Pick<Routed, 'application' | 'probe'>,
  gray: readonly Target[],
  calls: Calls | null,
  { asBefore }: PlanInput,
): ProbeTarget | null {
  if (probe === null) return null;
  const reached = calls === null ? new Set(gray.map((t) => t.application)) : reachedFrom(application, calls);
  const passed = gray.filter((t) => t.application === application || reached.has(t.application));
  if (probe.chain === undefined) {
    const unseen = passed.map((t) => t.application).filter((name) => name !== application);
    return unseen.length === 0 ? probe : { ...probe, unseen };
  }
  const members = passed.map(({ application: name, deployment, stableDigest, image }) => ({
    names: [name, deployment],
    isSame: stableDigest === image.digest,
    ...(asBefore === true ? {} : { version: image.version }),
  }));
  return { ...probe, chain: { ...probe.chain, members } };
}

function settingsOf(
  { planned, environment }: Seen,
  { lane, strategy, rollback }: PlanInput,
): ReleaseSettings {
  const { enter, ...declared } = releaseSettings(planned.spec, environment);
  const chosen = strategy ?? declared.strategy;
  // What comes back gets everything at once: there is no lane to enter, nor one of others that would be in its way.
  const isEntered = enter !== undefined && (rollback === undefined || rollback.enters === true);
  return {
    ...declared,
    ...(isEntered ? { enter } : {}),
    strategy: chosen,
    steps: stepsFor(chosen, declared),
    lane: lane ?? declared.lane,
    tag: lane === null ? declared.tag : { ...declared.tag, value: lane },
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
): Omit<Target, 'strategy' | 'level'> {
  const { spec } = planned;
  const image = imageIn(planned, environment.name);
  const workload = workloadSettings(spec, environment);
  const traffic = trafficSettings(spec, environment);
  const cluster = environment.cluster ?? 'default';
  const gray = grayName(workload.name, settings.lane);
  const words = { lane: settings.lane, tag: settings.tag.value };
  const variables = grayVariables(consumersIn(spec, environment), words);
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
        : routeOf(traffic, {
            application: spec.name,
            cluster,
            namespace: environment.namespace,
            grayService: gray,
          }),
    probe:
      traffic?.entry === undefined
        ? null
        : {
            entry: traffic.entry,
            host: traffic.host ?? null,
            tag: settings.tag,
            ...(traffic.chainHeader === undefined
              ? {}
              : { chain: { header: traffic.chainHeader, members: [] } }),
          },
    progressDeadlineMs: milliseconds(settings.progressDeadline),
    grayReplicas: settings.replicas,
    ...grayLabels(workload.grayLabels, words),
    ...(variables.length === 0 ? {} : { grayVariables: variables }),
  };
}
