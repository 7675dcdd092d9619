/** What keeps a regular expression from being one that proxies take: RE2, which is less than JavaScript knows. */
export interface RegexProblem {
  readonly message: string;
  readonly remedy: string;
}

const lacks: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/^\(\?<?[=!]$/, 'looks around, which RE2 cannot'],
  [/^\(\?<$/, 'names a group, which not every RE2 can'],
  [/^\\(\d|k)$/, 'refers back to a group, which RE2 cannot'],
  [/^\\x$/, 'has "\\x" without two hexadecimal digits'],
  [/^\\[A-Za-z]$/, 'has an escape that RE2 does not know'],
  [/^\[\^?\]$/, 'has a class of no characters'],
];
const known = /^\\[bBdDfnrsStvwW]$/;
const mostRepeats = 1_000;

/** Null: proxies take it. */
export function regexProblem(regex: string): RegexProblem | null {
  if (regex === '') return { message: 'is empty', remedy: 'Write what the whole value is like.' };
  try {
    void new RegExp(regex);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : '';
    return { message: `is none: ${why}`, remedy: 'Correct it.' };
  }
  for (const part of partsOf(regex)) {
    const found = known.test(part) ? undefined : lacks.find(([pattern]) => pattern.test(part));
    if (found !== undefined)
      return { message: `${found[1]} (${part})`, remedy: 'Write it without, or as several ways to enter.' };
    const repeats = /^\{(\d+)(?:,(\d*))?\}$/.exec(part)?.slice(1).map(Number) ?? [];
    if (repeats.some((count) => count > mostRepeats))
      return { message: `repeats more than ${mostRepeats} times (${part})`, remedy: 'Repeat less.' };
  }
  return null;
}

/** What means something besides itself: escapes, how groups begin, classes that are empty, counts. What stands in a class is only escapes. */
function partsOf(regex: string): readonly string[] {
  const tokens =
    regex.match(/\\x[0-9A-Fa-f]{2}|\\.|\(\?<?[=!]|\(\?<|\[\^?\]|\[\^?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}/g) ??
    [];
  return tokens.flatMap((token) =>
    token.startsWith('[') && !/^\[\^?\]$/.test(token)
      ? (token.match(/\\x[0-9A-Fa-f]{2}|\\./g) ?? [])
      : [token],
  );
}
