/** What the API server recorded of the requests that Sluice made. */
import { readFile } from 'node:fs/promises';

export interface Audited {
  readonly verb: string;
  /** When the API server got it, epoch ms. */
  readonly at: number;
  readonly resource: string;
  readonly name: string | undefined;
}

interface Entry {
  readonly auditID: string;
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource: string; readonly name?: string; readonly namespace?: string };
}

/** About a namespace since a moment, in their order. */
export async function auditedSince(file: string, namespace: string, since: number): Promise<Audited[]> {
  const text = await readFile(file, 'utf8');
  const entries = text
    .split('\n')
    .filter((line) => line.includes('"userAgent":"sluice"') && line.includes(namespace))
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry.objectRef?.namespace === namespace);
  const byId = new Map(entries.map((entry) => [entry.auditID, entry]));
  return [...byId.values()]
    .map(({ verb, requestReceivedTimestamp, objectRef }) => ({
      verb,
      at: Date.parse(requestReceivedTimestamp),
      resource: objectRef!.resource,
      name: objectRef!.name,
    }))
    .filter(({ at }) => at >= since)
    .toSorted((a, b) => a.at - b.at);
}
