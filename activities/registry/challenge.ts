/** What a registry asks for in WWW-Authenticate (RFC 9110, 11.6.1). Pure. */

export interface Challenge {
  /** Lower case: bearer, basic. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = `[A-Za-z0-9!#$%&'*+.^_\`|~-]+`;
const parameter = new RegExp(`^\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*`);
const scheme = new RegExp(`^[\\s,]*(${token})(?=\\s|,|$)`);

/** All challenges of a header, in order; commas in quotes separate nothing. What cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header;
  for (;;) {
    const begun = scheme.exec(rest);
    if (begun === null) return challenges;
    rest = rest.slice(begun[0].length);
    const parameters: Record<string, string> = {};
    for (let found = parameter.exec(rest); found !== null; found = parameter.exec(rest)) {
      parameters[found[1]!.toLowerCase()] = found[2]?.replace(/\\(.)/g, '$1') ?? found[3]!;
      rest = rest.slice(found[0].length);
      if (!rest.startsWith(',')) break;
      rest = rest.replace(/^[\s,]+/, '');
    }
    challenges.push({ scheme: begun[1]!.toLowerCase(), parameters });
  }
}
