/** Where text stops being JSON: the offset of the first character that cannot be, or null where the text is JSON. */
export function jsonErrorOffset(source: string): number | null {
  const scanner = new Scanner(source);
  return scanner.document() ? null : scanner.furthest;
}

/** Line and column, counted from 1. */
export function lineAndColumn(
  source: string,
  offset: number,
): { readonly line: number; readonly column: number } {
  const before = source.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - start + 1 };
}

const tokens = {
  space: /[ \t\n\r]*/y,
  string: /"(?:[^"\\\p{Cc}]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy,
  stringPart: /"(?:[^"\\\p{Cc}]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
};

/** Reads as JSON.parse does, keeps nothing but the place. */
class Scanner {
  furthest = 0;
  private at = 0;

  constructor(private readonly source: string) {}

  document(): boolean {
    const whole = this.value(0) && this.at === this.source.length;
    this.furthest = this.at;
    return whole;
  }

  private value(depth: number): boolean {
    this.take(tokens.space);
    const found =
      this.source[this.at] === '{'
        ? this.list('}', depth, () => this.string() && this.character(':') && this.value(depth + 1))
        : this.source[this.at] === '['
          ? this.list(']', depth, () => this.value(depth + 1))
          : this.string() || this.take(tokens.number) || this.take(tokens.word);
    return found && this.space();
  }

  private list(end: string, depth: number, item: () => boolean): boolean {
    if (depth > 500) return false;
    this.at += 1;
    this.space();
    if (this.character(end)) return true;
    do {
      this.space();
      if (!item()) return false;
    } while (this.character(','));
    return this.character(end);
  }

  private string(): boolean {
    if (this.source[this.at] !== '"') return false;
    const whole = this.take(tokens.string);
    if (!whole) this.take(tokens.stringPart);
    return whole && this.space();
  }

  private character(expected: string): boolean {
    if (this.source[this.at] !== expected) return false;
    this.at += 1;
    return this.space();
  }

  private space(): true {
    this.take(tokens.space);
    return true;
  }

  private take(token: RegExp): boolean {
    token.lastIndex = this.at;
    const match = token.exec(this.source);
    if (match === null) return false;
    this.at += match[0].length;
    return true;
  }
}
