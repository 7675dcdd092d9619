import { createServer, type Server } from 'node:net';

const given = new Set<number>();

/**
 * Ports of 127.0.0.1 that nobody listens on, none given twice by this process. They lie below the range that the kernel takes
 * ports of outgoing connections from, so that they stay free until their owner listens.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port, '127.0.0.1').catch(() => undefined);
  server?.close();
  return server !== undefined;
}

/** A listening socket, for a port or as a lock; rejects where the address cannot be had. */
export async function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}
