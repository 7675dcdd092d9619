/** /healthz, /readyz and /metrics of the worker. */
import { createServer, type Server } from 'node:http';
import { registry } from './metrics.js';

/** `state` answers each worker's state by task queue, e.g. RUNNING. */
export function serveHealth(
  listen: { readonly host: string; readonly port: number },
  state: () => Readonly<Record<string, string>>,
): Promise<Server> {
  const server = createServer((request, response) => {
    const states = state();
    const running = Object.values(states).every((s) => s === 'RUNNING');
    if (request.url === '/healthz' || request.url === '/readyz') {
      response.writeHead(running ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ok: running, workers: states }));
    } else if (request.url === '/metrics') {
      void registry
        .metrics()
        .then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text));
    } else {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => resolve(server));
  });
}
