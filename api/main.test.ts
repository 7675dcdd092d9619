import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../test/rig/eventually.js';
import { createHandler } from './main.js';

vi.setConfig({ testTimeout: 30_000 });

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
}

const runs: ChildProcess[] = [];
afterEach(() => {
  for (const child of runs.splice(0)) child.kill('SIGKILL');
});

function start(env: Record<string, string>): Run {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', main], { env: { PATH, HOME, ...env } });
  runs.push(child);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += String(data)));
  return { child, out: () => out };
}

async function exitCode({ child }: Run): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

const nobody = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

describe('the API as a process', () => {
  it('refuses to listen for other machines without tokens', async () => {
    const run = start({ SLUICE_LISTEN: '0.0.0.0:0' });
    expect(await exitCode(run)).toBe(2);
    expect(run.out()).toContain('sluice-api: SLUICE_LISTEN="0.0.0.0:0" is reachable from other machines');
    expect(run.out()).not.toContain('    at ');
  });

  it('says which port is taken', async () => {
    const first = start({ ...nobody, SLUICE_LISTEN: '127.0.0.1:0' });
    const port = await portOf(first);
    const second = start({ ...nobody, SLUICE_LISTEN: `127.0.0.1:${port}` });
    expect(await exitCode(second)).toBe(1);
    expect(second.out()).toContain('EADDRINUSE');
  });

  it('answers although Temporal is away, says so, and ends at once when it is asked to', async () => {
    const run = start({ ...nobody, SLUICE_LISTEN: '127.0.0.1:0' });
    const base = `http://127.0.0.1:${await portOf(run)}`;
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    const ready = await fetch(`${base}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'temporal_unreachable' });
    run.child.kill('SIGTERM');
    expect(await exitCode(run)).toBe(0);
    expect(run.out()).toContain('"msg":"stopping"');
  });

  it('never writes a credential to its log', async () => {
    const run = start({ ...nobody, SLUICE_LISTEN: '127.0.0.1:0' });
    const base = `http://127.0.0.1:${await portOf(run)}`;
    const headers = { authorization: 'Bearer s3cret-token', cookie: 's3cret-cookie' };
    await fetch(`${base}/v1/releases?limit=0`, { headers });
    await eventually('the line', () => run.out().includes('"msg":"request"'));
    expect(run.out()).not.toContain('s3cret');
  });
});

async function portOf(run: Run): Promise<number> {
  return eventually('the API to listen', () => {
    const port = /"port":(\d+),"tokens"/.exec(run.out())?.[1];
    return port === undefined ? null : Number(port);
  });
}

describe('createHandler', () => {
  it('is the same API without a port', async () => {
    const handler = createHandler({ SLUICE_LOG_LEVEL: 'silent' });
    const response = await handler.fetch(new Request('http://127.0.0.1/healthz'));
    expect(await response.json()).toEqual({ status: 'ok' });
    await handler.close();
  });

  it('says what is wrong with the settings of Temporal, with the first request that needs it', async () => {
    const env = {
      SLUICE_LOG_LEVEL: 'silent',
      TEMPORAL_PROFILE: 'nowhere',
      TEMPORAL_CONFIG_FILE: '/dev/null',
    };
    const handler = createHandler(env);
    const response = await handler.fetch(new Request('http://127.0.0.1/v1/releases'));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'temporal_unreachable', retryable: true });
  });
});
