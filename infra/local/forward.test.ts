import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/rig/eventually.js';
import { expose, forwardSocket, linkTo } from './forward.js';

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

  it('keeps back what the other side says, and then tells all of it', async () => {
    const link = await linkTo(Number(new URL(url).port));
    const near = connect(link.port, '127.0.0.1');
    let heard = '';
    near.on('data', (data) => (heard += data.toString()));
    const answers = (count: number): Promise<unknown> =>
      eventually(`${count} answers`, () => heard.split('inside').length - 1 === count);
    const ask = (): unknown => near.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    ask();
    await answers(1);
    const goOn = link.holdBack();
    const asked = new Promise((resolve) => server.once('request', resolve));
    ask();
    await asked;
    // What is said on another way meanwhile is there long before.
    expect(await (await fetch(url)).text()).toBe('inside');
    expect(heard.split('inside')).toHaveLength(2);
    goOn();
    await answers(2);
    near.destroy();
    link.close();
  });

  it('answers the address itself where nothing was asked for', async () => {
    vi.stubEnv('SLUICE_FORWARDS', '{}');
    expect(await expose('web', url)).toBe(url);
  });
});
