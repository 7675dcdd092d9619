/** Recorded histories: files that a person can read and a replay can repeat. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

// The SDK's own conversion fails where npm installs protobufjs more than once, as it does for this version.
const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.History;

const folder = fileURLToPath(new URL('../histories/', import.meta.url));
const fileOf = (name: string): string => `${folder}${name}.json`;

/**
 * Writes the history to test/histories/<name>.json, without what only this machine has; only when SLUICE_RECORD_HISTORIES is set.
 */
export async function record(client: Client, workflowId: string, name: string): Promise<void> {
  if (process.env['SLUICE_RECORD_HISTORIES'] === undefined) return;
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const own = (key: string, value: unknown): unknown => {
    if (key === 'stackTrace') return '';
    return key === 'identity' && typeof value === 'string' ? value.replace(/@.*/, '@host') : value;
  };
  const plain = History.toObject(History.fromObject(history), {
    longs: String,
    enums: String,
    bytes: String,
  });
  await writeFile(fileOf(name), `${JSON.stringify(plain, own)}\n`);
}

export const historyNames = (): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.replace(/\.json$/, ''));

export const historyText = (name: string): string => readFileSync(fileOf(name), 'utf8');

export const readHistory = (name: string): History =>
  History.fromObject(JSON.parse(historyText(name)) as Record<string, unknown>);

/** The same history as it would have been on a machine with another clock. */
export function withClock(history: History, tell: (ms: number) => number): History {
  const events = history.events.map((event) => {
    const { seconds, nanos } = event.eventTime ?? {};
    const ms = tell(Number(seconds ?? 0) * 1_000 + Math.floor((nanos ?? 0) / 1e6));
    return {
      ...event,
      eventTime: { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1e6) },
    };
  });
  return History.fromObject({ events });
}

/** An event as it is in a file. */
interface Told {
  readonly eventId: string;
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

/**
 * The same history as it would have been if a query had come while a local activity ended, one for each that did: the workflow task was
 * answered with what the activities had come to, and all that followed from that is told in another one.
 */
export function withQueries(name: string): readonly History[] {
  const { events } = JSON.parse(historyText(name)) as { readonly events: readonly Told[] };
  return events.flatMap((event, i) =>
    isLocalActivity(event) ? [History.fromObject({ events: splitAfter(events, i) })] : [],
  );
}

const isLocalActivity = (event: Told): boolean =>
  JSON.stringify(event).includes('"markerName":"core_local_activity"');

const taskKinds = ['SCHEDULED', 'STARTED', 'COMPLETED'].map((kind) => `EVENT_TYPE_WORKFLOW_TASK_${kind}`);

function splitAfter(events: readonly Told[], last: number): readonly unknown[] {
  const before = events.slice(0, last + 1);
  const task = taskKinds.map((kind) => before.findLast(({ eventType }) => eventType === kind)!);
  const completed = task.at(-1)!.eventId;
  const moved = (id: string): string => (Number(id) > last + 1 ? String(Number(id) + taskKinds.length) : id);
  // Of the events of a task those after the marker are told in the new one.
  const inNew = (key: string, id: string, isAfter: boolean): string =>
    isAfter && key === 'workflowTaskCompletedEventId' && id === completed
      ? String(last + 1 + taskKinds.length)
      : moved(id);
  const renumbered = (event: Told, isAfter: boolean): unknown =>
    JSON.parse(JSON.stringify(event), (key, value: unknown) =>
      /eventId$/i.test(key) && typeof value === 'string' ? inNew(key, value, isAfter) : value,
    );
  const added = task.map((event, i) => ({
    ...(JSON.parse(JSON.stringify(event), (key, value: unknown) => {
      if (key === 'eventId') return String(last + 2 + i);
      if (key === 'scheduledEventId') return String(last + 2);
      return key === 'startedEventId' ? String(last + 3) : value;
    }) as object),
    eventTime: before.at(-1)!['eventTime'],
  }));
  const rest = events.slice(last + 1).map((event) => renumbered(event, true));
  return [...before.map((event) => renumbered(event, false)), ...added, ...rest];
}
