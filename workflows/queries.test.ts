import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivateInput, LocalActivityInput } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { askedTooEarly, settledHeader, type Settled } from './messages.js';
import { interceptors } from './queries.js';

interface Step {
  /** Start of the workflow task, seconds. */
  readonly task: number;
  /** Length of the history. */
  readonly at: number;
  readonly isReplaying?: boolean;
  readonly batchIndex?: number;
  /** Of a local activity. */
  readonly isResult?: boolean;
  /** Absent: news for the workflow. */
  readonly query?: { readonly id: string; readonly settled: Settled | null };
}

const news = (task: number, at: number, more: Pick<Step, 'batchIndex'> = {}): Step => ({ task, at, ...more });
const result = (task: number, at: number): Step => ({ task, at, isResult: true });
const past = (task: number, at: number): Step => ({ task, at, isReplaying: true });
/** Says how much is settled; null: does not say. */
function asked(events: number | null, after: Step, runId = 'this-run'): Step {
  const settled = events === null ? null : { runId, events };
  return { ...after, isReplaying: true, query: { id: 'legacy_query', settled } };
}
const withTask = (after: Step): Step => ({ ...after, query: { id: '7e6a', settled: null } });

/** Whether each step is let through. */
function passed(steps: readonly Step[]): readonly boolean[] {
  const [internals] = interceptors().internals!;
  return steps.map(({ task, at, isReplaying = false, batchIndex = 0, isResult = false, query }) => {
    const payload = defaultPayloadConverter.toPayload(query?.settled);
    const headers = query?.settled == null ? {} : { [settledHeader]: payload };
    const job =
      query === undefined
        ? isResult
          ? { resolveActivity: { isLocal: true } }
          : { signalWorkflow: { signalName: 'takeTurn' } }
        : { queryWorkflow: { queryId: query.id, queryType: 'state', headers } };
    const timestamp = { seconds: task, nanos: 7 };
    const activation = { jobs: [job], runId: 'this-run', timestamp, isReplaying, historyLength: at };
    try {
      internals!.activate!({ activation, batchIndex } as unknown as ActivateInput, () => undefined);
      return true;
    } catch {
      return false;
    }
  });
}

describe('P8: a query that came with a task', () => {
  const inputOf = (jobs: readonly object[]): ActivateInput =>
    ({
      activation: { jobs, runId: 'this-run', timestamp: { seconds: 1, nanos: 0 }, historyLength: 3 },
      batchIndex: 0,
    }) as unknown as ActivateInput;

  it('is not answered while a local activity runs, also when one of them has ended', async () => {
    const { internals, outbound } = interceptors();
    const ending: (() => void)[] = [];
    const run = () =>
      outbound![0]!.scheduleLocalActivity!(
        {} as LocalActivityInput,
        () => new Promise<unknown>((resolve) => void ending.push(() => resolve(null))),
      );
    const isAnswered = (queryId: string, settled?: Settled): boolean => {
      let answered = false;
      const headers =
        settled === undefined ? {} : { [settledHeader]: defaultPayloadConverter.toPayload(settled) };
      const query = { queryWorkflow: { queryId, queryType: 'state', headers } };
      internals![0]!.activate!(inputOf([query]), () => void (answered = true));
      return answered;
    };
    internals![0]!.activate!(inputOf([{ signalWorkflow: { signalName: 'takeTurn' } }]), () => undefined);
    expect(isAnswered('7e6a')).toBe(true);
    const running = [run(), run()];
    expect(isAnswered('7e6a')).toBe(false);
    ending[0]!();
    await running[0];
    expect(isAnswered('7e6a')).toBe(false);
    ending[1]!();
    await running[1];
    expect(isAnswered('7e6a')).toBe(true);
    // The two come again, as they were sent before the task.
    const before = { runId: 'this-run', events: 1 };
    expect(isAnswered('legacy_query', before)).toBe(true);
    expect(isAnswered('legacy_query', before)).toBe(true);
    expect(() => isAnswered('legacy_query', before)).toThrow(askedTooEarly);
  });
});

describe('P8: a query that brought its worker a part of a history only', () => {
  const unbrought = news(1, 6);
  const begun = news(2, 9);

  it.each<{ readonly name: string; readonly steps: readonly Step[]; readonly last: boolean }>([
    { name: 'refused: news that no task brought', steps: [past(1, 3), unbrought], last: false },
    { name: 'refused: the task of a worker that is gone', steps: [past(1, 3), begun], last: false },
    { name: 'refused: news after a task of its own', steps: [past(1, 3), begun, news(2, 12)], last: false },
    {
      name: 'refused: the result of a local activity of such a task',
      steps: [past(1, 3), begun, result(2, 9)],
      last: false,
    },
    {
      name: 'answered: the result of a local activity',
      steps: [past(1, 3), begun, news(3, 12), result(3, 12)],
      last: true,
    },
    { name: 'answered: a history without news', steps: [past(1, 3)], last: true },
    { name: 'answered: a workflow that began here', steps: [news(1, 3)], last: true },
    { name: 'answered: the second task in a row', steps: [past(1, 3), begun, news(3, 12)], last: true },
    {
      name: 'answered: a task in two batches',
      steps: [past(1, 3), begun, news(3, 12), news(3, 12, { batchIndex: 1 })],
      last: true,
    },
  ])('by somebody who does not say what is settled, $name', ({ steps, last }) => {
    expect(passed([...steps, asked(null, steps.at(-1)!)]).at(-1)).toBe(last);
  });

  it.each<{ readonly name: string; readonly steps: readonly Step[]; readonly last: boolean }>([
    { name: 'answered: all of it was', steps: [past(1, 3), begun, asked(9, begun)], last: true },
    { name: 'refused: not all of it was', steps: [past(1, 3), begun, asked(8, begun)], last: false },
    {
      name: 'refused: what was is another run',
      steps: [past(1, 3), begun, asked(9, begun, 'last-run')],
      last: false,
    },
    {
      name: 'refused: not all of it was, though it looks well',
      steps: [news(1, 3), news(2, 9), asked(8, begun)],
      last: false,
    },
    { name: 'answered: nothing but what is past', steps: [past(1, 3), asked(0, past(1, 3))], last: true },
  ])('by somebody who says what is settled, $name', ({ steps, last }) => {
    expect(passed(steps).at(-1)).toBe(last);
  });

  it('one that came with a task is answered', () => {
    expect(passed([past(1, 3), begun, withTask(begun)])).toEqual([true, true, true]);
  });

  it('a query is no news', () => {
    const steps = [past(1, 3), asked(null, past(1, 3)), begun, asked(null, begun)];
    expect(passed(steps)).toEqual([true, true, true, false]);
  });
});
