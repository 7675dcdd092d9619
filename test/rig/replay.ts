/** Every workflow that a test starts is replayed: a history that today's code does not repeat is a defect. */
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';

const codePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

Runtime.install({ logger: new DefaultLogger('WARN') });

/** One replay at a time: the SDK's runtime ends with its last worker, and takes with it one that is just being made. */
let last: Promise<unknown> = Promise.resolve();
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = last.then(act, act);
  last = mine.catch(() => undefined);
  return mine;
}

export async function replay(client: Client, workflowId: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  await inTurn(() => Worker.runReplayHistory({ workflowBundle: { codePath } }, history, workflowId));
}

/** Many at once, by one worker. */
export async function replayAll(client: Client, workflowIds: readonly string[]): Promise<void> {
  if (workflowIds.length > 0) await inTurn(() => replayEach(client, workflowIds));
}

async function replayEach(client: Client, workflowIds: readonly string[]): Promise<void> {
  const histories = async function* () {
    for (const workflowId of workflowIds) {
      yield { workflowId, history: await client.workflow.getHandle(workflowId).fetchHistory() };
    }
  };
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { codePath } },
    histories(),
  )) {
    if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
  }
  if (failed.length > 0) throw new Error(failed.join('\n'));
}
