/** Walks a template's tree and writes its text. Throws TemplateError, one for all that is missing. */
import { MissingError, placed, TemplateError, together, type At } from './error.js';
import { answerOf, type Place } from './expression.js';
import { refuseNothing } from './fields.js';
import { limits, Meter } from './limits.js';
import { Scope } from './scope.js';
import type { Block, Node, Pipeline } from './tree.js';
import { Fields, isList, isNothing, isTrue, kindOf, printed, type Value } from './values.js';

export function evaluate(nodes: readonly Node[], data: Fields): string {
  const scope = new Scope();
  scope.declare('$', data);
  const writer = new Writer();
  try {
    writer.list(nodes, { dot: data, scope, meter: new Meter() });
  } catch (error) {
    // It may come of what is missing.
    writer.refuseGaps();
    throw error;
  }
  writer.refuseGaps();
  return writer.text;
}

class Writer {
  private readonly written: string[] = [];
  private length = 0;
  private readonly gaps: MissingError[] = [];

  get text(): string {
    return this.written.join('');
  }

  /** Throws where something is missing. */
  refuseGaps(): void {
    const [first, ...others] = this.gaps;
    if (first !== undefined) throw together([first, ...others]);
  }

  list(nodes: readonly Node[], place: Place): void {
    for (const node of nodes) {
      try {
        this.node(node, place);
      } catch (error) {
        if (!(error instanceof MissingError)) throw error;
        if (!this.gaps.some((gap) => gap.news === error.news)) this.gaps.push(error);
      }
    }
  }

  private node(node: Node, place: Place): void {
    switch (node.kind) {
      case 'text':
        return this.write(node.text, node.at);
      case 'print':
        return this.print(node.pipeline, place);
      case 'if':
      case 'with':
        return this.choose(node, place);
      case 'range':
        return this.range(node, place);
    }
  }

  private write(text: string, at: At): void {
    this.length += text.length;
    if (this.length > limits.output)
      throw new TemplateError(at, `The template writes more than ${limits.output} characters.`);
    this.written.push(text);
  }

  private print(pipeline: Pipeline, place: Place): void {
    const value = answerOf(pipeline, place);
    if (pipeline.variables.length > 0) return;
    if (isNothing(value)) placed(pipeline.at, '', () => refuseNothing(value));
    const text = placed(pipeline.at, 'The action ', () => printed(value));
    this.write(text, pipeline.at);
  }

  private choose({ kind, arms, otherwise }: Block, outer: Place): void {
    const place = within(outer);
    for (const { pipeline, body } of arms) {
      const value = answerOf(pipeline, place);
      if (!isTrue(value)) continue;
      this.list(body, within(place, kind === 'with' ? value : place.dot));
      return;
    }
    this.list(otherwise, within(place));
  }

  private range({ arms, otherwise }: Block, outer: Place): void {
    const place = within(outer);
    for (const { pipeline, body } of arms) {
      const pairs = pairsOf(answerOf(pipeline, place), pipeline.at);
      if (pairs.length === 0) this.list(otherwise, within(place));
      const [first, second] = pipeline.variables;
      const set = (name: string, value: Value): void =>
        pipeline.declares ? place.scope.declare(name, value) : place.scope.assign(name, value);
      for (const [key, element] of pairs) {
        place.meter.spend(1, pipeline.at);
        if (first !== undefined) set(first, second === undefined ? element : key);
        if (second !== undefined) set(second, element);
        this.list(body, within(place, element));
      }
    }
  }
}

const within = (place: Place, dot = place.dot): Place => ({ ...place, dot, scope: new Scope(place.scope) });

/** What a range goes over; nothing counts as an empty list. */
function pairsOf(value: Value, at: At): readonly (readonly [Value, Value])[] {
  if (isNothing(value)) return [];
  if (isList(value)) return value.map((element, i) => [i, element]);
  if (value instanceof Fields) return [...value.entries];
  throw new TemplateError(at, `range wants a list or a map and was given ${kindOf(value)}.`);
}
