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
  /** What was asked, oldest first; the parts of one query apart. */
  readonly asked: {
    readonly query: string;
    readonly time: string | null;
    readonly authorization: string | null;
  }[];
  /** How often it was asked: once for the parts of one query. */
  requests: number;
  /** Replaces how it answers, each part of a query apart. */
  answer: Answering;
  close(): Promise<void>;
}

/** A vector with one series for each number, as Prometheus spells them. */
export function vector(...values: readonly (number | string)[]): Reply {
  const result = values.map((v, i) => ({ metric: { series: String(i) }, value: [1_700_000_000, String(v)] }));
  return { body: { status: 'success', data: { resultType: 'vector', result } } };
}

/** The parts of a query that `asOne` made of several; of any other query itself. */
const partsOf = (query: string): readonly string[] =>
  query.startsWith('label_replace(')
    ? query
        .split(/, "part", "\d+", "", ""\)(?: or |$)/)
        .flatMap((part) => part.replace(/^label_replace\(/, '') || [])
    : [query];

/** Answers the parts as Prometheus does, each series with the label of its part; the first that is no vector stands for all. */
function together(queries: readonly string[], answer: (query: string) => Reply | 'never'): Reply | 'never' {
  const result: object[] = [];
  for (const [i, query] of queries.entries()) {
    const reply = answer(query);
    const data = reply === 'never' ? undefined : (reply.body as Partial<Vector> | null)?.data;
    if (data?.resultType !== 'vector') return reply;
    result.push(
      ...data.result.map((series) => ({ ...series, metric: { ...series.metric, part: String(i) } })),
    );
  }
  return { body: { status: 'success', data: { resultType: 'vector', result } } };
}

interface Vector {
  readonly data: { readonly resultType: string; readonly result: readonly { readonly metric: object }[] };
}

/** @param port default: a free one. */
export async function fakePrometheus(answer: Answering, port = 0): Promise<FakePrometheus> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const query = url.searchParams.get('query') ?? '';
    const time = url.searchParams.get('time');
    const authorization = request.headers.authorization ?? null;
    const queries = partsOf(query);
    fake.requests++;
    fake.asked.push(...queries.map((part) => ({ query: part, time, authorization })));
    const reply =
      queries.length === 1 ? fake.answer(query, time) : together(queries, (q) => fake.answer(q, time));
    if (reply === 'never') return;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const fake: FakePrometheus = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    requests: 0,
    answer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
