/** Hands out the addresses of a /20, one after the other, so that an address that was given back rests as long as possible. */
export class PodAddresses {
  readonly #taken = new Set<number>();
  readonly #base: number;
  #next = 2;

  constructor(cidr: string) {
    this.#base = numberOf(cidr.split('/')[0]!);
  }

  take(): string {
    for (let tries = 0; tries < 4093; tries++) {
      const host = this.#next;
      this.#next = host === 4094 ? 2 : host + 1;
      if (!this.#taken.has(host)) return this.#mark(host);
    }
    throw new Error('every pod address is taken');
  }

  /** Takes the address that a pod already has. */
  keep(address: string): string {
    const host = numberOf(address) - this.#base;
    this.#next = Math.max(this.#next, host + 1);
    return this.#mark(host);
  }

  release(address: string): void {
    this.#taken.delete(numberOf(address) - this.#base);
  }

  #mark(host: number): string {
    this.#taken.add(host);
    return addressOf(this.#base + host);
  }
}

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const addressOf = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
