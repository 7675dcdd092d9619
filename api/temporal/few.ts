/** A few at a time: what has begun is finished sooner than what comes later. */

/** Callers beyond the first few wait in the order in which they came, but not for longer than the patience: then they go too. */
export class Few {
  private readonly waiting = new Set<() => void>();
  private busy = 0;

  constructor(
    private readonly most: number,
    private readonly patienceMs: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy >= this.most) await this.turn();
    this.busy++;
    try {
      return await work();
    } finally {
      this.busy--;
      const [next] = this.waiting;
      next?.();
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, this.patienceMs);
      this.waiting.add(go);
    });
  }
}
