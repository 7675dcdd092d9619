/** A block of lines in a terminal that is drawn over itself. */
import type { Writer } from './context.js';

const escape = '\u001B[';
const colourCode = new RegExp(`(${escape.replace('[', '\\[')}[\\d;]*m)`);

export class Screen {
  private height = 0;

  constructor(private readonly out: Writer) {}

  /** Replaces what was drawn before; cut to the terminal, since what wraps or scrolls away cannot be drawn over. */
  draw(lines: readonly string[]): void {
    const columns = this.out.columns ?? 80;
    const cut = fitTo(lines, (this.out.rows ?? 24) - 1).map((line) => cutTo(line, columns - 1));
    this.out.write(`${this.back()}${cut.map((line) => `${line}${escape}K\n`).join('')}${escape}J`);
    this.height = cut.length;
  }

  clear(): void {
    if (this.height === 0) return;
    this.out.write(`${this.back()}${escape}J`);
    this.height = 0;
  }

  private back(): string {
    return this.height === 0 ? '\r' : `${escape}${this.height}A\r`;
  }
}

/** At most `height` lines: the head, and of the rest what is around the running step, else the end. */
export function fitTo(lines: readonly string[], height: number): readonly string[] {
  if (lines.length <= height) return lines;
  const head = lines.slice(0, 2);
  const rest = lines.slice(2);
  const room = Math.max(1, height - head.length);
  const running = rest.findIndex((line) => line.includes('▶'));
  const wanted = running === -1 ? rest.length : running - Math.floor(room / 2);
  const from = Math.max(0, Math.min(wanted, rest.length - room));
  return [...head, ...rest.slice(from, from + room)];
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
