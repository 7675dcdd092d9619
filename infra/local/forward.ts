import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * The way into a network namespace: a unix socket is a file, so both sides see it. Outside, a TCP port of 127.0.0.1 leads to the
 * socket; inside, the socket leads to a TCP port of 127.0.0.1.
 */
export interface Forward {
  /** Port of 127.0.0.1 outside. */
  port: number;
  socket: string;
  close: () => void;
}

/** Outside: listens on `port`, or on a free one where it is taken, and leads each connection to the unix socket. */
export async function forwardSocket(socket: string, port: number): Promise<Forward> {
  const server = relay(() => connect(socket));
  await listening(server, { port, host: '127.0.0.1' }).catch(() =>
    listening(server, { port: 0, host: '127.0.0.1' }),
  );
  const address = server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  return { port: actual, socket, close: () => void server.close() };
}

/**
 * Inside: leads the forward `name`, which `runInNamespace` was asked for, to an address of this namespace, e.g. `http://127.0.0.1:8080`.
 * Answers the same address as it is reached from outside; where nothing was asked for, the address itself.
 */
export async function expose(name: string, target: string): Promise<string> {
  const forwards = JSON.parse(process.env.SLUICE_FORWARDS ?? '{}') as Record<
    string,
    { port: number; socket: string }
  >;
  const forward = forwards[name];
  if (!forward) return target;
  const url = new URL(target.includes('://') ? target : `tcp://${target}`);
  const server = relay(() => connect(Number(url.port), url.hostname));
  await listening(server, { path: forward.socket });
  server.unref();
  return target.replace(url.host, `127.0.0.1:${forward.port}`);
}

function relay(open: () => Socket): Server {
  return createServer({ allowHalfOpen: true }, (near) => {
    const far = open();
    far.allowHalfOpen = true;
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
}

async function listening(
  server: Server,
  where: { port: number; host: string } | { path: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
