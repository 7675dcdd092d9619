/** The list of releases, as Temporal's visibility store knows it: no worker is needed to read it. */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type TypedSearchAttributes,
} from '@temporalio/common';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { failure } from '../../domain/failures.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { Phase, ReleaseRequest } from '../../domain/release.js';
import { searchAttributes } from '../../workflows/messages.js';
import { throwFailure } from '../problems.js';
import { serverMs, type TemporalAccess } from './access.js';
import { call } from './errors.js';

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
}

export const keys = {
  application: defineSearchAttributeKey(searchAttributes.application, SearchAttributeType.KEYWORD),
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
    [keys.application.name]: application,
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
  return call(
    access,
    serverMs,
    () => failure('internal', { what: 'Temporal has no list' }),
    async () => {
      const answer = await client.workflowService.listWorkflowExecutions({
        namespace,
        query: listQuery(filter),
        pageSize: filter.limit,
        ...(filter.cursor === undefined ? {} : { nextPageToken: tokenOf(filter.cursor) }),
      });
      const converter = client.options.loadedDataConverter;
      const found = await Promise.all(
        answer.executions.map((raw) => executionInfoFromRaw(raw, converter, raw, namespace)),
      );
      const token = answer.nextPageToken;
      return {
        items: found.map((info) => rowOf(info)),
        cursor: token.length === 0 ? null : Buffer.from(token).toString('base64url'),
      };
    },
  );
}

function tokenOf(cursor: string): Uint8Array {
  if (/^[A-Za-z0-9_-]+$/.test(cursor)) return Buffer.from(cursor, 'base64url');
  return throwFailure(
    failure('invalid_field', { what: 'The cursor is not one of a list.', remedy: 'Start without a cursor.' }),
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
    phase: (attributes.get(keys.phase) ?? 'queued') as Phase,
    applications: request?.applications.map((a) => a.name) ?? [attributes.get(keys.application) ?? 'unknown'],
    images: request?.applications.map((a) => a.image) ?? [],
    environment: attributes.get(keys.environment) ?? request?.environment ?? null,
    lane: attributes.get(keys.lane) ?? request?.lane ?? null,
    weight: attributes.get(keys.weight) ?? 0,
    waitingOn: waitingOn === undefined || waitingOn === '' ? null : waitingOn,
    initiator: attributes.get(keys.initiator) ?? request?.initiator ?? 'unknown',
    reason: request?.reason ?? '',
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    status: info.status.name.toLowerCase(),
  };
}
