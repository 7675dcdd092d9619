/** Where a rollback of an ended release leads: to which environments, and to which version in each. Pure. */
import type { Application } from './application.js';
import { failure, type Failure } from './failures.js';
import { hashOf } from './ids.js';
import { isDigest, parseImage, versionOf } from './image.js';
import type { Plan } from './plan.js';
import type { Stage } from './stage.js';
import type { BackTo, HistoryEntry, ReleaseRequest, ReleaseView, WayBack } from './release.js';

export interface WayBackInput {
  /** Id of the ended release that is undone. */
  readonly release: string;
  /** As it is declared now. */
  readonly application: Application;
  /** Of the application, newest first. */
  readonly history: readonly HistoryEntry[];
  /** A release, a version or a digest (or its first 7 digits or more); null: what was stable before the release. */
  readonly to: string | null;
  /** Only this environment; null: every one that the release changed. */
  readonly environment: string | null;
  /** Names of versions by digest that the history does not know, from `namesIn`. */
  readonly names: Readonly<Record<string, string>>;
}

/** What is to be done in one environment. */
type Choice =
  | { readonly kind: 'back'; readonly to: BackTo }
  /** Nothing has to be done here: a warning beside other environments, the answer where it is so in all. */
  | { readonly kind: 'leave'; readonly why: Failure; readonly warning: string }
  | { readonly kind: 'refuse'; readonly why: Failure };

/**
 * The last environment goes first, because it hurts most. Only versions that were stable in an environment can come back to it: their
 * gates were passed there.
 */
export function wayBack(input: WayBackInput): WayBack | Failure {
  const { application, environment, release } = input;
  const known = application.environments.map((e) => e.name);
  if (environment !== null && !known.includes(environment)) {
    const context = { application: application.name, environment, known };
    return failure('environment_unknown', context, '/environment');
  }
  const choices = environmentsBack(input, known).map((name) => choose(input, name));
  const refusal = choices.find((c) => c.kind === 'refuse');
  if (refusal !== undefined) return refusal.why;
  const stages = choices.flatMap((c) => (c.kind === 'back' ? [c.to] : []));
  const left = choices.flatMap((c) => (c.kind === 'leave' ? [c] : []));
  if (stages.length > 0) return { stages, warnings: left.map((c) => c.warning) };
  const why = 'it left nothing that could be undone.';
  return left[0]?.why ?? failure('rollback_needless', { release, why });
}

/** Of all the applications of a release, the last environment first; where some have nothing to undo, the others go back all the same. */
export function wayBackOfAll(inputs: readonly WayBackInput[]): WayBack | Failure {
  const ways = inputs.map(wayBack);
  const failures = ways.filter((way) => 'code' in way);
  const refusal = failures.find((f) => f.code !== 'rollback_needless' && f.code !== 'rollback_superseded');
  if (refusal !== undefined) return refusal;
  const found = ways.filter((way): way is WayBack => !('code' in way));
  if (found.length === 0) return failures[0]!;
  const rank = (environment: string): number =>
    Math.max(...inputs.map((i) => i.application.environments.findIndex((e) => e.name === environment)));
  const stages = found
    .flatMap((way) => way.stages)
    .toSorted((a, b) => rank(b.environment) - rank(a.environment));
  return { stages, warnings: [...found.flatMap((way) => way.warnings), ...failures.map((f) => f.message)] };
}

/** Where the release has changed something; with `to` also where it only tried. */
function environmentsBack(
  { release, history, environment, to }: WayBackInput,
  known: readonly string[],
): string[] {
  if (environment !== null) return [environment];
  const entries = history.filter((e) => e.release === release && (to !== null || e.phase === 'succeeded'));
  return known.filter((name) => entries.some((e) => e.environment === name)).toReversed();
}

function choose(input: WayBackInput, environment: string): Choice {
  const { release, history, to } = input;
  const application = input.application.name;
  const now = stableNow(history, environment);
  const entry = history.find(
    (e) => e.release === release && e.environment === environment && e.phase === 'succeeded',
  );
  if (to === null && entry === undefined) {
    const why = `it changed nothing in ${environment}.`;
    return { kind: 'refuse', why: failure('rollback_needless', { release, why }) };
  }
  const target = to === null ? entry!.previousDigest : targetOf(input, environment, to);
  if (target === null) {
    return { kind: 'refuse', why: failure('rollback_impossible', { application, environment, release }) };
  }
  if (typeof target !== 'string') return { kind: 'refuse', why: target };
  const version = nameOf(input, environment, target);
  if (target === now?.digest) {
    const why = `${application} in ${environment} runs ${version} already, since ${now.release}${now.rollbackOf === release ? ' rolled it back' : ''}.`;
    return { kind: 'leave', why: failure('rollback_needless', { release, why }), warning: sentence(why) };
  }
  if (to === null && now !== undefined && now.digest !== entry!.digest) {
    const seen = { release, application, environment, version: now.version, by: now.release };
    const why = failure('rollback_superseded', seen);
    return { kind: 'leave', why, warning: `${environment} is left as it is. ${why.message}` };
  }
  const back: BackTo = {
    application,
    environment,
    image: referenceOf(input.application.image, target, version),
    from: now === undefined ? null : nameOf(input, environment, now.digest),
    undoes: to === null ? entry!.digest : null,
  };
  return { kind: 'back', to: back };
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What the last success left there. */
const stableNow = (history: readonly HistoryEntry[], environment: string): HistoryEntry | undefined =>
  history.find((e) => e.environment === environment && e.phase === 'succeeded');

/** The digest that `to` names among those that were stable in the environment. */
function targetOf(input: WayBackInput, environment: string, to: string): string | Failure {
  const { history, application } = input;
  const here = history.filter((e) => e.environment === environment);
  const digests = stableDigests(here);
  const named = here.find((e) => e.release === to && e.phase === 'succeeded');
  if (named !== undefined) return named.digest;
  const asked = to.replace(/^@/, '');
  const matching = digests.filter(
    (digest) =>
      digest === asked ||
      namesOf(input, here, digest).includes(to) ||
      (/^(?:sha\d+:)?[0-9a-f]{7,}$/.test(asked) && beginsWith(digest, asked)),
  );
  const say = (digest: string): string => `${nameOf(input, environment, digest)} (${digest})`;
  const context = { to, application: application.name, environment };
  if (matching.length > 1)
    return failure('rollback_target_ambiguous', { ...context, known: matching.map(say) }, '/to');
  return (
    matching[0] ??
    failure('rollback_target_unknown', { ...context, known: digests.slice(0, 10).map(say) }, '/to')
  );
}

const beginsWith = (digest: string, start: string): boolean =>
  digest.startsWith(start) || digest.slice(digest.indexOf(':') + 1).startsWith(start);

/** Newest first: what succeeded, and what ran before. */
function stableDigests(here: readonly HistoryEntry[]): string[] {
  const seen = here.flatMap((e) => [
    ...(e.phase === 'succeeded' ? [e.digest] : []),
    ...(e.previousDigest === null ? [] : [e.previousDigest]),
  ]);
  return [...new Set(seen)];
}

/** All that people call a digest, the newest first; a short digest is no name. */
function namesOf({ names }: WayBackInput, entries: readonly HistoryEntry[], digest: string): string[] {
  const given = entries.filter((e) => e.digest === digest).map((e) => e.version);
  return [...given, ...(names[digest] === undefined ? [] : [names[digest]])].filter(
    (name) => name !== versionOf(null, digest),
  );
}

function nameOf(input: WayBackInput, environment: string, digest: string): string {
  const here = input.history.filter((e) => e.environment === environment);
  return (
    namesOf(input, here, digest)[0] ?? namesOf(input, input.history, digest)[0] ?? versionOf(null, digest)
  );
}

/** The digest decides; the tag is there for people, who call the version so. */
const referenceOf = (repository: string, digest: string, version: string): string =>
  version === versionOf(null, digest) ? `${repository}@${digest}` : `${repository}:${version}@${digest}`;

/** What the plan of a release saw that stable's images are called: names of versions that Sluice did not release. */
export function namesIn(view: Pick<ReleaseView, 'plan'>): Record<string, string> {
  const targets = (view.plan?.stages ?? []).flatMap((stage) => stage.targets);
  const names = targets.flatMap(({ stableImage, stableDigest }) => {
    const image = stableImage === null || stableDigest === null ? null : parseImage(stableImage);
    const tag = image === null || 'code' in image ? null : image.tag;
    return tag === null || !isDigest(stableDigest ?? '') ? [] : [[stableDigest!, tag] as const];
  });
  return Object.fromEntries(names);
}

/**
 * Key of a rollback that came without one. The same rollback asked for twice is one release for as long as nothing else ended in its
 * environments; what is asked for again after that is a new one.
 */
export function keyOf(
  release: string,
  way: WayBack,
  historyOf: (application: string) => readonly HistoryEntry[],
): string {
  const latest = way.stages.map(
    ({ application, environment }) =>
      historyOf(application).find((e) => e.environment === environment)?.release ?? null,
  );
  return `rollback-${hashOf({ release, stages: way.stages, latest })}`;
}

/**
 * The release that "roll back the application" means: the one whose version runs now. A rollback is none, so that a second one goes
 * one version further back, and not forth to what the first one undid.
 */
export function releaseToUndo(
  history: readonly HistoryEntry[],
  environment: string | null,
): HistoryEntry | undefined {
  return history.find(
    (e) =>
      (environment === null || e.environment === environment) &&
      e.phase === 'succeeded' &&
      e.rollbackOf === undefined &&
      e.digest === stableNow(history, e.environment)?.digest,
  );
}

/** Why the plan of a rollback is refused: what it leads to runs everywhere, whatever the history says. Null: there is something to do. */
export function rollbackNeedless({ stages, rollbackOf }: Plan): Failure | null {
  if (rollbackOf === undefined || stages.some((stage) => stage.steps.length > 0)) return null;
  const all = stages.flatMap(({ targets }) =>
    targets.map((t) => `${t.application} in ${t.environment} runs ${t.image.version} already`),
  );
  return failure('rollback_needless', { release: rollbackOf, why: `${all.join(', ')}.` });
}

/**
 * Why a rollback that had to wait ends: the version that it undoes is not there any more, so nobody has asked for what it would do now.
 * @param first what was seen at the beginning, where no other release held the environment since; else null
 */
export function stableMoved({ wayBack }: ReleaseRequest, now: Stage, first: Stage | null): Failure | null {
  for (const { application, environment, deployment, image, stableDigest } of now.targets) {
    const stage = wayBack?.stages.find((s) => s.environment === environment && s.application === application);
    const undoes = stage?.undoes ?? null;
    const before = first?.targets.find((t) => t.application === application);
    const expected = [undoes, image.digest, before?.stableDigest];
    if (undoes === null || expected.includes(stableDigest)) continue;
    return failure('workload_changed', {
      workload: deployment,
      expected: undoes,
      seen: stableDigest ?? 'an unknown image',
    });
  }
  return null;
}
