import type { ActivateInput } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { interceptors } from './queries.js';

const signal = { signalWorkflow: { signalName: 'takeTurn' } };
const query = { queryWorkflow: { queryType: 'state' } };

interface Step {
  readonly job: typeof signal | typeof query;
  /** Start of the workflow task, seconds. */
  readonly task: number;
  readonly isReplaying?: boolean;
  readonly batchIndex?: number;
}

/** Whether each step is let through. */
function passed(steps: readonly Step[]): readonly boolean[] {
  const [internals] = interceptors().internals!;
  return steps.map(({ job, task, isReplaying = false, batchIndex = 0 }) => {
    const activation = { jobs: [job], timestamp: { seconds: task, nanos: 7 }, isReplaying };
    try {
      internals!.activate!({ activation, batchIndex } as unknown as ActivateInput, () => undefined);
      return true;
    } catch {
      return false;
    }
  });
}

describe('P8: a worker that knows a part of a history only', () => {
  it.each<{ readonly name: string; readonly steps: readonly Step[]; readonly expected: readonly boolean[] }>([
    {
      name: 'refuses a query after news that no workflow task brought',
      steps: [
        { job: signal, task: 1, isReplaying: true },
        { job: signal, task: 1 },
        { job: query, task: 1, isReplaying: true },
      ],
      expected: [true, true, false],
    },
    {
      name: 'answers one after a task of its own',
      steps: [
        { job: signal, task: 1, isReplaying: true },
        { job: signal, task: 2 },
        { job: query, task: 2, isReplaying: true },
      ],
      expected: [true, true, true],
    },
    {
      name: 'answers one after a history without news',
      steps: [
        { job: signal, task: 1, isReplaying: true },
        { job: query, task: 1, isReplaying: true },
      ],
      expected: [true, true],
    },
    {
      name: 'answers one after the second part of a task that it carried out itself',
      steps: [
        { job: signal, task: 2 },
        { job: signal, task: 2 },
        { job: query, task: 2, isReplaying: true },
      ],
      expected: [true, true, true],
    },
    {
      name: 'answers again once a task has brought the rest',
      steps: [
        { job: signal, task: 1, isReplaying: true },
        { job: signal, task: 1 },
        { job: query, task: 1, isReplaying: true },
        { job: signal, task: 2 },
        { job: query, task: 2, isReplaying: true },
      ],
      expected: [true, true, false, true, true],
    },
    {
      name: 'takes a task that is carried out in two batches for one',
      steps: [
        { job: signal, task: 1, isReplaying: true },
        { job: signal, task: 2 },
        { job: signal, task: 2, batchIndex: 1 },
        { job: query, task: 2, isReplaying: true },
      ],
      expected: [true, true, true, true],
    },
  ])('$name', ({ steps, expected }) => {
    expect(passed(steps)).toEqual(expected);
  });
});
