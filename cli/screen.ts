/** A block of lines in a terminal that is drawn over itself. */
import type { Writer } from './context.js';

const escape = '\u001B[';
const colourCode = new RegExp(`(${escape.replace('[', '\\[')}[\\d;]*m)`);

export class Screen {
  private height = 0;

  constructor(private readonly out: Writer) {}

  /** Replaces what was drawn before; lines are cut to the terminal, since a wrapped line would break the count. */
  draw(lines: readonly string[]): void {
    const columns = this.out.columns ?? 80;
    const cut = lines.map((line) => cutTo(line, columns - 1));
    this.out.write(`${this.back()}${cut.map((line) => `${line}${escape}K\n`).join('')}${escape}J`);
    this.height = cut.length;
  }

  clear(): void {
    this.out.write(`${this.back()}${escape}J`);
    this.height = 0;
  }

  private back(): string {
    return this.height === 0 ? '\r' : `${escape}${this.height}A\r`;
  }
}

/** The first `columns` characters; colour codes count nothing and are closed at the cut. */
export function cutTo(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const part of line.split(colourCode)) {
    if (part.startsWith(escape)) {
      kept += part;
      continue;
    }
    const room = Array.from(part).slice(0, columns - width);
    width += room.length;
    kept += room.join('');
  }
  return kept;
}
