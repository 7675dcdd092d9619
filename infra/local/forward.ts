import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

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

/** A TCP port of 127.0.0.1 that leads to another one, and can keep to itself what is said there. */
export interface Link {
  port: number;
  /** From now on nothing that the other side says gets through, until what this answers is called; then all of it does. */
  holdBack: () => () => void;
  close: () => void;
}

export async function linkTo(port: number): Promise<Link> {
  const joined = new Map<Socket, Socket>();
  const server = relay(
    () => connect(port, '127.0.0.1'),
    (near, far) => {
      joined.set(near, far);
      near.on('close', () => joined.delete(near));
    },
  );
  await listening(server, { port: 0, host: '127.0.0.1' });
  return {
    port: (server.address() as AddressInfo).port,
    holdBack: () => {
      const held = [...joined];
      for (const [near, far] of held) far.unpipe(near);
      return () => held.forEach(([near, far]) => far.pipe(near));
    },
    close: () => void server.close(),
  };
}

function relay(open: () => Socket, opened: (near: Socket, far: Socket) => void = () => undefined): Server {
  return createServer({ allowHalfOpen: true }, (near) => {
    const far = open();
    far.allowHalfOpen = true;
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
    opened(near, far);
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
