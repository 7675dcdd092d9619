import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Parts, until } from './parts.js';

let folder: string;
let parts: Parts;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-parts-'));
  parts = new Parts();
});
afterEach(async () => {
  await parts.stopAll();
  await rm(folder, { recursive: true });
});

const shell = (script: string) => ({ command: 'sh', args: ['-c', script], log: join(folder, 'log') });
const hasSaid = (text: string) => async (): Promise<void> =>
  expect(await readFile(join(folder, 'log'), 'utf8')).toContain(text);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('parts', () => {
  it('starts a part, waits until it is ready, and stops it', async () => {
    await parts.add('one', { ...shell('echo up; exec sleep 60'), ready: hasSaid('up') });
    const pid = parts.pid('one')!;
    expect(isAlive(pid)).toBe(true);
    await parts.stop('one');
    expect(isAlive(pid)).toBe(false);
    expect(parts.pid('one')).toBeUndefined();
  });

  it('reports a part that ends before it is ready, with the last lines of its log', async () => {
    const failing = { ...shell('echo "port is taken" >&2; exit 3'), ready: hasSaid('never') };
    await expect(parts.add('one', failing)).rejects.toThrow(
      /one is ready: ended with code 3[^]*port is taken/,
    );
  });

  it('reports a program that cannot be started', async () => {
    const absent = { ...shell(''), command: '/nonexistent', ready: hasSaid('never') };
    await expect(parts.add('one', absent)).rejects.toThrow(/failed to execute \/nonexistent/);
  });

  it('reports a part that is not ready by its deadline, with what it last said', async () => {
    const slow = {
      ...shell('exec sleep 60'),
      ready: () => Promise.reject(new Error('still empty')),
      deadlineMs: 100,
    };
    await expect(parts.add('one', slow)).rejects.toThrow(/not true after 100 ms: one is ready: still empty/);
  });

  it('kills a part that does not end when it is asked to', async () => {
    await parts.add('deaf', {
      ...shell('trap "" TERM; echo up; while :; do sleep 1; done'),
      ready: hasSaid('up'),
    });
    const pid = parts.pid('deaf')!;
    await parts.stop('deaf');
    expect(isAlive(pid)).toBe(false);
  });

  it('starts a killed part again with the same command', async () => {
    await parts.add('one', { ...shell('echo up; exec sleep 60'), ready: hasSaid('up') });
    const first = parts.pid('one');
    await parts.kill('one');
    await parts.start('one');
    expect(parts.pid('one')).not.toBe(first);
  });

  it('starts nothing after every part was stopped', async () => {
    await parts.stopAll();
    await expect(parts.add('late', { ...shell('exec sleep 60'), ready: hasSaid('') })).rejects.toThrow(
      'late is not started: every part was stopped',
    );
  });

  it('names the known parts where a name is unknown', async () => {
    await parts.add('one', { ...shell('echo up; exec sleep 60'), ready: hasSaid('up') });
    await expect(parts.stop('two')).rejects.toThrow('unknown part two; known: one');
  });
});

describe('until', () => {
  it('answers what the condition answers once it resolves', async () => {
    let asked = 0;
    const third = async (): Promise<number> => {
      if (++asked < 3) throw new Error('not yet');
      return asked;
    };
    expect(await until('asked three times', third)).toBe(3);
  });
});
