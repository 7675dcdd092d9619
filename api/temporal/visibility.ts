/** The list of releases, as Temporal's visibility store knows it: no worker is needed to read it. */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type TypedSearchAttributes,
} from '@temporalio/common';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import type { WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import { failure, type Failure } from '../../domain/failures.js';
import { hashOf, releaseWorkflowId } from '../../domain/ids.js';
import { hasEnded, type Phase, type ReleaseRequest } from '../../domain/release.js';
import { searchAttributes } from '../../workflows/messages.js';
import { throwFailure } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { serverCall } from './errors.js';

export interface ReleaseFilter {
  readonly application?: string;
  readonly environment?: string;
  readonly phase?: Phase;
  readonly limit: number;
  readonly cursor?: string;
}

/** One line of the list. */
export interface ReleaseRow {
  readonly id: string;
  readonly phase: Phase;
  readonly applications: readonly string[];
  readonly images: readonly string[];
  readonly environment: string | null;
  readonly lane: string | null;
  readonly weight: number;
  readonly waitingOn: string | null;
  readonly initiator: string;
  readonly reason: string;
  /** The ended release that it undoes; null: an ordinary release. */
  readonly rollbackOf: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Of its workflow: running, completed, failed (refused), terminated ... */
  readonly status: string;
}

export interface ReleasePage {
  readonly items: readonly ReleaseRow[];
  /** Of the next page; null after the last. */
  readonly cursor: string | null;
}

/** What a release keeps beside its history for readers without a worker. */
export interface ReleaseMemo extends Readonly<Record<string, unknown>> {
  readonly request: ReleaseRequest;
  readonly requestHash: string;
  /** Of the one HTTP request that started it. */
  readonly startedBy: string;
}

export const keys = {
  applications: defineSearchAttributeKey(searchAttributes.applications, SearchAttributeType.KEYWORD_LIST),
  environment: defineSearchAttributeKey(searchAttributes.environment, SearchAttributeType.KEYWORD),
  lane: defineSearchAttributeKey(searchAttributes.lane, SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey(searchAttributes.phase, SearchAttributeType.KEYWORD),
  weight: defineSearchAttributeKey(searchAttributes.weight, SearchAttributeType.INT),
  waitingOn: defineSearchAttributeKey(searchAttributes.waitingOn, SearchAttributeType.KEYWORD),
  initiator: defineSearchAttributeKey(searchAttributes.initiator, SearchAttributeType.KEYWORD),
} as const;

export const quoted = (text: string): string => `'${text.replaceAll(/['"\\]/g, '')}'`;

export function listQuery({ application, environment, phase }: ReleaseFilter): string {
  const wanted = {
    // One of the list is enough.
    [keys.applications.name]: application,
    [keys.environment.name]: environment,
    [keys.phase.name]: phase,
  };
  return [
    "WorkflowType = 'release'",
    // Plans run the same workflow type under ids of their own.
    `WorkflowId STARTS_WITH ${quoted(releaseWorkflowId(''))}`,
    ...Object.entries(wanted).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} = ${quoted(value)}`],
    ),
  ].join(' AND ');
}

/** Running releases first, then the ended ones; in both the newest first. */
export async function listReleases(access: TemporalAccess, filter: ReleaseFilter): Promise<ReleasePage> {
  const { client, namespace } = access;
  const query = listQuery(filter);
  const from = filter.cursor === undefined ? {} : { nextPageToken: tokenOf(filter.cursor, query) };
  const none = (): Failure => failure('internal', { what: 'Temporal has no list' });
  return serverCall(access, none, async () => {
    const request = { namespace, query, pageSize: filter.limit, ...from };
    const { executions, nextPageToken } = await client.workflowService.listWorkflowExecutions(request);
    const converter = client.options.loadedDataConverter;
    const found = await Promise.all(
      executions.map((raw) => executionInfoFromRaw(raw, converter, raw, namespace)),
    );
    return {
      items: found.map((info) => rowOf(info)).filter(isNewest),
      cursor: nextPageToken.length === 0 ? null : cursorOf(nextPageToken, query),
    };
  });
}

/** A refused release leaves its id free, so that an id may have several runs; the last one counts. */
const isNewest = (row: ReleaseRow, i: number, rows: readonly ReleaseRow[]): boolean =>
  rows.findIndex((r) => r.id === row.id) === i;

/** A cursor belongs to one query; Temporal would try a foreign one again and again. */
const cursorOf = (token: Uint8Array, query: string): string => {
  const text = Buffer.from(token).toString('base64url');
  return `${hashOf([text, query]).slice(0, 8)}${text}`;
};

export function tokenOf(cursor: string, query: string): Uint8Array {
  const text = cursor.slice(8);
  if (cursor.slice(0, 8) === hashOf([text, query]).slice(0, 8)) return Buffer.from(text, 'base64url');
  const what = 'The cursor is not one of this list.';
  return throwFailure(
    failure('invalid_field', { what, remedy: 'Begin without a cursor, with the same filter.' }),
  );
}

export function rowOf(
  info: Pick<
    WorkflowExecutionInfo,
    'workflowId' | 'status' | 'startTime' | 'closeTime' | 'memo' | 'typedSearchAttributes'
  >,
): ReleaseRow {
  const attributes: TypedSearchAttributes = info.typedSearchAttributes;
  const request = (info.memo as ReleaseMemo | undefined)?.request;
  const waitingOn = attributes.get(keys.waitingOn);
  return {
    id: info.workflowId.slice(releaseWorkflowId('').length),
    phase: phaseOf(attributes.get(keys.phase), info.status.name),
    applications: request?.applications.map((a) => a.name) ??
      attributes.get(keys.applications) ?? ['unknown'],
    images: request?.applications.map((a) => a.image) ?? [],
    environment: attributes.get(keys.environment) ?? request?.environment ?? null,
    lane: attributes.get(keys.lane) ?? request?.lane ?? null,
    weight: attributes.get(keys.weight) ?? 0,
    waitingOn: waitingOn === undefined || waitingOn === '' ? null : waitingOn,
    initiator: attributes.get(keys.initiator) ?? request?.initiator ?? 'unknown',
    reason: request?.reason ?? '',
    rollbackOf: request?.rollbackOf ?? null,
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    status: info.status.name.toLowerCase(),
  };
}

/** A workflow that was ended from outside left its last phase behind, and nobody goes on with it. */
function phaseOf(said: string | undefined, status: WorkflowExecutionStatusName): Phase {
  const phase = (said ?? 'queued') as Phase;
  return hasEnded(phase) || status === 'RUNNING' ? phase : 'failed';
}
