/** Calls that many make at the same time, made once. */

/** One call by key: under way, and the one that follows for all who asked since it began. */
interface Flight {
  readonly answer: Promise<unknown>;
  next: Promise<unknown> | null;
}

/**
 * Callers who ask while the same call is under way share the next one, so that every answer is of a call that began after it was
 * asked for. It is not cancelled with one of them.
 */
export class Shared {
  private readonly flights = new Map<string, Flight>();

  call<T>(key: string, start: () => Promise<T>): Promise<T> {
    const current = this.flights.get(key);
    if (current === undefined) return this.take(key, start());
    const after = (): Promise<T> => this.take(key, start());
    current.next ??= current.answer.then(after, after);
    return current.next as Promise<T>;
  }

  private take<T>(key: string, answer: Promise<T>): Promise<T> {
    const flight: Flight = { answer, next: null };
    this.flights.set(key, flight);
    const land = (): void => {
      if (flight.next === null) this.flights.delete(key);
    };
    answer.then(land, land);
    return answer;
  }
}
