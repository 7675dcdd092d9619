/** Resource versions, which an API server counts up with every write. */

/** Whether `a` is older than `b`; false where one is not a number, and nothing is known. */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return BigInt(a) < BigInt(b);
}
