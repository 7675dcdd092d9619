import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import threads, { type Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { watchWorkflowThreads } from './workflow-thread.js';

const calling = (code: string, after: string): string => `
  const { parentPort } = require('node:worker_threads');
  const { createContext, Script } = require('node:vm');
  const context = createContext({}, { microtaskMode: 'afterEvaluate' });
  const run = (code) => new Script(code).runInContext(context, { timeout: 1, displayErrors: true });
  parentPort.postMessage(run(${JSON.stringify(code)}));
  ${after}
  parentPort.on('message', () => undefined);
`;

describe('the watch over workflow threads', () => {
  let folder: string;
  let restore: () => void = () => undefined;
  const stuck: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-thread-'));
  });
  afterEach(() => {
    restore();
    stuck.length = 0;
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function start(code: string, limitMs: number, after = ''): Promise<Worker> {
    const file = join(folder, 'workflow-worker-thread.js');
    await writeFile(file, calling(code, after));
    restore = watchWorkflowThreads({ limitMs, stuck: () => stuck.push('stuck') });
    return new threads.Worker(file);
  }

  it('lets a call take longer than the time that the SDK gives node', async () => {
    const thread = await start('const end = Date.now() + 20; while (Date.now() < end); 7', 60_000);
    expect(await once(thread, 'message')).toEqual([7]);
    await thread.terminate();
    expect(stuck).toEqual([]);
  });

  it('ends a thread whose call never ends', async () => {
    const thread = await start('for (;;);', 100);
    await once(thread, 'exit');
    expect(stuck).toEqual(['stuck']);
  });

  it('ends a thread whose microtasks never end', async () => {
    const thread = await start('(async () => { for (;;) await null; })()', 100);
    await once(thread, 'exit');
    expect(stuck).toEqual(['stuck']);
  });

  it('leaves a thread alone that waits between its calls, and one whose call threw', async () => {
    const again = `setInterval(() => { try { run('throw 1'); } catch (e) { parentPort.postMessage(e); } }, 25);`;
    const thread = await start('7', 20, again);
    for (const answer of [7, ...Array<number>(20).fill(1)])
      expect(await once(thread, 'message')).toEqual([answer]);
    await thread.terminate();
    expect(stuck).toEqual([]);
  });

  it('leaves other threads as they are: their calls end after their own time', async () => {
    const file = join(folder, 'other.js');
    await writeFile(file, calling('for (;;);', ''));
    restore = watchWorkflowThreads({ stuck: () => undefined });
    const thread = new threads.Worker(file);
    expect(await once(thread, 'error')).toMatchObject([{ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' }]);
    await thread.terminate();
  });
});
