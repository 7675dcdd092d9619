/** Recorded histories: files that a person can read and a replay can repeat. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';

// The SDK's own conversion fails where npm installs protobufjs more than once, as it does for this version.
const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.History;

const folder = fileURLToPath(new URL('../histories/', import.meta.url));
const fileOf = (name: string): string => `${folder}${name}.json`;

/** Without what only this machine has. */
export async function writeHistory(
  name: string,
  history: proto.temporal.api.history.v1.IHistory,
): Promise<void> {
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
