/** Whoever writes a template cannot keep a worker busy or fill its memory. */
import { TemplateError, type At } from './error.js';

export const limits = {
  /** Characters of a template. */
  source: 1_000_000,
  /** Characters that it writes. */
  output: 1_000_000,
  /** Steps and characters that it reads or makes on the way. */
  work: 2_000_000,
  /** Blocks and parentheses in each other; also lists and maps of the data. */
  nesting: 100,
} as const;

/** Called before so many characters are made; throws where that is too much. */
export type Spend = (work: number) => void;

/** Counts what a template does. */
export class Meter {
  private work = 0;

  spend(work: number, at: At): void {
    this.work += work;
    if (this.work > limits.work)
      throw new TemplateError(
        at,
        `The template does too much: more than ${limits.work} steps and characters.`,
      );
  }
}
