/** What is left of applications that nobody declares where it is: the releases that left it tell how they were declared. */
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Application } from '../../domain/application.js';
import { failure } from '../../domain/failures.js';
import { canonicalJson, releaseWorkflowId } from '../../domain/ids.js';
import type { Leftover, LeftoverRow, Unseen } from '../../domain/leftover.js';
import type { ReleaseInputs } from '../../domain/release.js';
import { errandsAt, isOf, untouched, type Spot, type Stray } from '../../domain/stray.js';
import type { TemporalAccess } from './access.js';
import { serverCall } from './errors.js';
import { look, statesOf } from './leftovers.js';

export interface Claimed {
  /** Of releases that have ended; the others are never touched. */
  readonly leftovers: readonly Leftover[];
  /** As they were declared. */
  readonly applications: readonly Application[];
  /** Those that stay. */
  readonly rows: readonly LeftoverRow[];
  readonly unseen: readonly Unseen[];
}

/** @param isKnown whether an application is declared there, or belongs to somebody else */
export async function claim(
  access: TemporalAccess,
  strays: readonly Stray[],
  spots: readonly Spot[],
  isKnown: (application: string, spot: Spot) => boolean,
): Promise<Claimed> {
  const states = await statesOf(access, strays);
  const over = strays.flatMap((stray) => {
    const state = states.get(stray.release)!;
    return state === 'running' ? [] : [{ stray, state }];
  });
  const ended = over.filter(({ state }) => state === 'ended').map(({ stray }) => stray.release);
  const applications = await begunWith(access, [...new Set(ended)]);
  const errands = applications.flatMap((application) =>
    errandsAt(
      [application],
      spots.filter((spot) => !isKnown(application.name, spot)),
    ),
  );
  const found = errands.length === 0 ? { leftovers: [], unseen: [] } : await look(access, errands, []);
  const now = await statesOf(access, found.leftovers);
  const leftovers = onceEach(found.leftovers.filter(({ release }) => now.get(release) === 'ended'));
  const rows = over
    .filter(({ stray }) => !leftovers.some((one) => isOf(one, stray)))
    .map(({ stray, state }) => untouched(stray, state));
  return { leftovers, applications, rows, unseen: found.unseen };
}

/** Several declarations of one application find the same. */
const onceEach = (all: readonly Leftover[]): readonly Leftover[] => [
  ...new Map(
    all.map((one) => {
      const { application, cluster, namespace, gray, route } = one.target;
      return [canonicalJson([one.release, application, cluster, namespace, gray, route?.route]), one];
    }),
  ).values(),
];

/** The released applications and those at whose routes they had a share; each declaration once. */
async function begunWith(
  access: TemporalAccess,
  releases: readonly string[],
): Promise<readonly Application[]> {
  const all = await Promise.all(releases.map((id) => inputsOf(access, id).catch(() => null)));
  const declared = all.flatMap((inputs) => [...(inputs?.applications ?? []), ...(inputs?.edges ?? [])]);
  return [...new Map(declared.map((one) => [canonicalJson(one), one])).values()];
}

/** Needs no worker. */
async function inputsOf(access: TemporalAccess, id: string): Promise<ReleaseInputs> {
  const { client, namespace } = access;
  const execution = { workflowId: releaseWorkflowId(id) };
  const { history } = await serverCall(
    access,
    () => failure('release_unknown', { id }),
    () => client.workflowService.getWorkflowExecutionHistory({ namespace, execution, maximumPageSize: 1 }),
  );
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  return decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, payloads);
}
