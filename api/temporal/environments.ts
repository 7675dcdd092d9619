/** Environments, of which nothing is declared by itself: they are what the applications say they are. */
import {
  declares,
  environmentRow,
  environmentSummaries,
  placeIn,
  type EnvironmentRow,
  type EnvironmentSummary,
  type EnvironmentView,
} from '../../domain/environment.js';
import { failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { Phase } from '../../domain/release.js';
import type { ApplicationView } from '../../workflows/messages.js';
import { nearest } from '../nearest.js';
import { problemOf, ProblemError } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { applicationNames, find } from './applications.js';
import { serverCall } from './errors.js';
import { sightsOf, type Sighted } from './sights.js';
import { quoted, rowOf } from './visibility.js';

export interface EnvironmentPage {
  /** Sorted by name. */
  readonly items: readonly EnvironmentSummary[];
  /** Of the next page; null after the last. */
  readonly cursor: string | null;
}

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** Applications that are read at once. */
const atOnce = 100;

/** Asks no cluster. */
export async function listEnvironments(
  access: TemporalAccess,
  { limit, cursor = '' }: PageRequest,
): Promise<EnvironmentPage> {
  const all: ApplicationView[] = [];
  for await (const view of applicationsAfter(access)) all.push(view);
  const later = environmentSummaries(all).filter(({ name }) => name > cursor);
  const items = later.slice(0, limit);
  return { items, cursor: later.length > limit ? items.at(-1)!.name : null };
}

/** A page of one environment, with a look at its clusters. Throws `environment_not_declared`; a cluster that is away is an answer. */
export async function readEnvironment(
  access: TemporalAccess,
  name: string,
  page: PageRequest,
): Promise<EnvironmentView> {
  const { found, others, more } = await declaring(access, name, page);
  // After a cursor it may only be over.
  if (found.length === 0 && page.cursor === undefined) return notDeclared(name, others);
  const at = new Date().toISOString();
  const items = await rowsIn(access, name, found);
  const last = found.at(-1)?.current.application.name ?? null;
  return { name, at, items, cursor: more ? last : null };
}

/** Of applications that declare the environment, with a look at its clusters. */
export async function rowsIn(
  access: TemporalAccess,
  name: string,
  found: readonly ApplicationView[],
): Promise<readonly EnvironmentRow[]> {
  const places = found.flatMap((view) => placeIn(view, name) ?? []);
  const here = found.flatMap((view) => view.environments.filter((e) => e.name === name));
  const running = here.flatMap((e) => e.running ?? []);
  const [sights, phases] = await Promise.all([sightsOf(access, places), phasesOf(access, running)]);
  const rows = await Promise.all(
    found.map((view) => rowFor(access, name, view, sights(view.current.application.name), phases)),
  );
  return rows.filter((row) => row !== null);
}

/** Drift counts only where it is also drift by what the application says afterwards: a release may have begun or ended meanwhile. */
async function rowFor(
  access: TemporalAccess,
  name: string,
  view: ApplicationView,
  sight: Sighted,
  phases: ReadonlyMap<string, Phase>,
): Promise<EnvironmentRow | null> {
  const row = environmentRow(view, name, sight, phases);
  if (row === null || row.drift.length === 0) return row;
  const after = await find(access, row.application).catch(() => null);
  const again = after === null ? null : environmentRow(after, name, sight, phases);
  return again === null ? row : { ...again, drift: again.drift.filter((text) => row.drift.includes(text)) };
}

interface Declaring {
  /** Those that declare the environment, sorted by name. */
  readonly found: readonly ApplicationView[];
  /** All environments of those that were read on the way. */
  readonly others: readonly string[];
  /** Whether one more declares it. */
  readonly more: boolean;
}

async function declaring(
  access: TemporalAccess,
  name: string,
  { limit, cursor }: PageRequest,
): Promise<Declaring> {
  const found: ApplicationView[] = [];
  const others = new Set<string>();
  for await (const view of applicationsAfter(access, cursor)) {
    for (const e of view.current.application.environments) others.add(e.name);
    if (!declares(view, name)) continue;
    if (found.length === limit) return { found, others: [...others], more: true };
    found.push(view);
  }
  return { found, others: [...others].sort(), more: false };
}

/** In the order of their names; only those whose workers are ours: others that share the namespace may never answer. */
export async function* applicationsAfter(
  access: TemporalAccess,
  cursor = '',
): AsyncGenerator<ApplicationView> {
  const known = await applicationNames(access, Infinity, access.taskQueue);
  const names = known.filter((name) => name > cursor);
  for (let from = 0; from < names.length; from += atOnce) {
    const views = await Promise.all(names.slice(from, from + atOnce).map((name) => find(access, name)));
    yield* views.filter((view) => view !== null);
  }
}

/** Of releases at work, as the visibility store knows them; empty where it does not answer. */
async function phasesOf(
  access: TemporalAccess,
  releases: readonly string[],
): Promise<ReadonlyMap<string, Phase>> {
  const phases = new Map<string, Phase>();
  if (releases.length === 0) return phases;
  const ids = [...new Set(releases)].map((id) => quoted(releaseWorkflowId(id))).join(', ');
  const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${ids})`;
  const unexpected = () => failure('internal', { what: 'Temporal has no list' });
  await serverCall(access, unexpected, async () => {
    for await (const info of access.client.workflow.list({ query })) {
      const { id, phase } = rowOf(info);
      phases.set(id, phase);
    }
  }).catch(() => undefined);
  return phases;
}

/** 404 with the names that are known, and the one that was likely meant. */
export function notDeclared(environment: string, known: readonly string[]): never {
  const like = nearest(environment, known);
  const problem = problemOf(failure('environment_not_declared', { environment, known }));
  throw new ProblemError(
    like === undefined ? problem : { ...problem, remedy: `Did you mean "${like}"? ${problem.remedy}` },
  );
}
