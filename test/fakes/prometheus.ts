/** A Prometheus at the wire: answers each query as the test says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reply {
  /** Default 200. */
  readonly status?: number;
  readonly body: unknown;
  /** Headers to add. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** never: the connection stays open without an answer. */
export type Answering = (query: string, time: string | null) => Reply | 'never';

export interface FakePrometheus {
  readonly address: string;
  /** What was asked, oldest first. */
  readonly asked: {
    readonly query: string;
    readonly time: string | null;
    readonly authorization: string | null;
  }[];
  /** Replaces how it answers. */
  answer: Answering;
  close(): Promise<void>;
}

/** A vector with one series for each number, as Prometheus spells them. */
export function vector(...values: readonly (number | string)[]): Reply {
  const result = values.map((v, i) => ({ metric: { series: String(i) }, value: [1_700_000_000, String(v)] }));
  return { body: { status: 'success', data: { resultType: 'vector', result } } };
}

/** @param port default: a free one. */
export async function fakePrometheus(answer: Answering, port = 0): Promise<FakePrometheus> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const query = url.searchParams.get('query') ?? '';
    const time = url.searchParams.get('time');
    fake.asked.push({ query, time, authorization: request.headers.authorization ?? null });
    const reply = fake.answer(query, time);
    if (reply === 'never') return;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const fake: FakePrometheus = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
