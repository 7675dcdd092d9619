/** What an analysis leaves behind for people: few checks, whole enough to repeat them, small enough for a history. */
import type { Check, Measurement, Tally } from '../../domain/analysis.js';
import type { Conclusion } from '../../domain/judge.js';
import type { Finding } from '../contract.js';

/** Bytes of JSON that one analysis may leave. */
export const evidenceLimit = 10_000;

/** How long a query or an answer may be, tried from left to right until all fits; 0: without them. */
const lengths = [1_500, 700, 250, 0] as const;
/** With more metrics than fit even so, the first ones stand for all. */
const fewest = 5;

export interface Story {
  readonly first: Check | null;
  readonly tally: Tally;
  readonly conclusion: Conclusion;
  /** Stable at the same time, for comparison. */
  readonly stable: readonly Measurement[];
}

export function findingsOf(story: Story, at: string): readonly Finding[] {
  for (const length of lengths) {
    const findings = written(story, at, (c) => shorten(c, length));
    if (JSON.stringify(findings).length <= evidenceLimit) return findings;
  }
  return written(story, at, (c) => few(shorten(c, 0)));
}

/** A check that is small enough for a heartbeat and a result. */
export function small(seen: Check): Check {
  for (const length of lengths) {
    const shorter = shorten(seen, length);
    if (JSON.stringify(shorter).length <= evidenceLimit / 2) return shorter;
  }
  return few(shorten(seen, 0));
}

function written(story: Story, at: string, fit: (c: Check) => Check): readonly Finding[] {
  const { tally, conclusion, first } = story;
  const last = tally.last;
  const summary: Finding = {
    at,
    kind: 'analysis',
    summary: `${conclusion.verdict}: ${conclusion.why}`.slice(0, 1_000),
    data: {
      verdict: conclusion.verdict,
      checks: tally.checks,
      passes: tally.passes,
      failures: tally.failures,
      consecutiveErrors: tally.consecutiveErrors,
      stable: fit({ at, verdict: 'inconclusive', measurements: story.stable }).measurements,
    },
  };
  const early = first !== null && first.at !== last?.at ? [findingOf(fit(first), 'first')] : [];
  return [summary, ...early, ...(last === null ? [] : [findingOf(fit(last), 'last')])];
}

function findingOf(seen: Check, which: 'first' | 'last'): Finding {
  const summary = `${which} check: ${seen.verdict}; ${seen.measurements.map((m) => m.why).join('; ')}`;
  return { at: seen.at, kind: 'analysis', summary: summary.slice(0, 500), data: seen };
}

function shorten(seen: Check, length: number): Check {
  return {
    ...seen,
    measurements: seen.measurements.map((m) => ({
      ...m,
      why: cut(m.why, 300),
      queries:
        length === 0
          ? []
          : m.queries.map((q) => ({ query: cut(q.query, length), answer: cut(q.answer, length) })),
    })),
  };
}

/** Those that decided come first, a passed hard limit before all. */
function few(seen: Check): Check {
  const rank = (m: Measurement): number => (m.hard ? 0 : m.verdict === seen.verdict ? 1 : 2);
  return { ...seen, measurements: [...seen.measurements].sort((a, b) => rank(a) - rank(b)).slice(0, fewest) };
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length)}...`;
