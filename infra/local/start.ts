/**
 * `npm start`: Sluice on one machine. Temporal as the TEMPORAL_* variables and profiles say; without any, a dev server of its own
 * with a file, so that nothing is lost when it is stopped.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { startSluice } from './sluice.js';
import { freePorts } from './ports.js';
import { temporalArguments, temporalReady, type TemporalPorts } from './temporal.js';
import { ensureTools } from './tools.js';

const say = (line: string): void => console.log(line);

const isTold = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].some(
  (name) => process.env[name] !== undefined,
);
const stopTemporal = isTold ? async () => {} : await startTemporal();
const sluice = await startSluice(process.env);
say(`API            ${sluice.url}/v1/releases\nOpenAPI page   ${sluice.url}/docs`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sluice.stop());
await sluice.done;
await stopTemporal();

async function startTemporal(): Promise<() => Promise<void>> {
  const { temporal } = await ensureTools(['temporal'], { onProgress: say });
  const folder = process.env['SLUICE_DATA'] ?? join(homedir(), '.sluice');
  await mkdir(folder, { recursive: true });
  const [http, metrics] = await freePorts(2);
  const ports: TemporalPorts = { grpc: 7233, ui: 8233, http: http!, metrics: metrics! };
  const args = temporalArguments(ports, join(folder, 'temporal.db'));
  const server = spawn(temporal, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  process.once('exit', () => server.kill());
  await untilReady(ports, server);
  say(`Temporal UI    http://127.0.0.1:${ports.ui}   (history in ${join(folder, 'temporal.db')})`);
  return async () => {
    server.kill();
    await gone;
  };
}

/** Up to 30 s; an early end of the server is the reason that is told. */
async function untilReady(ports: TemporalPorts, server: ChildProcess): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(
        `The Temporal dev server ended with code ${server.exitCode}; is port ${ports.grpc} taken?`,
      );
    try {
      return await temporalReady(ports);
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
