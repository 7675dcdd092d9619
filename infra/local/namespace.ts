import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardSocket, type Forward } from './forward.js';
import { scriptArgs } from './script.js';
import { run } from './tools/run.js';

/** Makes the addresses of every pod local to the namespace; then our command takes the shell's place. */
const enter = `ip link set lo up && ip route add local 10.244.0.0/16 dev lo && exec setpriv --pdeathsig TERM -- "$@"`;

/** How the namespace is made: root needs no user namespace. What is mounted inside is seen by nobody outside. */
const unshare = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net', '--mount'];

/** Whether a network namespace can be had on this machine, and if not, why and what would help. */
export async function namespaceAvailable(): Promise<
  { available: true } | { available: false; reason: string }
> {
  if (process.platform !== 'linux')
    return { available: false, reason: `network namespaces are Linux's, this is ${process.platform}` };
  try {
    await run('unshare', [...unshare.slice(1), 'sh', '-c', enter, 'sh', 'true']);
    return { available: true };
  } catch (error) {
    const need =
      'it needs util-linux, iproute2, and root or unprivileged user namespaces ' +
      '(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)';
    return { available: false, reason: `no network namespace: ${(error as Error).message}; ${need}` };
  }
}

export interface NamespaceOptions {
  args?: readonly string[];
  env?: Record<string, string>;
  /** Ports wanted on 127.0.0.1 outside, by name; a port that is taken is replaced by a free one. Default: none. */
  forwards?: Record<string, number>;
}

/**
 * Runs a script of ours in a network namespace of its own and answers its exit code. It has no network but itself. Signals SIGINT and
 * SIGTERM are passed on; it ends when this process ends. What it exposes by `expose` is reached at the forwarded ports.
 */
export async function runInNamespace(script: string, options: NamespaceOptions = {}): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const forwards: Record<string, Forward> = {};
  for (const [name, port] of Object.entries(options.forwards ?? {})) {
    forwards[name] = await forwardSocket(join(folder, `${name}.sock`), port);
  }
  const reachable = Object.fromEntries(
    Object.entries(forwards).map(([name, { port, socket }]) => [name, { port, socket }]),
  );
  const command = [
    ...unshare,
    'sh',
    '-c',
    enter,
    'sh',
    process.execPath,
    ...scriptArgs(script),
    ...(options.args ?? []),
  ];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, ...options.env, SLUICE_FORWARDS: JSON.stringify(reachable) },
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
    });
  } finally {
    process.off('SIGINT', pass).off('SIGTERM', pass);
    for (const { close } of Object.values(forwards)) close();
    await rm(folder, { recursive: true, force: true });
  }
}
