/** Waits for a condition, asking every few milliseconds; names what it waited for when the deadline passes. */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 20_000,
  everyMs = 50,
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
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(
    `Waited ${deadlineMs} ms for ${what}: ${last instanceof Error ? last.message : String(last)}`,
  );
}
