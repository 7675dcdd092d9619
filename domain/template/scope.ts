import type { Value } from './values.js';

/** Variables by name; an inner scope sees those of the outer ones. The parser has checked that they are declared. */
export class Scope {
  private readonly values = new Map<string, Value>();

  constructor(private readonly outer: Scope | null = null) {}

  declare(name: string, value: Value): void {
    this.values.set(name, value);
  }

  /** Sets it where it is declared. */
  assign(name: string, value: Value): void {
    this.holder(name)?.values.set(name, value);
  }

  get(name: string): Value {
    return this.holder(name)?.values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.holder(name) !== null;
  }

  names(): readonly string[] {
    return [...(this.outer?.names() ?? []), ...this.values.keys()];
  }

  private holder(name: string): Scope | null {
    if (this.values.has(name)) return this;
    return this.outer?.holder(name) ?? null;
  }
}
