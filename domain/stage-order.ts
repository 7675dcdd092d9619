/** Which environments a version has to have passed before it comes to the next one. Pure. */
import type { Application, EnvironmentType } from './application.js';
import { failure, type Failure } from './failures.js';
import type { HistoryEntry, ReleaseRequest } from './release.js';

/** A release that succeeded with these bytes in an environment. */
export interface Pass {
  readonly environment: string;
  readonly digest: string;
  readonly release: string;
  /** When it ended, ISO. */
  readonly at: string;
}

/** An environment that comes before a stage, and how the version got past it. */
export type Gate = { readonly application: string; readonly environment: string } & (
  | { readonly passed: 'before'; readonly release: string; readonly at: string }
  /** By an earlier stage of the same release. */
  | { readonly passed: 'here' }
  | { readonly passed: 'overridden'; readonly by: string; readonly reason: string }
);

/** What a release asks to be told with its turn. */
export interface PassQuestion {
  readonly digest: string;
  readonly environments: readonly string[];
}

/** gray stands beside prod. */
const ranks: Readonly<Record<EnvironmentType, number>> = { test: 0, pre: 1, gray: 2, prod: 2 };

/** As declared by `after`; default: all that stand before it in the list and are of an earlier type. */
export function environmentsBefore({ environments }: Application, name: string): readonly string[] {
  const at = environments.findIndex((e) => e.name === name);
  const environment = environments[at];
  if (environment === undefined) return [];
  const { after, type } = environment;
  return after ?? environments.slice(0, at).flatMap((e) => (ranks[e.type] < ranks[type] ? [e.name] : []));
}

/** The newest pass of every version through these environments; one that was rolled back there does not count. */
export function passesIn(history: readonly HistoryEntry[], environments: readonly string[]): readonly Pass[] {
  const succeeded = history.filter((h) => h.phase === 'succeeded' && environments.includes(h.environment));
  const passes = new Map<string, Pass>();
  for (const { environment, digest, release, endedAt } of succeeded) {
    const isUndone = succeeded.some((h) => h.rollbackOf === release && h.environment === environment);
    const key = `${environment} ${digest}`;
    if (!isUndone && !passes.has(key)) passes.set(key, { environment, digest, release, at: endedAt });
  }
  return [...passes.values()];
}

export interface Arrival {
  readonly application: Application;
  readonly environment: string;
  readonly digest: string;
  /** What people call the version. */
  readonly version: string;
  /** What is known of it. */
  readonly passes: readonly Pass[];
  /** Environments of earlier stages of the same release. */
  readonly here: readonly string[];
  readonly request: Pick<ReleaseRequest, 'override' | 'initiator' | 'reason'>;
}

/** How a version got past what comes before an environment; a failure (`stage_not_passed`) where it did not. */
export function gatesOf(arrival: Arrival): readonly Gate[] | Failure {
  const { application, environment, digest, passes, here, request } = arrival;
  const missing: string[] = [];
  const gates = environmentsBefore(application, environment).flatMap((name): Gate[] => {
    const gate = { application: application.name, environment: name };
    if (here.includes(name)) return [{ ...gate, passed: 'here' }];
    const pass = passes.find((p) => p.environment === name && p.digest === digest);
    if (pass !== undefined) return [{ ...gate, passed: 'before', release: pass.release, at: pass.at }];
    missing.push(name);
    return [{ ...gate, passed: 'overridden', by: request.initiator, reason: request.reason }];
  });
  if (missing.length === 0 || request.override === true) return gates;
  const { version } = arrival;
  const asked = digest.includes(version) ? digest : version;
  const context = { application: application.name, version, asked, environment, missing };
  return failure('stage_not_passed', context, '/environment');
}

/** For people. */
export function gateText(gate: Gate): string {
  const { application, environment } = gate;
  switch (gate.passed) {
    case 'before':
      return `${application} passed ${environment} on ${gate.at.slice(0, 16).replace('T', ' ')} UTC by release ${gate.release}`;
    case 'here':
      return `${application} passes ${environment} before, in this release`;
    case 'overridden':
      return `${application} has not passed ${environment}: overridden by ${gate.by}: ${gate.reason}`;
  }
}
