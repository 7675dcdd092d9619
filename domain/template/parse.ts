/** The parts of a template as a tree. */
import { Action } from './action.js';
import { TemplateError, type At } from './error.js';
import { partsOf, type Part } from './lex.js';
import { pipelineOf } from './pipeline.js';
import { Scope } from './scope.js';
import type { Arm, Block, Node } from './tree.js';

/** Throws TemplateError; a variable or function that is not there is found here, also where it is never reached. */
export function parse(file: string, source: string): readonly Node[] {
  const scope = new Scope();
  scope.declare('$', null);
  const { nodes, ending } = new Parser(partsOf(file, source)).list(scope, 0);
  ending?.action.fail(`{{ ${ending.word} }} has no {{ if }}, {{ with }} or {{ range }} that it belongs to.`);
  return nodes;
}

const kinds = ['if', 'with', 'range'] as const;
const endings = ['end', 'else'] as const;

/** The action behind its word that ends a list of nodes. */
interface Ending {
  readonly word: (typeof endings)[number];
  readonly action: Action;
}

interface List {
  readonly nodes: readonly Node[];
  /** Null: the template ends. */
  readonly ending: Ending | null;
}

class Parser {
  private next = 0;

  constructor(private readonly parts: readonly Part[]) {}

  list(scope: Scope, depth: number): List {
    const nodes: Node[] = [];
    for (let part = this.parts[this.next++]; part !== undefined; part = this.parts[this.next++]) {
      if (part.kind === 'text') {
        nodes.push(part);
        continue;
      }
      const action = new Action(part.tokens, part.at);
      const word = endings.find((one) => action.takes('word', one));
      if (word !== undefined) return { nodes, ending: { word, action } };
      const kind = kinds.find((one) => action.takes('word', one));
      if (kind !== undefined) {
        nodes.push(this.block(kind, action, scope, depth + 1));
        continue;
      }
      const pipeline = pipelineOf(action, { scope, depth });
      action.end();
      nodes.push({ kind: 'print', pipeline });
    }
    return { nodes, ending: null };
  }

  private block(kind: Block['kind'], opening: Action, outer: Scope, depth: number): Block {
    // Holds the variables that the heads declare, up to the end of the block.
    const scope = new Scope(outer);
    const arms: Arm[] = [];
    let head = opening;
    for (;;) {
      const pipeline = pipelineOf(head, { scope, depth, isRange: kind === 'range' });
      head.end();
      const { nodes, ending } = this.body(kind, opening.at, scope, depth);
      arms.push({ pipeline, body: nodes });
      if (ending.word === 'end') return { kind, arms, otherwise: [] };
      head = ending.action;
      if (kind !== 'range' && head.takes('word', kind)) continue;
      head.end();
      const last = this.body(kind, opening.at, scope, depth);
      if (last.ending.word === 'else') last.ending.action.fail('A second {{ else }} has no {{ if }}.');
      return { kind, arms, otherwise: last.nodes };
    }
  }

  private body(kind: string, at: At, scope: Scope, depth: number): List & { readonly ending: Ending } {
    const { nodes, ending } = this.list(new Scope(scope), depth);
    if (ending === null) throw new TemplateError(at, `{{ ${kind} }} is not closed with {{ end }}.`);
    if (ending.word === 'end') ending.action.end();
    return { nodes, ending };
  }
}
