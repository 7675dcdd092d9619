import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveHealth } from './health.js';

describe('the health of a worker', () => {
  let states: Record<string, string>;
  let server: Server;
  let base: string;
  beforeEach(async () => {
    states = { sluice: 'RUNNING', 'sluice-east': 'RUNNING' };
    server = await serveHealth({ host: '127.0.0.1', port: 0 }, () => states);
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  it.each(['/healthz', '/readyz'])('%s is 200 while every queue is worked on', async (path) => {
    const response = await fetch(base + path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ok: true, workers: states });
  });

  it.each(['INITIALIZED', 'STOPPING', 'DRAINING', 'STOPPED', 'FAILED'])(
    'is 503 once one of them is %s',
    async (state) => {
      states = { sluice: 'RUNNING', 'sluice-east': state };
      for (const path of ['/healthz', '/readyz']) {
        const response = await fetch(base + path);
        expect(response.status).toBe(503);
        expect(await response.json()).toEqual({ ok: false, workers: states });
      }
    },
  );

  it('answers metrics in the format of Prometheus', async () => {
    const response = await fetch(`${base}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('sluice_activity_duration_seconds');
  });

  it('knows no other page', async () => {
    expect((await fetch(`${base}/other`)).status).toBe(404);
  });

  it('does not start where the port is taken', async () => {
    const { port } = server.address() as AddressInfo;
    await expect(serveHealth({ host: '127.0.0.1', port }, () => states)).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
