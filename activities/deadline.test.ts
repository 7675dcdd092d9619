import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DeadlineError, withDeadline } from './deadline.js';

const never = (): Promise<never> => new Promise(() => undefined);

describe('a call with a deadline', () => {
  it('answers what the call answers, and lets go of the outer signal', async () => {
    const outer = new AbortController();
    expect(await withDeadline(10_000, outer.signal, () => Promise.resolve(1))).toBe(1);
    expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
  });
  it('fails with the error of the call', async () => {
    await expect(withDeadline(10_000, undefined, () => Promise.reject(new Error('own')))).rejects.toThrow(
      'own',
    );
  });
  it('ends at the deadline, even where the call does not listen', async () => {
    await expect(withDeadline(10, undefined, never)).rejects.toThrow(DeadlineError);
  });
  it('ends with the reason of the outer signal', async () => {
    const outer = new AbortController();
    const call = withDeadline(10_000, outer.signal, never);
    outer.abort(new Error('the reason'));
    await expect(call).rejects.toThrow('the reason');
  });
  it('does not begin when that has already been given', async () => {
    let begun = false;
    const call = withDeadline(10_000, AbortSignal.abort(new Error('too late')), () => {
      begun = true;
      return never();
    });
    await expect(call).rejects.toThrow('too late');
    expect(begun).toBe(false);
  });
});
