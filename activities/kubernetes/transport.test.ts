import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from './kube-config.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster } from './client.js';
import { resources } from './resources.js';

let server: Server;
let connections: number;
let seen: (string | undefined)[];

beforeEach(async () => {
  connections = 0;
  seen = [];
  server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items": [], "metadata": {}}');
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function clusterOf(user: object = {}): Cluster {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'x', server: address, skipTLSVerify: true }, { name: 'x', ...user });
  return new Cluster('x', config);
}
const list = (cluster: Cluster): Promise<unknown> => cluster.list(resources.pods, 'shop');

describe('connections to an API server', () => {
  it('are kept: requests one after the other do not each make their own', async () => {
    const cluster = clusterOf();
    for (let i = 0; i < 5; i++) await list(cluster);
    expect(seen).toHaveLength(5);
    // The next may begin a moment before the last is quite done.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('that the server has closed are made anew', async () => {
    const cluster = clusterOf();
    await list(cluster);
    const before = connections;
    server.closeAllConnections();
    await expect.poll(() => list(cluster).then(() => connections)).toBeGreaterThan(before);
  });

  it.each([
    ['a token', { token: 'secret' }, 'Bearer secret'],
    ['user and password', { username: 'me', password: 'word' }, `Basic ${btoa('me:word')}`],
  ])('carry %s with each request', async (_, user, expected) => {
    const cluster = clusterOf(user);
    await list(cluster);
    await list(cluster);
    expect(seen).toEqual([expected, expected]);
  });
});
