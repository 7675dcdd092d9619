/** Doing several things side by side. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
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

type Order = 'called first' | 'callers first';

/** Called before caller, or the other way round; those that do not call each other are in one. */
export function levelsOf<R extends Pick<Target, 'level'>>(
  targets: readonly R[],
  order: Order = 'called first',
): readonly (readonly R[])[] {
  const levels = [...new Set(targets.map((t) => t.level))].toSorted((a, b) => a - b);
  return (order === 'called first' ? levels : levels.toReversed()).map((level) =>
    targets.filter((t) => t.level === level),
  );
}

/** One level after the other, those of one side by side. */
export async function inOrder<R extends Pick<Target, 'level'>, T>(
  targets: readonly R[],
  act: (target: R) => T | Promise<T>,
  order: Order = 'called first',
): Promise<T[]> {
  const results = new Map<R, T>();
  for (const beside of levelsOf(targets, order)) {
    const done = await together(beside.map((target) => async () => act(target)));
    for (const [i, target] of beside.entries()) results.set(target, done[i]!);
  }
  return targets.map((target) => results.get(target)!);
}

/** Runs `act` until it ends or the condition holds, which cancels it; answers null then. */
export async function until<T>(met: () => boolean, act: () => Promise<T>): Promise<T | null> {
  const scope = new CancellationScope();
  let ended = false;
  const acting = scope.run(act).finally(() => (ended = true));
  acting.catch(() => undefined);
  await condition(() => met() || ended);
  if (ended) return acting;
  scope.cancel();
  return acting.catch((error: unknown) => {
    if (isCancellation(error)) return null;
    throw error;
  });
}
