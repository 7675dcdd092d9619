import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expose, forwardSocket } from './forward.js';

let folder: string;
let server: Server;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-forward-'));
  server = createServer((_, response) => response.end('inside'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

describe('forward', () => {
  it('leads a port outside through the socket to the address inside', async () => {
    const forward = await forwardSocket(join(folder, 'web.sock'), 0);
    vi.stubEnv('SLUICE_FORWARDS', JSON.stringify({ web: { port: forward.port, socket: forward.socket } }));
    const outside = await expose('web', url);
    expect(outside).toBe(`http://127.0.0.1:${forward.port}`);
    expect(await (await fetch(outside)).text()).toBe('inside');
    forward.close();
  });

  it('takes a free port where the wanted one is taken', async () => {
    const taken = Number(new URL(url).port);
    const forward = await forwardSocket(join(folder, 'web.sock'), taken);
    expect(forward.port).not.toBe(taken);
    forward.close();
  });

  it('answers the address itself where nothing was asked for', async () => {
    vi.stubEnv('SLUICE_FORWARDS', '{}');
    expect(await expose('web', url)).toBe(url);
  });
});
