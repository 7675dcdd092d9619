/** A template cut into text and actions, and each action into tokens, by the rules of Go's text/template. */
import { TemplateError, type At } from './error.js';

export interface Token {
  readonly kind: 'string' | 'number' | 'word' | 'variable' | 'field' | 'dot' | 'symbol';
  /** As it is written. */
  readonly text: string;
  /** Whether white space stands before it: `.a.b` is one value, `.a .b` are two. */
  readonly isSpaced: boolean;
  readonly at: At;
}

export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly at: At }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly at: At };

/** Throws TemplateError. */
export function partsOf(file: string, source: string): readonly Part[] {
  const cursor = new Cursor(file, source);
  const parts: Part[] = [];
  let trimsLeft = false;
  for (;;) {
    const raw = cursor.takeUntil('{{') ?? cursor.takeRest();
    const { at } = cursor;
    const opening = cursor.take(/\{\{(?:-[ \t\r\n])?/y);
    const text = trimmed(raw, trimsLeft, opening !== null && opening.length > 2);
    if (text !== '') parts.push({ kind: 'text', text, at });
    if (opening === null) return parts;
    const isComment = cursor.take(/\/\*/y) !== null;
    const { tokens, closing } = isComment ? comment(cursor, at) : action(cursor, at);
    if (!isComment) parts.push({ kind: 'action', tokens, at });
    trimsLeft = closing.includes('-');
  }
}

interface Inner {
  readonly tokens: readonly Token[];
  readonly closing: string;
}

function comment(cursor: Cursor, at: At): Inner {
  if (cursor.takeUntil('*/') === null) throw new TemplateError(at, 'The comment is not closed with */.');
  const closing = cursor.take(/\*\/(?:[ \t\r\n]-)?\}\}/y);
  if (closing === null) throw new TemplateError(cursor.at, 'After a comment stands }} or " -}}".');
  return { tokens: [], closing };
}

function action(cursor: Cursor, at: At): Inner {
  const tokens: Token[] = [];
  for (;;) {
    const closing = cursor.take(/(?:[ \t\r\n]+-|[ \t\r\n]*)\}\}/y);
    if (closing !== null) return { tokens, closing };
    const isSpaced = cursor.take(/[ \t\r\n]+/y) !== null;
    if (cursor.isAtEnd) throw new TemplateError(at, 'The action is not closed with }}.');
    tokens.push(token(cursor, isSpaced));
  }
}

/** In the order in which they are tried. */
const patterns: readonly (readonly [kind: Token['kind'], pattern: RegExp])[] = [
  ['string', /"[^"\\\n]*(?:\\.[^"\\\n]*)*"|`[^`]*`/y],
  ['number', /[+-]?\.?[0-9](?:[eE][+-]|[\p{L}\p{Nd}_.])*/uy],
  ['field', /\.[\p{L}\p{Nd}_]+/uy],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['symbol', /:=|[=|(),]/y],
];
const names: readonly Token['kind'][] = ['field', 'dot', 'variable', 'word'];

function token(cursor: Cursor, isSpaced: boolean): Token {
  const { at } = cursor;
  for (const [kind, pattern] of patterns) {
    const text = cursor.take(pattern);
    if (text === null) continue;
    if (names.includes(kind) && !cursor.looksAt(/[ \t\r\n.,|:()]|\}\}|$/y))
      throw new TemplateError(
        at,
        `${cursor.next} cannot follow ${text}; a key with other characters is read so: (index .values "a-key").`,
      );
    return { kind, text, isSpaced, at };
  }
  throw new TemplateError(at, reasons.get(cursor.next) ?? `${cursor.next} does not belong into an action.`);
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['"', 'The string is not closed with ".'],
  ['`', 'The string is not closed with `.'],
  ["'", 'A string stands in " or `.'],
  ['/', 'A comment is written {{/* so */}} or {{- /* so */ -}}.'],
]);

function trimmed(text: string, left: boolean, right: boolean): string {
  const from = left ? text.search(/[^ \t\r\n]|$/) : 0;
  let to = text.length;
  // No pattern: one that is tied to the end takes quadratic time on long white space.
  if (right) while (to > from && ' \t\r\n'.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/** Reads from left to right and knows the line. */
class Cursor {
  private position = 0;
  private line = 1;

  constructor(
    private readonly file: string,
    private readonly source: string,
  ) {}

  get at(): At {
    return { file: this.file, line: this.line };
  }

  get isAtEnd(): boolean {
    return this.position >= this.source.length;
  }

  /** The next character. */
  get next(): string {
    return String.fromCodePoint(this.source.codePointAt(this.position) ?? 0x20);
  }

  /** Passes what the pattern, a sticky one, finds here; null: nothing. */
  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.source)?.[0];
    return found === undefined ? null : this.pass(found);
  }

  looksAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    return pattern.test(this.source);
  }

  /** Up to the mark, which comes next then; null: there is none. */
  takeUntil(mark: string): string | null {
    const end = this.source.indexOf(mark, this.position);
    return end < 0 ? null : this.pass(this.source.slice(this.position, end));
  }

  takeRest(): string {
    return this.pass(this.source.slice(this.position));
  }

  private pass(text: string): string {
    this.position += text.length;
    this.line += text.split('\n').length - 1;
    return text;
  }
}
