/** How late a weight comes when many releases run: the 95th percentile of the holds, less what was asked for. */
import { svg } from './chart.js';
import { candidateNames, type CandidateName } from './candidates/candidate.js';
import { holds, type Results } from './figures.js';
import { titles } from './table.js';

const colours: Readonly<Record<CandidateName, string>> = {
  sluice: '#0a7d4f',
  argo: '#e4572e',
  'argo-tuned': '#f3a712',
  flagger: '#3a6ea5',
};

/** Less than a millisecond is drawn as one. */
const least = 0.001;

export function latenessChart({ measured }: Results): string {
  const series = candidateNames.map((name) => ({
    name: titles[name],
    colour: colours[name],
    points: measured
      .filter((m) => m.candidate === name)
      .toSorted((a, b) => a.count - b.count)
      .flatMap((m) => {
        const held = holds(m);
        return held === null ? [] : [{ x: m.count, y: Math.max(least, (held.p95 - m.holdMs) / 1_000) }];
      }),
  }));
  return svg({
    title: 'How late a weight comes',
    x: 'releases at once',
    y: 'p95 of the holds, less the hold asked for, s',
    series,
  });
}
