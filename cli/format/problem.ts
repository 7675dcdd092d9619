/** What went wrong, for people: what was seen, where, and what to do about it. Pure. */
import type { Problem, ProblemField } from '../answers.js';
import { locate, locateKey, type Place, type YamlDocument, type YamlProblem } from '../yaml.js';
import type { Paint } from './paint.js';
import { oneLine } from './text.js';

export function renderProblem(
  problem: Problem,
  paint: Paint,
  document: YamlDocument | null = null,
): string[] {
  const fields = problem.errors ?? [];
  const code = problem.code === undefined ? '' : ` ${paint.dim(`[${problem.code}]`)}`;
  return [
    `${paint.red('error:')} ${titleOf(problem)}${code}`,
    ...fields.flatMap((field) => fieldLines(field, problem, paint, document)),
    // With fields each carries a remedy of its own.
    ...(problem.remedy === undefined || fields.length > 0 ? [] : [`  ${oneLine(problem.remedy)}`]),
  ];
}

/** The detail without the messages of its fields, which follow by themselves. */
function titleOf({ detail, title, errors = [] }: Problem): string {
  const whole = oneLine(detail ?? title ?? 'The API refused the request.');
  const rest = errors.reduce((text, { message }) => text.replace(oneLine(message), ''), whole).trim();
  return rest === '' ? whole : rest.replace(/\s*:$/, '.');
}

function fieldLines(
  field: ProblemField,
  problem: Problem,
  paint: Paint,
  document: YamlDocument | null,
): string[] {
  const advice = adviceLines(field).map((line) => `  ${line}`);
  // A failure that blames one field is its own only field.
  if (document === null && field.message === problem.detail) return advice;
  return ['', ...placeLines(field, paint, document), ...advice];
}

function placeLines(field: ProblemField, paint: Paint, document: YamlDocument | null): string[] {
  const message = oneLine(field.message);
  if (field.pointer === '') return [message];
  if (document === null) return [`${field.pointer}: ${message}`];
  return framed(blamed(document, field), `${message} ${paint.dim(`(${field.pointer})`)}`, paint);
}

function blamed(document: YamlDocument, field: ProblemField): Place {
  return isUnknownKey(field) ? locateKey(document, field.pointer) : locate(document, field.pointer);
}

/** The API reports an unknown key at the key, and a wrong value at the same kind of pointer; only its words tell them apart. */
const isUnknownKey = (field: ProblemField): boolean => field.message.startsWith('There is no key ');

function framed(place: Place, message: string, paint: Paint): string[] {
  const gutter = String(place.line).length;
  const bar = paint.dim('|');
  // A tab stays a tab below, so that the caret stands under what it means whatever the tab width is.
  const indent = place.text.slice(0, place.column - 1).replace(/[^\t]/g, ' ');
  return [
    `${paint.bold(`${place.file}:${place.line}:${place.column}`)}: ${message}`,
    `  ${' '.repeat(gutter)} ${bar}`,
    `  ${place.line} ${bar} ${place.text}`,
    `  ${' '.repeat(gutter)} ${bar} ${indent}${paint.red('^'.repeat(place.length))}`,
  ];
}

/** What the message does not say already. */
function adviceLines(field: ProblemField): string[] {
  const { message, found = 'nothing', expected, nearest, remedy = '' } = field;
  const lines: string[] = [];
  if (found !== 'nothing' && !message.includes(found) && !isUnknownKey(field)) lines.push(`found ${found}`);
  if (expected !== undefined && !`${message} ${remedy}`.includes(expected))
    lines.push(`expected ${expected}`);
  if (nearest !== undefined && !remedy.includes(nearest)) lines.push(`did you mean "${nearest}"?`);
  if (remedy !== '') lines.push(remedy);
  return lines.map(oneLine);
}

export function renderYamlProblem(problem: YamlProblem, paint: Paint): string[] {
  return framed(problem.place, oneLine(problem.message), paint);
}
