/** Objects of one kind in one namespace, or in all of them, found by name or by their labels without a look at all of them. */
import type { KubeObject } from './objects.js';
import { matchesSelector, type LabelSelector, type Labels } from './selectors.js';

/** Everything; see `put`. */
export const anything = '*';

const pairsOf = (labels: Labels): string[] => Object.entries(labels).map(([key, value]) => `${key}=${value}`);

/** What to listen to for changes of objects that a selector matches; a rare label first, where it is known. */
export function topicOf(selector: LabelSelector | undefined, rareKey: string): string {
  const labels = selector?.matchLabels ?? {};
  const rare = labels[rareKey];
  return rare === undefined ? (pairsOf(labels)[0] ?? anything) : `${rareKey}=${rare}`;
}

export class Shelf<T extends KubeObject> {
  private readonly objects = new Map<string, T>();
  /** Names by label. */
  private readonly names = new Map<string, Set<string>>();

  /** @param nameOf what no two objects share */
  constructor(readonly nameOf = (object: KubeObject): string => object.metadata.name) {}

  get size(): number {
    return this.objects.size;
  }

  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  all(): T[] {
    return [...this.objects.values()];
  }

  /** Those that the selector matches; without one none. */
  select(selector: LabelSelector | undefined): T[] {
    const sets = pairsOf(selector?.matchLabels ?? {}).map(
      (pair) => this.names.get(pair) ?? new Set<string>(),
    );
    const [fewest] = sets.toSorted((a, b) => a.size - b.size);
    const candidates =
      fewest === undefined ? this.objects.values() : [...fewest].map((name) => this.objects.get(name)!);
    return [...candidates].filter((object) => matchesSelector(selector, object.metadata.labels ?? {}));
  }

  /** Answers what it touches: its name, its labels of now and before, and `anything`. */
  put(object: T): readonly string[] {
    const { labels = {} } = object.metadata;
    const name = this.nameOf(object);
    const before = this.remove(name);
    this.objects.set(name, object);
    const pairs = pairsOf(labels);
    for (const pair of pairs) {
      const names = this.names.get(pair);
      if (names === undefined) this.names.set(pair, new Set([name]));
      else names.add(name);
    }
    return [...new Set([anything, name, ...before, ...pairs])];
  }

  remove(name: string): readonly string[] {
    const object = this.objects.get(name);
    if (object === undefined) return [];
    this.objects.delete(name);
    const pairs = pairsOf(object.metadata.labels ?? {});
    for (const pair of pairs) {
      const names = this.names.get(pair);
      names?.delete(name);
      if (names?.size === 0) this.names.delete(pair);
    }
    return [anything, name, ...pairs];
  }

  replace(objects: readonly T[]): void {
    this.objects.clear();
    this.names.clear();
    for (const object of objects) this.put(object);
  }
}
