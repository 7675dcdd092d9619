/** Requests to the API server, read from its audit log. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Requests {
  /** Lines of the log: a watch has two, one when it begins and one when it ends. */
  readonly total: number;
  /** The same by verb and resource, most first. */
  readonly by: Readonly<Record<string, number>>;
}

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

/** Requests by a user agent that contains `agent` and that the server received from `from` to `to` (milliseconds). */
export function countRequests(
  lines: Iterable<string>,
  agent: string,
  from: number,
  to = Number.POSITIVE_INFINITY,
): Requests {
  const by = new Map<string, number>();
  let total = 0;
  for (const line of lines) {
    // Most lines are of others; parsing them all takes seconds.
    if (!line.includes(agent)) continue;
    const event = parsed(line);
    if (event?.userAgent?.includes(agent) !== true) continue;
    const at = Date.parse(event.requestReceivedTimestamp);
    if (at < from || at > to) continue;
    const { resource = event.requestURI.split('?')[0]!, subresource } = event.objectRef ?? {};
    const key = `${event.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    by.set(key, (by.get(key) ?? 0) + 1);
    total++;
  }
  const sorted = [...by].toSorted(([, a], [, b]) => b - a);
  return { total, by: Object.fromEntries(sorted) };
}

/** The last line may be half written. */
function parsed(line: string): AuditEvent | null {
  try {
    return JSON.parse(line) as AuditEvent;
  } catch {
    return null;
  }
}

/** The same, out of the log and of what the server has rotated out of it since then. */
export async function requestsIn(log: string, agent: string, from: number, to?: number): Promise<Requests> {
  const stem = basename(log, '.log');
  const names = (await readdir(dirname(log))).filter((n) => n.startsWith(stem) && n.endsWith('.log'));
  const lines: string[] = [];
  for (const name of names) {
    const path = join(dirname(log), name);
    if ((await stat(path)).mtimeMs < from) continue;
    for await (const line of createInterface({ input: createReadStream(path) }))
      if (line.includes(agent)) lines.push(line);
  }
  return countRequests(lines, agent, from, to);
}
