/** How many releases stand where, for /metrics: counts of the visibility store, which no worker has to answer. */
import { openPhases, type Phase } from '../../domain/release.js';
import { searchAttributes } from '../../workflows/messages.js';
import { serverMs, type TemporalAccess } from './access.js';
import { countPollers } from './errors.js';
import { listQuery, quoted } from './visibility.js';

export type ByPhase = Readonly<Partial<Record<Phase, number>>>;

export interface Standing {
  /** Workers that asked for workflow tasks within about a minute. */
  readonly workers: number;
  readonly open: ByPhase;
  /** Those that wait for longer than they should. */
  readonly overdue: ByPhase;
  /** Age of the oldest wait, milliseconds. */
  readonly oldestMs: ByPhase;
}

const pageSize = 1_000;
/** Beyond this many waiting releases the oldest may be one of those not seen. */
const mostPages = 10;

/** Throws what Temporal throws. */
export async function standing(access: TemporalAccess, now = Date.now()): Promise<Standing> {
  const running = `${listQuery({ limit: 1 })} AND ExecutionStatus = 'Running'`;
  const late = `${running} AND ${searchAttributes.overdueAt} < ${quoted(new Date(now).toISOString())}`;
  return access.client.withDeadline(Date.now() + serverMs, async () => {
    const [workers, open, overdue, oldestMs] = await Promise.all([
      countPollers(access),
      countByPhase(access, running),
      countByPhase(access, late),
      oldestByPhase(access, running, now),
    ]);
    return { workers, open, overdue, oldestMs };
  });
}

/** One count for all, and one for each phase only where there are any: Temporal groups by nothing of ours. */
async function countByPhase({ client }: TemporalAccess, query: string): Promise<ByPhase> {
  const zero = openPhases.map((phase) => [phase, 0] as const);
  if ((await client.workflow.count(query)).count === 0) return Object.fromEntries(zero);
  const phaseIs = (phase: Phase): string => `${query} AND ${searchAttributes.phase} = ${quoted(phase)}`;
  const counts = await Promise.all(openPhases.map((phase) => client.workflow.count(phaseIs(phase))));
  return Object.fromEntries(openPhases.map((phase, i) => [phase, counts[i]!.count]));
}

/** Read without the memo's converter: two attributes of each row are all that is wanted. */
async function oldestByPhase(
  { client, namespace }: TemporalAccess,
  running: string,
  now: number,
): Promise<ByPhase> {
  const query = `${running} AND ${searchAttributes.waitingSince} IS NOT NULL`;
  const oldest: Partial<Record<Phase, number>> = Object.fromEntries(openPhases.map((phase) => [phase, 0]));
  let nextPageToken: Uint8Array = new Uint8Array();
  for (let page = 0; page < mostPages; page++) {
    const request = { namespace, query, pageSize, nextPageToken };
    const answer = await client.workflowService.listWorkflowExecutions(request);
    for (const { searchAttributes: attributes } of answer.executions) {
      const read = (name: string): string | null => textOf(attributes?.indexedFields?.[name]?.data);
      const phase = (read(searchAttributes.phase) ?? 'queued') as Phase;
      const since = Date.parse(read(searchAttributes.waitingSince) ?? '');
      if (!Number.isNaN(since)) oldest[phase] = Math.max(oldest[phase] ?? 0, now - since);
    }
    nextPageToken = answer.nextPageToken;
    if (nextPageToken.length === 0) break;
  }
  return oldest;
}

/** Attributes are JSON, one value or a list of one. */
function textOf(data: Uint8Array | null | undefined): string | null {
  if (data === null || data === undefined) return null;
  const value = JSON.parse(Buffer.from(data).toString('utf8')) as unknown;
  const one: unknown = Array.isArray(value) ? value[0] : value;
  return typeof one === 'string' ? one : null;
}
