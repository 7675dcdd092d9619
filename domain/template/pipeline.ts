/** The tokens of one action as a pipeline. */
import type { Action } from './action.js';
import { placed, type At } from './error.js';
import { functions, unsupported } from './functions.js';
import type { Token } from './lex.js';
import { limits } from './limits.js';
import { numberOf, stringOf } from './literals.js';
import type { Scope } from './scope.js';
import type { Command, Operand, Pipeline } from './tree.js';

/** Where a pipeline stands. */
export interface Surroundings {
  readonly scope: Scope;
  /** Blocks and parentheses around it. */
  readonly depth: number;
  readonly isRange?: boolean;
}

/** Up to the end of the action, or to a parenthesis that closes. Throws TemplateError. */
export function pipelineOf(action: Action, around: Surroundings): Pipeline {
  if (around.depth > limits.nesting)
    action.fail(`Blocks and parentheses are nested deeper than ${limits.nesting} levels.`);
  const at = action.peek()?.at ?? action.at;
  const { variables, declares } = declaration(action, around);
  const commands = [commandOf(action, around)];
  while (action.takes('symbol', '|')) {
    if (action.peek()?.kind !== 'word') action.fail('After | stands a function.');
    const command = commandOf(action, around);
    if (command.first.kind !== 'function') action.fail('After | stands a function.');
    commands.push(command);
  }
  // Not before: its own value cannot use it.
  if (declares) for (const name of variables) around.scope.declare(name, null);
  return { variables, declares, commands, at };
}

type Declaration = Pick<Pipeline, 'variables' | 'declares'>;

function declaration(action: Action, { scope, isRange = false }: Surroundings): Declaration {
  const [first, second, third, fourth] = [0, 1, 2, 3].map((ahead) => action.peek(ahead));
  const sets = (token: Token | undefined): boolean => token?.text === ':=' || token?.text === '=';
  const isPair = second?.text === ',' && third?.kind === 'variable' && sets(fourth);
  if (first?.kind !== 'variable' || !(isPair || sets(second))) return { variables: [], declares: false };
  if (isPair && !isRange) action.fail('Only a range has two variables.');
  const variables = isPair ? [first.text, third.text] : [first.text];
  const declares = (isPair ? fourth : second)?.text === ':=';
  if (variables.includes('$')) action.fail('$ is the whole of the data and cannot be set.');
  if (!declares) for (const name of variables) check(name, scope, action);
  action.pass(isPair ? 4 : 2);
  return { variables, declares };
}

function check(name: string, scope: Scope, action: Action): void {
  if (!scope.has(name)) action.fail(`The variable ${name} is not declared.`, scope.names());
}

function commandOf(action: Action, around: Surroundings): Command {
  const first = operandOf(action, around);
  if (first === null) return action.fail('A value is missing.');
  if (first.kind === 'literal' && first.value === null) action.fail('nil alone has no value.');
  const rest: Operand[] = [];
  while (action.peek()?.isSpaced === true) {
    const next = operandOf(action, around);
    if (next === null) break;
    if (first.kind !== 'function') action.fail('Only a function takes arguments.');
    rest.push(next);
  }
  const after = action.peek();
  if (after !== undefined && !(after.kind === 'symbol' && '|)'.includes(after.text))) action.end();
  return { first, rest };
}

/** Null: none stands here. */
function operandOf(action: Action, around: Surroundings): Operand | null {
  const token = action.peek();
  if (token === undefined) return null;
  const { kind, text, at } = token;
  switch (kind) {
    case 'string':
      action.pass();
      return { kind: 'literal', value: placed(at, '', () => stringOf(text)), at };
    case 'number':
      action.pass();
      return { kind: 'literal', value: placed(at, '', () => numberOf(text)), at };
    case 'field':
      action.pass();
      return { kind: 'dot', path: [text.slice(1), ...chain(action)], at };
    case 'dot':
      action.pass();
      return { kind, path: [], at };
    case 'variable':
      check(text, around.scope, action);
      action.pass();
      return { kind, name: text, path: chain(action), at };
    case 'word':
      return word(action, token);
    case 'symbol':
      return text === '(' ? group(action, at, around) : null;
  }
}

function word(action: Action, { text, at }: Token): Operand {
  const reason = unsupported.get(text);
  if (reason !== undefined) action.fail(`${text} is not supported: ${reason}.`);
  const isLiteral = text === 'true' || text === 'false' || text === 'nil';
  if (!isLiteral && !functions.has(text)) action.fail(`There is no function ${text}.`, [...functions.keys()]);
  action.pass();
  if (isLiteral) return { kind: 'literal', value: text === 'nil' ? null : text === 'true', at };
  return { kind: 'function', name: text, at };
}

function group(action: Action, at: At, around: Surroundings): Operand {
  action.pass();
  const pipeline = pipelineOf(action, { scope: around.scope, depth: around.depth + 1 });
  if (!action.takes('symbol', ')')) action.fail('A ) is missing.');
  return { kind: 'group', pipeline, path: chain(action), at };
}

/** Fields that follow without a space. */
function chain(action: Action): readonly string[] {
  const path: string[] = [];
  for (let token = action.peek(); token?.kind === 'field' && !token.isSpaced; token = action.peek()) {
    path.push(token.text.slice(1));
    action.pass();
  }
  return path;
}
