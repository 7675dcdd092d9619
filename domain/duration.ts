/** A length of time as people write it: a whole or decimal number with a unit, e.g. "500ms", "30s", "5m", "2h", "7d". */
export type Duration = string;

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds; throws on text that is no duration, which schemas exclude before. */
export function milliseconds(duration: Duration): number {
  const match = durationPattern.exec(duration);
  if (match === null) throw new RangeError(`"${duration}" is not a duration such as 30s or 5m`);
  return Math.round(Number(match[1]) * (units[match[2]!] ?? 0));
}

/** Shortest exact text: 90000 -> "90s", 300000 -> "5m". */
export function durationText(ms: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = units[unit] ?? 1;
    if (ms !== 0 && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
