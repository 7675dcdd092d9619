/** The API of Sluice at the wire: a loopback server that answers what a test told it and keeps what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ReleaseEvent, ReleaseView } from '../../domain/release.js';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

type Handler = (request: Asked, response: ServerResponse) => void;

export class FakeApi {
  readonly asked: Asked[] = [];
  private readonly handlers = new Map<string, Handler>();
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => void this.serve(request, response));
  }

  static async start(): Promise<FakeApi> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeApi(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** `route` is "GET /v1/applications/web", without a query; the last one told counts. */
  on(route: string, handler: Handler): this {
    this.handlers.set(route, handler);
    return this;
  }

  answer(route: string, status: number, body: unknown): this {
    return this.on(route, (_request, response) => reply(response, status, body));
  }

  /**
   * A release with its events: each reading answers the next of `views`, the last one for ever; `cuts` are ids after which a
   * connection breaks, one connection each.
   */
  release(
    views: readonly [ReleaseView, ...ReleaseView[]],
    events: readonly ReleaseEvent[],
    cuts: readonly number[] = [],
  ): this {
    const { id } = views[0];
    const later = [...views];
    const left = [...cuts];
    this.on(`GET /v1/releases/${id}`, (_request, response) =>
      reply(response, 200, later.length > 1 ? later.shift() : later[0]),
    );
    return this.on(`GET /v1/releases/${id}/events`, (request, response) => {
      const after = Number(request.headers['last-event-id'] ?? 0);
      const cut = left.shift();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      for (const event of events.filter((e) => e.id > after)) {
        response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
        // The end of the message is on its way before the connection breaks.
        if (event.id === cut) return void response.write('id: 99\ndata: {"id"', () => response.destroy());
        if (event.type === 'ended') return void response.end();
      }
      return undefined;
    });
  }

  paths(method: string): string[] {
    return this.asked.filter((a) => a.method === method).map((a) => a.path);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { method = '', url = '', headers } = request;
    const asked = { method, path: url, headers, body: text === '' ? null : (JSON.parse(text) as unknown) };
    this.asked.push(asked);
    const handler = this.handlers.get(`${method} ${url.split('?')[0]}`);
    if (handler === undefined) reply(response, 404, problem('not_found', 404, `There is no ${url}.`));
    else handler(asked, response);
  }
}

export function reply(response: ServerResponse, status: number, body: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

export const problem = (
  code: string,
  status: number,
  detail: string,
  errors?: readonly object[],
): Record<string, unknown> => ({
  type: `urn:sluice:problem:${code}`,
  title: code,
  status,
  detail,
  code,
  remedy: `the remedy of ${code}`,
  ...(errors === undefined ? {} : { errors }),
});
