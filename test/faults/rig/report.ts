/** What a run of faults says of itself. */
import type { Verdict } from './answers.js';
import type { Fault } from './faults.js';

/** `npm run test:faults`: many, and a line for each. */
export const long = process.env['SLUICE_FAULTS'] === 'long';

/** At once, and not after the test, as vitest does with what is logged. */
export const say = (line: string): boolean => process.stdout.write(`faults: ${line}\n`);

export class Tally {
  private readonly counts = new Map<string, number>();
  private kills = 0;

  survived(fault: Pick<Fault, 'name' | 'kill'>): void {
    this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
    if (fault.kill) this.kills++;
  }

  /** One line for people: what was survived, by how many releases, under how many answers. */
  line(what: string, releases: number, verdicts: readonly Verdict[]): string {
    const all = [...this.counts.values()].reduce((a, b) => a + b, 0);
    const sum = (of: (v: Verdict) => number): number => verdicts.reduce((total, v) => total + of(v), 0);
    const each = [...this.counts].map(([name, count]) => `${count} ${name}`).join(', ');
    return (
      `${this.kills} kills and ${all - this.kills} other faults survived by ${releases} releases under ` +
      `${sum((v) => v.answered)} answers, ${sum((v) => v.wrong.length)} of them wrong or missing ` +
      `(${sum((v) => v.whileEnvoyWasAway)} more while Envoy itself was killed, ${sum((v) => v.takenByContour)} whose cluster Contour took away when it ` +
      `was killed); ${what}: ${each}`
    );
  }
}
