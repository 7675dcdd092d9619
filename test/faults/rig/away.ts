/** When which part was away, so that what happened meanwhile is judged by what could be known then. */

export interface Window {
  readonly part: string;
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
}

export class Away {
  readonly windows: Window[] = [];

  /** Notes the time from now to the end of `act` as one in which the part was away. */
  async during<T>(part: string, act: () => Promise<T>): Promise<T> {
    const window: Window = { part, from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.windows.push(window);
    try {
      return await act();
    } finally {
      window.to = Date.now();
    }
  }

  /** Whether one of these parts was away at some time between the two moments. */
  overlaps(parts: readonly string[], from: number, to: number): boolean {
    return parts.some((part) => this.window(part, from, to) !== null);
  }

  /** The last time that a part was away at some time between the two moments; null: it was there. */
  window(part: string, from: number, to: number): Window | null {
    return this.windows.findLast((w) => w.part === part && w.from <= to && w.to >= from) ?? null;
  }

  /** What was away so long before a moment, or later. */
  around(moment: number, lagMs: number): readonly string[] {
    const near = this.windows.filter((w) => w.from <= moment + lagMs && w.to >= moment - lagMs);
    return [...new Set(near.map((w) => w.part))];
  }

  /** Since when what was true may still be believed at a moment: so long before it, or before what was away meanwhile began to be. */
  before(parts: readonly string[], moment: number, lagMs: number): number {
    let since = moment - lagMs;
    const reaches = ({ part, from, to }: Window): boolean =>
      parts.includes(part) && from <= moment && to >= since && from - lagMs < since;
    for (let w = this.windows.find(reaches); w !== undefined; w = this.windows.find(reaches))
      since = w.from - lagMs;
    return since;
  }
}
