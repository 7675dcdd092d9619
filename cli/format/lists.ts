/** Lists for people: releases, applications. Pure. */
import type { EnvironmentState } from '../../domain/queue.js';
import type { ApplicationView } from '../../workflows/messages.js';
import type { ApplicationRow, ReleaseRow } from '../answers.js';
import type { Paint } from './paint.js';
import { phaseText, type RenderOptions } from './release.js';
import { between, elapsed, expectedText, oneLine, shortDigest, table } from './text.js';

export function releaseRows(rows: readonly ReleaseRow[], { paint, now }: RenderOptions): string[] {
  if (rows.length === 0) return ['no releases'];
  const cells = rows.map((row) => [
    row.id,
    row.applications.join(', '),
    row.environment ?? '',
    row.phase.replaceAll('_', ' '),
    row.weight === 0 ? '' : `${row.weight} % gray`,
    `${elapsed(now - Date.parse(row.startedAt))} ago`,
    row.endedAt === null ? (row.waitingOn ?? '') : `took ${between(row.startedAt, row.endedAt, now)}`,
    rollbackText(row.rollbackOf),
  ]);
  const lines = table([['RELEASE', 'APPLICATION', 'ENVIRONMENT', 'PHASE', '', 'STARTED', '', ''], ...cells]);
  return lines.map((line, i) => {
    const row = rows[i - 1];
    if (row === undefined) return paint.dim(line);
    const phase = row.phase.replaceAll('_', ' ');
    // Painted after the columns were measured, since colour codes have no width.
    return line.replace(phase, phaseText(row.phase, paint));
  });
}

export function applicationRows(rows: readonly ApplicationRow[], paint: Paint): string[] {
  if (rows.length === 0) return ['no applications; declare one: sluice apply -f FILE'];
  const cells = rows.map((row) => [
    row.name,
    row.image,
    String(row.version),
    row.environments.join(', '),
    (row.busy ?? [])
      .map((b) => `${b.environment}: ${b.running}${b.waiting === 0 ? '' : `, ${b.waiting} waiting`}`)
      .join('; '),
  ]);
  const [head, ...lines] = table([
    ['APPLICATION', 'IMAGE', 'VERSION', 'ENVIRONMENTS', 'RELEASING'],
    ...cells,
  ]);
  return [paint.dim(head ?? ''), ...lines];
}

export function applicationLines(view: ApplicationView, { paint, now }: RenderOptions): string[] {
  const { application, version, by, declaredAt } = view.current;
  const environments = view.environments.map((e) => [
    e.name,
    e.version ?? 'nothing released yet',
    e.digest === null ? '' : shortDigest(e.digest),
    e.running === null ? '' : `release ${e.running} under way`,
    e.queue.length === 0 ? '' : `${e.queue.length} waiting`,
  ]);
  const history = view.history
    .slice(0, 10)
    .map((h) => [
      h.release,
      h.environment,
      h.version,
      h.phase.replaceAll('_', ' '),
      `${elapsed(now - Date.parse(h.endedAt))} ago`,
      h.initiator,
      oneLine([rollbackText(h.rollbackOf), h.reason].filter((text) => text !== '').join(': ')),
    ]);
  return [
    `${paint.bold(application.name)}  ${application.image}`,
    paint.dim(`version ${version} of its declaration, by ${by} ${elapsed(now - Date.parse(declaredAt))} ago`),
    ...indented('environments', table(environments)),
    ...indented('queue', table(view.environments.flatMap((e) => queueCells(e, now)))),
    ...indented('history', table(history)),
  ];
}

function queueCells({ name, queue, waiting = [] }: EnvironmentState, now: number): string[][] {
  return queue.map((release, i) => {
    const { urgent = false, expectedAt = null } = waiting[i] ?? {};
    return [`${name} ${i + 1}`, release, urgent ? 'goes first' : '', expectedText(expectedAt, now)];
  });
}

const rollbackText = (undone: string | null | undefined): string =>
  undone == null ? '' : `rollback of ${undone}`;

function indented(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}
