/** Things of which each serves one at a time, in the order of asking. */
export class Pool<T> {
  private readonly free: T[];
  private readonly waiting: { readonly serve: (thing: T) => void; readonly refuse: (why: Error) => void }[] =
    [];
  private usable: number;

  constructor(things: readonly T[]) {
    this.free = [...things];
    this.usable = things.length;
  }

  /** Waits for a free one. One with which something failed is of no more use. */
  async with<R>(act: (thing: T) => Promise<R>): Promise<R> {
    const thing = await this.take();
    try {
      const result = await act(thing);
      this.giveBack(thing);
      return result;
    } catch (error) {
      this.lose();
      throw error;
    }
  }

  private take(): Promise<T> {
    if (this.usable === 0) throw new Error('None of them is of use any more.');
    const thing = this.free.shift();
    if (thing !== undefined) return Promise.resolve(thing);
    return new Promise((serve, refuse) => this.waiting.push({ serve, refuse }));
  }

  private giveBack(thing: T): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(thing);
    else next.serve(thing);
  }

  private lose(): void {
    this.usable--;
    if (this.usable > 0) return;
    for (const { refuse } of this.waiting.splice(0)) refuse(new Error('None of them is of use any more.'));
  }
}
