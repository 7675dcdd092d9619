/** YAML files with positions: a JSON pointer of the API becomes a line with a caret. Pure. */
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node, Pair } from 'yaml';

export interface Source {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
}

export interface YamlDocument {
  readonly source: Source;
  readonly value: unknown;
  readonly document: Document;
}

/** A place in a file, for people: line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters are to blame, on this line. */
  readonly length: number;
  readonly text: string;
}

export interface YamlProblem {
  readonly place: Place;
  readonly message: string;
}

export type Parsed =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly problems: readonly YamlProblem[] };

/** Every document of a file that holds something, or every syntax error. */
export function parseYaml(file: string, text: string): Parsed {
  const lines = new LineCounter();
  const source: Source = { file, text, lines };
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })];
  const problems = documents.flatMap((document) =>
    document.errors.map((error) => ({
      place: placeOf(source, error.pos[0], error.pos[1]),
      message: error.message,
    })),
  );
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    documents: documents
      .filter((document) => document.contents !== null && !isEmptyScalar(document.contents))
      .map((document) => ({ source, value: document.toJS() as unknown, document: document as Document })),
  };
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

/** Where a JSON pointer points: an unknown key at the key itself, a wrong value at the value, a missing key at what lacks it. */
export function locate(document: YamlDocument, pointer: string): Place {
  const { source } = document;
  let node: unknown = document.document.contents;
  let found = rangeOf(node) ?? [0, 0];
  const path = pointerPath(pointer);
  for (const [i, key] of path.entries()) {
    const child = childOf(document.document, node, key);
    if (child === null) return placeOf(source, found[0], i === 0 ? found[0] : firstLineEnd(source, found));
    const last = i === path.length - 1;
    const blamed =
      isPair(child) && (!last || !isScalar(child.value)) ? child.key : isPair(child) ? child.value : child;
    found = rangeOf(blamed) ?? found;
    node = isPair(child) ? child.value : child;
  }
  return placeOf(source, found[0], firstLineEnd(source, found));
}

/** Where the last key of a pointer is written, whatever its value; for a key that nobody knows. */
export function locateKey(document: YamlDocument, pointer: string): Place {
  const path = pointerPath(pointer);
  const parent = path.slice(0, -1).reduce<unknown>((node, key) => {
    const child = childOf(document.document, node, key);
    return isPair(child) ? child.value : child;
  }, document.document.contents);
  const child = path.length === 0 ? null : childOf(document.document, parent, path[path.length - 1]!);
  const range = isPair(child) ? rangeOf(child.key) : null;
  return range === null ? locate(document, pointer) : placeOf(document.source, range[0], range[1]);
}

export function pointerPath(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .replace(/^\//, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function childOf(document: Document, node: unknown, key: string): Pair | Node | null {
  const real = isAlias(node) ? node.resolve(document) : node;
  if (isMap(real))
    return real.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key) ?? null;
  if (isSeq(real)) return (real.items[Number(key)] as Node | undefined) ?? null;
  return null;
}

function rangeOf(node: unknown): readonly [number, number] | null {
  if (!isScalar(node) && !isCollection(node) && !isAlias(node)) return null;
  return node.range === undefined || node.range === null ? null : [node.range[0], node.range[1]];
}

function firstLineEnd(source: Source, [start, end]: readonly [number, number]): number {
  const newline = source.text.indexOf('\n', start);
  return newline === -1 ? end : Math.min(end, newline);
}

function placeOf(source: Source, start: number, end: number): Place {
  const { line, col } = source.lines.linePos(Math.min(start, source.text.length));
  const text = source.text.split('\n')[line - 1]?.replace(/\r$/, '') ?? '';
  const length = Math.max(1, Math.min(end - start, text.length - col + 1));
  return { file: source.file, line: Math.max(1, line), column: Math.max(1, col), length, text };
}
