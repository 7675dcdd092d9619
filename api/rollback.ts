/** A request to roll back an ended release becomes the inputs of a release of its own. */
import type { Actor } from '../domain/approval.js';
import { releaseIdOfKey } from '../domain/ids.js';
import type { ReleaseInputs } from '../domain/release.js';
import { keyOf, namesIn, wayBack } from '../domain/way-back.js';
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
  const { current, history } = await api.readApplication(view.applications[0]!.name);
  const { application } = current;
  const way = wayBack({ release: id, application, history, to, environment, names: namesIn(view) });
  if ('code' in way) return throwFailure(way);
  const [first, ...others] = way.stages;
  const request = {
    applications: [{ name: application.name, image: first!.image }],
    environment: others.length === 0 ? first!.environment : null,
    strategy: null,
    lane: null,
    reason,
    initiator: actor.name,
    hotfix: true,
    rollbackOf: id,
    wayBack: way,
  };
  return { request, applications: [application], key: keyOf(id, way, history) };
}

export const withId = (
  { request, applications }: Rollback,
  id: string,
  planOnly: boolean,
): ReleaseInputs => ({ id, request, applications, planOnly });

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
