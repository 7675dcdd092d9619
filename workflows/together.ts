/** Doing several things side by side. */
import { CancellationScope } from '@temporalio/workflow';
import type { Target } from '../domain/target.js';

/** Ends when all have ended: the first failure cancels the others, and is thrown when they have let go. */
export async function together<T>(acts: readonly (() => Promise<T>)[]): Promise<T[]> {
  const [only, ...others] = acts;
  if (only !== undefined && others.length === 0) return [await only()];
  const scope = new CancellationScope();
  let failed: { readonly error: unknown } | null = null;
  const doing = await scope.run(() =>
    Promise.allSettled(
      acts.map(async (act) => {
        try {
          return await act();
        } catch (error) {
          failed ??= { error };
          scope.cancel();
          throw error;
        }
      }),
    ),
  );
  const first = failed as { readonly error: unknown } | null;
  if (first !== null) throw first.error;
  return doing.flatMap((done) => (done.status === 'fulfilled' ? [done.value] : []));
}

/** Called before caller, or the other way round; those that do not call each other side by side. */
export async function inOrder<R extends Pick<Target, 'level'>, T>(
  targets: readonly R[],
  act: (target: R) => T | Promise<T>,
  order: 'called first' | 'callers first' = 'called first',
): Promise<T[]> {
  const levels = [...new Set(targets.map((t) => t.level))].toSorted((a, b) => a - b);
  const results = new Map<R, T>();
  for (const level of order === 'called first' ? levels : levels.toReversed()) {
    const beside = targets.filter((t) => t.level === level);
    const done = await together(beside.map((target) => async () => act(target)));
    for (const [i, target] of beside.entries()) results.set(target, done[i]!);
  }
  return targets.map((target) => results.get(target)!);
}
