/** A registry at the wire, with its token service: the test says how it answers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly authorization: string | null;
  readonly accept: string;
}

export interface FakeRegistry {
  /** host:port */
  readonly host: string;
  readonly seen: Seen[];
  handle: Handler;
  close(): Promise<void>;
}

export type Handler = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

export async function fakeRegistry(handle: Handler): Promise<FakeRegistry> {
  const server = createServer((request, response) => {
    const seen: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization ?? null,
      accept: request.headers.accept ?? '',
    };
    fake.seen.push(seen);
    fake.handle(seen, response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    handle,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
