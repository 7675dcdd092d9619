import { describe, expect, it } from 'vitest';
import { Few } from './few.js';

/** Work that ends when it is told to. */
class Task {
  begun = false;
  end: () => void = () => undefined;
  readonly work = (): Promise<void> => {
    this.begun = true;
    return new Promise((resolve) => (this.end = resolve));
  };
}

const tasks = (count: number): readonly Task[] => Array.from({ length: count }, () => new Task());
const begun = (all: readonly Task[]): readonly boolean[] => all.map((task) => task.begun);

describe('a few at a time', () => {
  it('lets the first ones go and the others wait for an end, in their order', async () => {
    const few = new Few(2, 60_000);
    const all = tasks(4);
    const runs = all.map((task) => few.run(task.work));
    expect(begun(all)).toEqual([true, true, false, false]);
    all[1]!.end();
    await runs[1];
    expect(begun(all)).toEqual([true, true, true, false]);
    all[0]!.end();
    await runs[0];
    expect(begun(all)).toEqual([true, true, true, true]);
    for (const task of all.slice(2)) task.end();
    await Promise.all(runs);
  });

  it('goes on after one that failed', async () => {
    const few = new Few(1, 60_000);
    const failing = few.run(() => Promise.reject(new Error('gone')));
    const second = few.run(() => Promise.resolve('well'));
    await expect(failing).rejects.toThrow('gone');
    expect(await second).toBe('well');
  });

  it('does not wait for longer than its patience', async () => {
    const few = new Few(1, 10);
    const [stuck, late] = tasks(2);
    const runs = [stuck!, late!].map((task) => few.run(task.work));
    await expect.poll(() => late!.begun).toBe(true);
    for (const task of [stuck!, late!]) task.end();
    await Promise.all(runs);
  });
});
