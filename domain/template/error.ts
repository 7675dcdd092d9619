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

/** Does it; what is refused becomes an error at this place. */
export function placed<T>(at: At, subject: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) throw new TemplateError(at, `${subject}${error.message}.`, error.known);
    throw error;
  }
}
