/** A template as a tree. */
import type { At } from './error.js';

export type Node =
  | { readonly kind: 'text'; readonly text: string; readonly at: At }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | Block;

export interface Block {
  readonly kind: 'if' | 'with' | 'range';
  /** One and each `else if`, in order; a range has one. */
  readonly arms: readonly Arm[];
  readonly otherwise: readonly Node[];
}

export interface Arm {
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
}

export interface Pipeline {
  /** What it declares or sets: one variable, or two of a range. */
  readonly variables: readonly string[];
  readonly declares: boolean;
  /** The answer of one is the last argument of the next. */
  readonly commands: readonly Command[];
  readonly at: At;
}

/** A function with its arguments, or a value alone. */
export interface Command {
  readonly first: Operand;
  readonly rest: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null; readonly at: At }
  | FunctionName
  | { readonly kind: 'dot'; readonly path: readonly string[]; readonly at: At }
  /** `$` is the whole of the data. */
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[]; readonly at: At }
  | {
      readonly kind: 'group';
      readonly pipeline: Pipeline;
      readonly path: readonly string[];
      readonly at: At;
    };

export interface FunctionName {
  readonly kind: 'function';
  readonly name: string;
  readonly at: At;
}
