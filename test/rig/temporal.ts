/** A Temporal dev server of one test file, and a worker that runs the real workflows over given activities. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, DefaultLogger, Worker } from '@temporalio/worker';
import { Parts } from '../../infra/local/parts.js';
import { freePorts } from '../../infra/local/ports.js';
import { sqlitePragmas } from '../../infra/local/temporal.js';
import { ensureTools } from '../../infra/local/tools.js';
import { searchAttributes, searchAttributeTypes } from '../../workflows/messages.js';
import { bundle } from '../../worker/bundle.js';
import type { Activities } from '../../activities/contract.js';

export interface TemporalServer {
  readonly address: string;
  /** The same address and data again after a stop or kill. */
  readonly parts: Parts;
  /** Runs the real workflows on a queue, until stopped. */
  readonly work: (
    taskQueue: string,
    activities: Activities,
  ) => Promise<{ readonly stop: () => Promise<void> }>;
  /** Why today's code does not repeat some of the histories on the server; empty: it repeats all of them. */
  readonly unrepeated: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

/** `attributes: false`: a server on which nobody has registered the search attributes. */
export async function startTemporalServer(
  options: { readonly attributes: boolean } = { attributes: true },
): Promise<TemporalServer> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-temporal-'));
  const { temporal } = await ensureTools(['temporal']);
  const [port, http, metrics] = await freePorts(3);
  const attributes = Object.entries(searchAttributeTypes).map(
    ([name, type]) => `--search-attribute=${name}=${type}`,
  );
  const parts = new Parts();
  const url = `http://127.0.0.1:${http}/cluster/namespaces/default/search-attributes`;
  await parts.add('temporal', {
    command: temporal,
    args: [
      'server',
      'start-dev',
      '--headless',
      '--ip=127.0.0.1',
      `--port=${port}`,
      `--http-port=${http}`,
      `--metrics-port=${metrics}`,
      `--db-filename=${join(dir, 'temporal.db')}`,
      ...sqlitePragmas,
      '--log-level=warn',
      ...(options.attributes ? attributes : []),
    ],
    env: { TEMPORAL_CONFIG_FILE: '/dev/null' },
    log: join(dir, 'temporal.log'),
    ready: async () => {
      const text = await (await fetch(url)).text();
      if (options.attributes && !text.includes(searchAttributes.initiator)) throw new Error(text);
    },
  });
  const address = `127.0.0.1:${port}`;
  return {
    address,
    parts,
    work: (taskQueue, activities) => work(address, taskQueue, activities),
    unrepeated: () => unrepeated(address),
    stop: async () => {
      await parts.stopAll();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

let bundling: Promise<string> | undefined;
const bundled = (): Promise<string> => (bundling ??= bundle());

async function work(
  address: string,
  taskQueue: string,
  activities: Activities,
): Promise<{ readonly stop: () => Promise<void> }> {
  quiet();
  const code = await bundled();
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle: { code },
    activities,
    shutdownGraceTime: '1s',
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

async function unrepeated(address: string): Promise<readonly string[]> {
  const code = await bundled();
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  const histories = async function* () {
    for await (const { workflowId, runId } of workflow.list())
      yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() };
  };
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { code } },
    histories(),
  ))
    if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
  await connection.close();
  return failed;
}

let installed = false;
function quiet(): void {
  if (!installed) Runtime.install({ logger: new DefaultLogger('ERROR') });
  installed = true;
}
