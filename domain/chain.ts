/** Applications that call each other: which come first. Pure. */

/** Names of the applications that an application calls, by its name; also of applications that a request goes through unreleased. */
export type Calls = Readonly<Record<string, readonly string[]>>;

/** A way along the calls that ends where it began, `a, b, a`; null: there is none. */
export function cycleIn(names: readonly string[], calls: Calls): readonly string[] | null {
  const cleared = new Set<string>();
  const from = (name: string, way: readonly string[]): readonly string[] | null => {
    const start = way.indexOf(name);
    if (start >= 0) return [...way.slice(start), name];
    if (cleared.has(name)) return null;
    for (const called of calledBy(name, calls)) {
      const cycle = from(called, [...way, name]);
      if (cycle !== null) return cycle;
    }
    cleared.add(name);
    return null;
  };
  for (const name of names) {
    const cycle = from(name, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** How many members have to be there before each one: 0 where it calls none of them, on whatever way. In a cycle some order. */
export function levelsOf(members: readonly string[], calls: Calls): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  const levelOf = (name: string): number => {
    const known = levels.get(name);
    if (known !== undefined) return known;
    levels.set(name, 0);
    const below = reachedFrom(name, calls);
    const level = Math.max(-1, ...members.filter((m) => m !== name && below.has(m)).map(levelOf)) + 1;
    levels.set(name, level);
    return level;
  };
  for (const name of members) levelOf(name);
  return levels;
}

/** The members that requests come to only through other members. */
export function innerOf(members: readonly string[], calls: Calls): ReadonlySet<string> {
  const below = members.map((name) => reachedFrom(name, calls));
  return new Set(members.filter((name, i) => below.some((called, k) => k !== i && called.has(name))));
}

/** All that a request may get to from there; the start only in a circle. */
export function reachedFrom(name: string, calls: Calls): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...calledBy(name, calls)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...calledBy(next, calls));
  }
  return found;
}

const calledBy = (name: string, calls: Calls): readonly string[] =>
  Object.hasOwn(calls, name) ? calls[name]! : [];
