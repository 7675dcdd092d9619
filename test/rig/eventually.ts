/**
 * Waits for a condition, asking every few milliseconds; names what it waited for when the deadline passes.
 * @param every time between two questions, ms, or what is waited for between them. Default 50
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 20_000,
  every: number | (() => Promise<unknown>) = 50,
): Promise<NonNullable<T>> {
  const until = Date.now() + deadlineMs;
  let last: unknown = 'it was never true';
  while (Date.now() < until) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await (typeof every === 'number' ? new Promise((resolve) => setTimeout(resolve, every)) : every());
  }
  throw new Error(
    `Waited ${deadlineMs} ms for ${what}: ${last instanceof Error ? last.message : String(last)}`,
  );
}
