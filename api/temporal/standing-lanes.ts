/** Lanes that there are now: what stands in the environments, and what the releases that made it say. */
import { declares, environmentSummaries } from '../../domain/environment.js';
import { lanesIn, type LaneList, type LaneUnseen, type LaneView } from '../../domain/lane-view.js';
import type { ReleaseView } from '../../domain/release.js';
import type { ApplicationView } from '../../workflows/messages.js';
import type { TemporalAccess } from './access.js';
import { applicationsAfter, notDeclared, rowsIn } from './environments.js';
import { readRelease } from './releases.js';

/** Applications that are looked at with one workflow. */
const atOnce = 200;

/** Of one environment, or all. Throws `environment_not_declared`; a cluster that is away is an answer. */
export async function listLanes(access: TemporalAccess, environment?: string): Promise<LaneList> {
  const all: ApplicationView[] = [];
  for await (const view of applicationsAfter(access)) all.push(view);
  const known = environmentSummaries(all).map(({ name }) => name);
  if (environment !== undefined && !known.includes(environment)) return notDeclared(environment, known);
  const at = new Date().toISOString();
  const names = environment === undefined ? known : [environment];
  const looks = await Promise.all(names.map((name) => lookAt(access, name, all)));
  return { at, items: looks.flatMap((l) => l.lanes), unseen: looks.flatMap((l) => l.unseen) };
}

interface Looked {
  readonly lanes: readonly LaneView[];
  readonly unseen: readonly LaneUnseen[];
}

async function lookAt(
  access: TemporalAccess,
  environment: string,
  all: readonly ApplicationView[],
): Promise<Looked> {
  const here = all.filter((view) => declares(view, environment));
  const rows = [];
  for (let from = 0; from < here.length; from += atOnce)
    rows.push(...(await rowsIn(access, environment, here.slice(from, from + atOnce))));
  const releases = rows.flatMap((row) => (row.live?.gray ?? []).map((track) => track.release));
  const unseen = rows.flatMap(({ application, unseen: why }) =>
    why === null ? [] : [{ environment, application, why }],
  );
  return { lanes: lanesIn(environment, here, rows, await viewsOf(access, releases)), unseen };
}

/** One that is not known here, or of which nobody can tell anything now, has none. */
async function viewsOf(
  access: TemporalAccess,
  releases: readonly string[],
): Promise<ReadonlyMap<string, ReleaseView>> {
  const views = new Map<string, ReleaseView>();
  const read = async (id: string): Promise<void> => {
    const view = await readRelease(access, id).catch(() => null);
    if (view !== null) views.set(id, view);
  };
  await Promise.all([...new Set(releases)].map(read));
  return views;
}
