/** Promotion in batches, each of which is an absolute number of pods: a repeated one changes nothing. */
import type { WorkloadResult } from '../activities/contract.js';
import { handedOver } from '../domain/batches.js';
import type { Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { slowly } from './activities.js';
import type { Run } from './run.js';
import type { Done, Reached, Targets } from './steps.js';
import { inOrder } from './together.js';

export const isBatched = ({ batches }: Target): boolean => batches !== undefined;

export async function takeBatch(
  run: Run,
  targets: Targets,
  reached: Reached,
  { pods, summary }: Extract<Step, { kind: 'batch' }>,
): Promise<Done> {
  const results = await inOrder(targets, (target) => {
    reached.stable.add(target.application);
    reached.gray.add(target.application);
    return act(run, 'deployBatch', target, pods, summary);
  });
  return doneOf(run, targets, results);
}

/** Stable takes the place of the batches in as many rounds as they need to be no more pods at a time than the largest of them. */
export async function promoteBatches(run: Run, targets: Targets, summary: string): Promise<Done> {
  const results = await inOrder(targets, async (target) => {
    const rounds: WorkloadResult[] = [];
    for (const pods of handedOver(target))
      rounds.push(await act(run, 'promoteBatch', target, pods, `${summary}: ${pods}`));
    return { changed: true, findings: rounds.flatMap((r) => r.findings) };
  });
  return doneOf(run, targets, results);
}

async function act(
  run: Run,
  name: 'deployBatch' | 'promoteBatch',
  target: Target,
  pods: number,
  summary: string,
): Promise<WorkloadResult> {
  const input = { release: run.inputs.id, target, pods };
  const options = { deadlineMs: target.progressDeadlineMs, summary };
  const result = await slowly(name, target.cluster, input, options);
  run.record.count(target.application, result.batching);
  return result;
}

function doneOf(run: Run, targets: Targets, results: readonly WorkloadResult[]): Done {
  const counts = targets.flatMap(({ application }) => {
    const batching = run.record.batchingOf(application);
    return batching === undefined ? [] : [`${batching.old.pods} old, ${batching.new.pods} new`];
  });
  return { result: counts.join('; '), findings: results.flatMap((r) => r.findings) };
}
