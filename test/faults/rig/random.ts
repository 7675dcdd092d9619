/** Chance that can be had again: the same seed gives the same faults in the same order. */

export interface Random {
  /** 0 or more, below 1. */
  next(): number;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
}

/** Mulberry32: small, and even enough for a choice of faults. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return { next, between, pick: (from) => from[between(0, from.length - 1)]! };
}

/** SLUICE_FAULT_SEED, or a new one: below a million, so that it can be read out. */
export function seedOf(env: NodeJS.ProcessEnv): number {
  const given = Number(env['SLUICE_FAULT_SEED']);
  return Number.isInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 999_999);
}

/** So many of them in a random order: each of them comes once before any comes again. */
export function schedule<T>(random: Random, from: readonly T[], count: number): readonly T[] {
  const order: T[] = [];
  while (order.length < count) {
    const round = [...from];
    while (round.length > 0 && order.length < count)
      order.push(...round.splice(random.between(0, round.length - 1), 1));
  }
  return order;
}
