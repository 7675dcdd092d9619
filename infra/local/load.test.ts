import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startLoad, type LoadSummary } from './load.js';
import { until } from './parts.js';

let server: Server;
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function loadOn(listener: RequestListener, enough: number, timeoutMs = 5000): Promise<LoadSummary> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const load = startLoad({ url, host: 'web.local', requestsPerSecond: 200, timeoutMs });
  await until('enough answers', async () => expect(load.summary().sent).toBeGreaterThanOrEqual(enough));
  return load.stop();
}

/** Fails each `n`th request in the given way. */
function everyNthRequest(n: number, fail: RequestListener): RequestListener {
  let count = 0;
  return (request, response) => {
    if (++count % n === 0) return fail(request, response);
    response.setHeader('x-version', 'v1');
    response.end();
  };
}

describe('load', () => {
  it('counts answers by version and loses none', async () => {
    let connections = 0;
    const summary = await loadOn((request, response) => {
      if (request.socket.listenerCount('close') > 0 && !Object.hasOwn(request.socket, 'seen')) {
        Object.assign(request.socket, { seen: true });
        connections++;
      }
      response.setHeader('x-version', `v${request.headers.host === 'web.local' ? 1 : 0}`);
      response.end();
    }, 300);
    expect(summary).toMatchObject({
      failed: 0,
      resent: 0,
      byStatus: { 200: summary.sent },
      byVersion: { v1: summary.sent },
    });
    expect(summary.records).toHaveLength(summary.sent);
    expect(connections).toBeLessThan(summary.sent / 2);
  });

  it('counts an answer of 500 and above as a failure, not by version', async () => {
    const summary = await loadOn(
      everyNthRequest(5, (_, response) =>
        response.writeHead(503, { 'x-version': 'v1' }).end('nobody is healthy'),
      ),
      50,
    );
    expect(summary.byFailure).toEqual({ '503 nobody is healthy': summary.byStatus[503] });
    expect(summary.failed).toBe(Math.floor(summary.sent / 5));
    expect(summary.byVersion).toEqual({ v1: summary.sent - summary.failed });
  });

  it('counts an answer that does not come as a timeout', async () => {
    const summary = await loadOn(
      everyNthRequest(10, () => {}),
      30,
      1_500,
    );
    expect(summary.byFailure).toEqual({ timeout: Math.floor(summary.sent / 10) });
  });

  it('counts an answer that breaks off as a failure', async () => {
    const summary = await loadOn(
      everyNthRequest(10, (request, response) => {
        response.writeHead(200, { 'content-length': 10 });
        response.write('half', () => request.socket.destroy());
      }),
      30,
    );
    expect(summary.failed).toBe(Math.floor(summary.sent / 10));
    expect(summary.records).toHaveLength(summary.sent);
  });

  it('sends once more where a kept connection was closed before it was read, and says so', async () => {
    let closed = 0;
    const summary = await loadOn((request, response) => {
      const second = Object.hasOwn(request.socket, 'seen');
      Object.assign(request.socket, { seen: true });
      if (second && closed === 0) {
        closed++;
        return void request.socket.resetAndDestroy();
      }
      response.end();
    }, 30);
    expect(summary).toMatchObject({ failed: 0, resent: 1 });
  });

  it('refuses a rate that one machine should not carry', () => {
    server = createServer();
    expect(() => startLoad({ url: 'http://127.0.0.1:1', host: 'x', requestsPerSecond: 501 })).toThrow(
      /above 500/,
    );
  });
});
