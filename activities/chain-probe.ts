/** The applications that an answer says it came through, compared with those that the tag has to lead through. Pure. */
import type { ProbedChain } from '../domain/target.js';

interface Hop {
  readonly name: string;
  /** Empty where only the name is told. */
  readonly version: string;
}

/**
 * Why two answers do not show the tag at work on its whole way; null when they do. Null answers say nothing of their way. Others may be in
 * the lane too, by releases of their own.
 */
export function chainComplaint(
  tagged: string | null,
  untagged: string | null,
  { header, members }: ProbedChain,
): string | null {
  if (tagged === null || untagged === null) {
    const which = tagged === null ? 'the tagged request' : 'the request without tag';
    return `the answer to ${which} has no header ${header}, so nobody knows which applications it came through.`;
  }
  const [way, usual] = [hopsOf(tagged), hopsOf(untagged)];
  const isMember = (hop: Hop): boolean => members.some((m) => m.names.includes(hop.name));
  const missing = members.filter((m) => !way.some((hop) => m.names.includes(hop.name)));
  if (missing.length > 0) {
    const names = missing.map((m) => m.names[0]).join(', ');
    return `the tagged request did not come to ${names}, only through ${tagged}; the probe needs an entry that leads there.`;
  }
  for (const [i, hop] of way.entries()) {
    const member = members.find((m) => m.names.includes(hop.name));
    const others = usual.filter((one) => one.name === hop.name);
    const alike = others.some((one) => one.version === hop.version);
    if (member !== undefined && !member.isSame && alike) {
      const known = way.slice(0, i).findLastIndex(isMember);
      const suspects = way.slice(Math.max(known, 0), i).map((one) => one.name);
      const whose = suspects.length === 0 ? '' : ` ${suspects.join(' or ')} did not pass it on.`;
      return `the tag did not come to ${hop.name}: with it and without, version ${hop.version} answered (${tagged}).${whose}`;
    }
    const isNew = (one: Hop): boolean => one.version === member?.version;
    if (member?.isSame === false && !isNew(hop) && others.some(isNew))
      return `${hop.name} answers with its new version ${member.version} without the tag, and with ${hop.version} with it (${untagged}; ${tagged}).`;
  }
  return null;
}

/** `a v2 -> b v1`, also with commas, and with `@`, `=`, `:` or `/` between name and version. */
function hopsOf(chain: string): readonly Hop[] {
  return chain
    .split(/->|,|;/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, name = part, version = ''] = /^([^\s@=:/]+)[\s@=:/]+(.*)$/.exec(part) ?? [];
      return { name, version };
    });
}
