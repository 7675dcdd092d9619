/** A place in a template, for people. */
export interface At {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** What is wrong in a template, where, and what would be right: `web.yaml:3: There is no .app.nam. Known: .app.name.` */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';

  constructor(
    readonly at: At,
    /** A sentence. */
    what: string,
    /** What may stand there instead; empty: the sentence says it. */
    known: readonly string[] = [],
  ) {
    super(`${at.file}:${at.line}: ${cut(what)}${listed(known)}`);
  }
}

/** Something that has to be there is not: the text goes on without it, to find what else is missing. */
export class MissingError extends TemplateError {
  /** The sentence without the place: said again it is no news. */
  get news(): string {
    return this.message.slice(`${this.at.file}:${this.at.line}`.length);
  }
}

/** One error for all of them, a line for each, at the place of the first. */
export function together(all: readonly [MissingError, ...MissingError[]]): TemplateError {
  const [first] = all;
  const more = all.length > told ? [`... and ${all.length - told} more.`] : [];
  first.message = [...all.slice(0, told).map((error) => error.message), ...more].join('\n');
  return first;
}

/** So many known names are told: nobody reads a longer list. */
const told = 50;

function listed(known: readonly string[]): string {
  if (known.length === 0) return '';
  const more = known.length > told ? ` and ${known.length - told} more` : '';
  return ` Known: ${cut(known.slice(0, told).join(', '))}${more}.`;
}

const cut = (text: string): string => (text.length > 1000 ? `${text.slice(0, 1000)}...` : text);

/** What a value or a function refuses: a sentence, or its end, without a point. Whoever evaluates the template knows the place. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly known: readonly string[] = [],
  ) {
    super(message);
  }
}

/** The same for what is not there. */
export class Absence extends Refusal {}

/** Does it; what is refused becomes an error at this place. */
export function placed<T>(at: At, subject: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const Kind = error instanceof Absence ? MissingError : TemplateError;
    throw new Kind(at, `${subject}${error.message}.`, error.known);
  }
}
