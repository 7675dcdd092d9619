/** Doing several things side by side. */
import { CancellationScope } from '@temporalio/workflow';

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
