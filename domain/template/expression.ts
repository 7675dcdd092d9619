/** What a pipeline answers. Throws TemplateError. */
import { placed, Refusal } from './error.js';
import { follow, refuseNothing } from './fields.js';
import { functions, type TemplateFunction } from './functions.js';
import type { Meter } from './limits.js';
import type { Scope } from './scope.js';
import type { Command, FunctionName, Operand, Pipeline } from './tree.js';
import { isNothing, type Value } from './values.js';

/** Where a template is evaluated. */
export interface Place {
  readonly dot: Value;
  readonly scope: Scope;
  readonly meter: Meter;
}

/** Also sets the variables that the pipeline declares or assigns. */
export function answerOf({ variables, declares, commands }: Pipeline, place: Place): Value {
  let piped: readonly Value[] = [];
  for (const command of commands) piped = [answer(command, piped, place)];
  const value = piped[0] ?? null;
  for (const name of variables)
    if (declares) place.scope.declare(name, value);
    else place.scope.assign(name, value);
  return value;
}

const answer = ({ first, rest }: Command, piped: readonly Value[], place: Place): Value =>
  first.kind === 'function' ? call(first, rest, piped, place) : valueOf(first, place);

function valueOf(operand: Operand, place: Place): Value {
  const { kind, at } = operand;
  place.meter.spend(1, at);
  switch (kind) {
    case 'literal':
      return operand.value;
    case 'function':
      return call(operand, [], [], place);
    case 'dot':
      return placed(at, '', () => follow(place.dot, '', operand.path));
    case 'variable':
      return placed(at, '', () => follow(place.scope.get(operand.name), operand.name, operand.path));
    case 'group': {
      const value = answerOf(operand.pipeline, place);
      return placed(at, '', () => follow(value, '(...)', operand.path));
    }
  }
}

function call(
  { name, at }: FunctionName,
  rest: readonly Operand[],
  piped: readonly Value[],
  place: Place,
): Value {
  const called = functions.get(name)!;
  const spend = (work: number): void => place.meter.spend(work, at);
  placed(at, `${name} `, () => checkCount(called, rest.length + piped.length));
  const values: Value[] = [];
  for (const value of argumentsOf(rest, piped, place)) {
    if (isNothing(value) && called.takesNothing !== true)
      placed(at, '', () => refuseNothing(value, `What ${name} is given`));
    if (called.stopsAt?.(value) === true) return value;
    spend(lengthOf(value));
    values.push(value);
  }
  const result = placed(at, `${name} `, () => called.call(values, spend));
  spend(1 + lengthOf(result));
  return result;
}

/** One by one: `and` and `or` do not look at all. */
function* argumentsOf(
  rest: readonly Operand[],
  piped: readonly Value[],
  place: Place,
): Generator<Value, void, undefined> {
  for (const operand of rest) yield valueOf(operand, place);
  yield* piped;
}

function checkCount({ least, most }: TemplateFunction, given: number): void {
  if (given >= least && given <= most) return;
  const count = most === Infinity ? `at least ${least}` : String(least);
  throw new Refusal(`takes ${count} argument${least === 1 ? '' : 's'} and was given ${given}`);
}

const lengthOf = (value: Value): number => (typeof value === 'string' ? value.length : 0);
