/** A diagnosis for people: what is wrong last, where the eye is. Pure. */
import type { Diagnosis, HealthCheck, HealthState } from '../../domain/diagnosis.js';
import type { Paint } from './paint.js';
import { oneLine } from './text.js';

const words: Readonly<Record<HealthState, string>> = {
  ok: 'ok',
  warning: 'warning',
  problem: 'problem',
  skipped: 'skipped',
};

export function diagnosisLines({ checks }: Diagnosis, paint: Paint): string[] {
  const width = Math.max(...checks.map((c) => c.topic.length), 0);
  const count = (state: HealthState): number => checks.filter((c) => c.state === state).length;
  const counts = (['ok', 'warning', 'problem', 'skipped'] as const)
    .filter((state) => state === 'ok' || count(state) > 0)
    .map((state) => `${count(state)} ${words[state]}`);
  return [...checks.flatMap((check) => linesOf(check, width, paint)), '', counts.join(', ')];
}

function linesOf(check: HealthCheck, width: number, paint: Paint): string[] {
  const { topic, subject, state, seen, remedy } = check;
  const head = `${painted(state, paint)}  ${topic.padEnd(width)}  ${oneLine(subject)}: ${oneLine(seen)}`;
  const indent = ' '.repeat(words.problem.length + 2 + width + 2);
  return remedy === null ? [head] : [head, `${indent}${paint.bold('->')} ${oneLine(remedy)}`];
}

function painted(state: HealthState, paint: Paint): string {
  const text = words[state].padEnd(words.problem.length);
  switch (state) {
    case 'ok':
      return paint.green(text);
    case 'warning':
      return paint.yellow(text);
    case 'problem':
      return paint.red(text);
    case 'skipped':
      return paint.dim(text);
  }
}
