/** Every folder of examples/ plays to its end, as `npm run example` plays it: within a minute, and beside other tests in a few. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { examples, play } from '../../infra/local/example/play.js';
import { Kube } from '../../infra/local/kube.js';
import { ApiProcess } from '../rig/api-process.js';
import { WorkerProcess } from '../rig/worker-process.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

describe('the examples', () => {
  const stack = inject('stack');
  const taskQueue = 'examples';
  let worker: WorkerProcess;
  let api: ApiProcess;
  beforeAll(async () => {
    [worker, api] = await Promise.all([
      WorkerProcess.create(stack, taskQueue),
      ApiProcess.create(stack, taskQueue),
    ]);
    await Promise.all([worker.start(), api.start()]);
  });
  afterAll(async () => {
    await Promise.all([worker.kill('SIGKILL'), api.kill('SIGKILL')]);
    const kube = new Kube(stack.kubeUrl, stack.kubeToken);
    for (const name of ['shop', 'store', 'edge', 'teams', 'appstack-test', 'appstack-pre', 'appstack-prod'])
      await kube.delete(`/api/v1/namespaces/${name}`);
    kube.close();
  });

  it.each(readdirSync(examples))(
    '%s',
    async (name) => {
      const lines: string[] = [];
      const code = await play(name, stack, { server: api.url, say: (line) => lines.push(line), cli });
      expect({ code, lines: code === 0 ? [] : lines }).toEqual({ code: 0, lines: [] });
    },
    300_000,
  );
});
