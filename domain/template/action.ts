import { TemplateError, type At } from './error.js';
import type { Token } from './lex.js';

/** The tokens of an action, read from left to right. */
export class Action {
  private position = 0;

  constructor(
    private readonly tokens: readonly Token[],
    readonly at: At,
  ) {}

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.position + ahead];
  }

  pass(count = 1): void {
    this.position += count;
  }

  /** Passes it if it comes next. */
  takes(kind: Token['kind'], text: string): boolean {
    const token = this.peek();
    const isNext = token?.kind === kind && token.text === text;
    if (isNext) this.pass();
    return isNext;
  }

  /** Nothing may come next. */
  end(): void {
    const token = this.peek();
    if (token !== undefined) this.fail(`${token.text} is unexpected here.`);
  }

  fail(what: string, known: readonly string[] = []): never {
    throw new TemplateError(this.peek()?.at ?? this.at, what, known);
  }
}
