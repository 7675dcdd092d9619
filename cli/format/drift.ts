/** How applications differ from what their template would make, for people. Pure. */
import type { Paint } from './paint.js';
import { oneLine } from './text.js';

/** How one application differs. */
export interface Drift {
  readonly application: string;
  /** Version of the template that it was made of; null: it was made of no template, or of another one. */
  readonly made: string | null;
  readonly now: string;
  /** From what is declared to what the template would make; empty: they are the same. */
  readonly diff: readonly string[];
  /** Why the template makes nothing of its values. */
  readonly error: string | null;
}

export function driftLines(template: string, items: readonly Drift[], paint: Paint): string[] {
  if (items.length === 0) return [`no declared application was made of ${template}`];
  return items.flatMap((item) => [
    `${paint.bold(item.application)}  ${stateOf(item)}${paint.dim(` (${originOf(template, item)})`)}`,
    ...item.diff.map((line) => painted(line, paint)),
  ]);
}

function stateOf({ diff, error }: Drift): string {
  if (error !== null) return `cannot be made now: ${oneLine(error)}`;
  return diff.length === 0 ? 'is as the template makes it' : 'differs';
}

function originOf(template: string, { made, now }: Drift): string {
  if (made === null) return `not made of ${template}`;
  return made === now ? `${template} ${now}` : `made of ${template} ${made}, now ${now}`;
}

function painted(line: string, paint: Paint): string {
  const text = oneLine(line);
  if (text.startsWith('-')) return paint.red(text);
  if (text.startsWith('+')) return paint.green(text);
  return text.startsWith('@@') ? paint.cyan(text) : text;
}
