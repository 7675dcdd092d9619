/** Driver functions that a test calls itself, without the activity that would try them again. */
import { CatalogueError } from '../../activities/failure.js';

/** As long as an activity has for a route, ms. */
const patienceMs = 30_000;

/** Again, as the activity would be, while it fails with what passes: Contour may take seconds for a route on a busy machine. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const passes = error instanceof CatalogueError && error.failure.retryable;
      if (!passes || Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
