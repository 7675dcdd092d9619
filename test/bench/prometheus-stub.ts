/**
 * A Prometheus whose answer the bench sets, as a process of its own, so that it answers at once however busy the bench is.
 * PUT /value sets it; GET /asked says how often it was asked since then, and when it first answered so.
 */
import { createServer, type ServerResponse } from 'node:http';

export interface Asked {
  readonly count: number;
  /** Milliseconds since 1970; null: nobody has asked since the value was set. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

let value = '100';
let asked: Asked = { count: 0, firstAt: null, lastAt: null };

function query(range: boolean, response: ServerResponse): void {
  const now = Date.now();
  asked = { count: asked.count + 1, firstAt: asked.firstAt ?? now, lastAt: now };
  const sample = [now / 1_000, value];
  const result = range ? [{ metric: {}, values: [sample] }] : [{ metric: {}, value: sample }];
  send(response, { status: 'success', data: { resultType: range ? 'matrix' : 'vector', result } });
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const path = request.url?.split('?')[0] ?? '';
    if (path.startsWith('/api/v1/query')) return query(path.endsWith('range'), response);
    if (path === '/value' && request.method === 'PUT') {
      value = body;
      asked = { count: 0, firstAt: null, lastAt: null };
    }
    if (path === '/asked') return send(response, asked);
    // What a client asks before its first query, such as /api/v1/status/flags.
    send(response, { status: 'success', data: {} });
  });
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
