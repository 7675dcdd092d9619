/** A request to roll back an ended release becomes the inputs of a release of its own. */
import type { Actor } from '../domain/approval.js';
import type { Calls } from '../domain/chain.js';
import { releaseIdOfKey } from '../domain/ids.js';
import type { HistoryEntry, ReleaseInputs } from '../domain/release.js';
import { keyOf, namesIn, wayBackOfAll } from '../domain/way-back.js';
import { callsOf, edgesBeside } from './inputs.js';
import { throwFailure } from './problems.js';
import type { Temporal } from './temporal/temporal.js';

export interface RollbackBody {
  readonly to: string | null;
  readonly environment: string | null;
  readonly reason: string;
}

export interface Rollback {
  readonly request: ReleaseInputs['request'];
  readonly applications: ReleaseInputs['applications'];
  /** Of several applications. */
  readonly calls?: Calls;
  /** For a request that came without one. */
  readonly key: string;
}

type Reads = Pick<Temporal, 'endedRelease' | 'readApplication'>;
type Submits = Reads & Pick<Temporal, 'repeatedRelease' | 'submitRelease'>;

/** Where the rollback leads; throws a problem where it makes no sense. */
export async function rollbackOf(
  api: Reads,
  id: string,
  { to, environment, reason }: RollbackBody,
  actor: Actor,
): Promise<Rollback> {
  const view = await api.endedRelease(id);
  const terminated = view.outcome?.failure;
  // Nobody undid anything, and what it had reached is not in the history.
  if (to === null && terminated?.code === 'release_terminated') return throwFailure(terminated);
  const released = await Promise.all(view.applications.map(({ name }) => api.readApplication(name)));
  const names = namesIn(view);
  const way = wayBackOfAll(
    released.map(({ current: { application }, history }) => ({
      release: id,
      application,
      history,
      to,
      environment,
      names,
    })),
  );
  if ('code' in way) return throwFailure(way);
  const concerned = released
    .map(({ current }) => current.application)
    .filter(({ name }) => way.stages.some((s) => s.application === name));
  const environments = [...new Set(way.stages.map((s) => s.environment))];
  const imageOf = (name: string): string => way.stages.find((s) => s.application === name)!.image;
  const request = {
    applications: concerned.map(({ name }) => ({ name, image: imageOf(name) })),
    environment: environments.length === 1 ? environments[0]! : null,
    strategy: null,
    lane: view.lane,
    reason,
    initiator: actor.name,
    hotfix: true,
    rollbackOf: id,
    wayBack: way,
  };
  const historyOf = (name: string): readonly HistoryEntry[] =>
    released.find(({ current }) => current.application.name === name)?.history ?? [];
  const key = keyOf(id, way, historyOf);
  // What somebody removed meanwhile must not stop a rollback.
  const beside = await edgesBeside(api, concerned, request.environment);
  const called = [...concerned, ...(beside.edges ?? [])];
  const calls = called.length === 1 ? {} : { calls: await callsOf(api, called, () => undefined) };
  return { request, applications: concerned, ...calls, ...beside, key };
}

export const withId = ({ key: _, ...rollback }: Rollback, id: string, planOnly: boolean): ReleaseInputs => ({
  id,
  ...rollback,
  planOnly,
});

/** Starts the rollback, or answers the one that was asked for before with the same key. */
export async function rollBack(
  api: Submits,
  id: string,
  body: RollbackBody,
  actor: Actor,
  key: string | null,
): Promise<Awaited<ReturnType<Temporal['submitRelease']>> & { readonly application: string | null }> {
  const { to, environment, reason } = body;
  const asked = { rollbackOf: id, to, environment, reason };
  // First of all, because after the rollback there is nothing left to roll back.
  const repeated = key === null ? null : await api.repeatedRelease(releaseIdOfKey(key), key, asked);
  if (repeated !== null) return { ...repeated, application: null };
  const rollback = await rollbackOf(api, id, body, actor);
  const ownKey = key ?? rollback.key;
  const inputs = withId(rollback, releaseIdOfKey(ownKey), false);
  const same = key === null ? { rollback: ownKey } : asked;
  return { ...(await api.submitRelease(inputs, ownKey, same)), application: rollback.applications[0]!.name };
}
