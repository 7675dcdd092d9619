import { describe, expect, it } from 'vitest';
import { Shared } from './shared.js';

/** Calls that end when the test says so. */
function calls() {
  const open: { readonly n: number; readonly end: (error?: Error) => void }[] = [];
  let begun = 0;
  const start = (): Promise<number> => {
    const n = ++begun;
    return new Promise((resolve, reject) => {
      open.push({ n, end: (error) => (error === undefined ? resolve(n) : reject(error)) });
    });
  };
  return { start, open, begun: () => begun };
}

describe('a call that many make at once', () => {
  it('is made once more for all who ask while it is under way, and begins after they asked', async () => {
    const shared = new Shared();
    const { start, open, begun } = calls();
    const first = shared.call('x', start);
    const others = [shared.call('x', start), shared.call('x', start)];
    expect(begun()).toBe(1);
    open[0]!.end();
    expect(await first).toBe(1);
    await expect.poll(begun).toBe(2);
    open[1]!.end();
    expect(await Promise.all(others)).toEqual([2, 2]);
  });

  it('is made anew when none is under way, and apart from another', async () => {
    const shared = new Shared();
    const { start, open } = calls();
    for (const key of ['x', 'y']) void shared.call(key, start);
    expect(open).toHaveLength(2);
    open.forEach(({ end }) => end());
    await Promise.resolve();
    await Promise.resolve();
    void shared.call('x', start);
    expect(open).toHaveLength(3);
  });

  it('that fails, fails for those who shared it, and not for the next', async () => {
    const shared = new Shared();
    const { start, open, begun } = calls();
    const first = shared.call('x', start);
    const second = shared.call('x', start);
    open[0]!.end(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await expect.poll(begun).toBe(2);
    open[1]!.end();
    expect(await second).toBe(2);
  });
});
