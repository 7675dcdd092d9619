/** What was left behind, and what became of it, for people. Pure. */
import type { CleanView, LeftoverRow } from '../../domain/leftover.js';
import type { Paint } from './paint.js';
import { oneLine } from './text.js';

/** @param asked what was to be cleaned, as the command line says it */
export function cleanLines(
  { name, dryRun, items, unseen }: CleanView,
  asked: string,
  paint: Paint,
): string[] {
  return [
    ...items.flatMap((row) => linesOf(row, dryRun, paint)),
    ...unseen.map(({ application, why }) => paint.dim(`? ${application} not looked at: ${oneLine(why)}`)),
    ...(items.length > 0 ? [''] : []),
    verdict(name, asked, dryRun, items),
  ];
}

function linesOf(row: LeftoverRow, dryRun: boolean, paint: Paint): string[] {
  const { application, cluster, namespace, release, state, declared, objects, route, weight, removed, left } =
    row;
  const whose =
    state === 'unknown'
      ? `release ${release}, which this server does not know`
      : `release ${release}, which has ended`;
  const stranger = declared ? '' : '; the application is not declared there';
  const sends = route === null ? [] : [`  ${route}${weight > 0 ? `, which sends ${weight} % to gray` : ''}`];
  const what = dryRun || left !== null ? objects : removed;
  return [
    `${application} in ${cluster}/${namespace}: ${whose}${stranger}`,
    ...sends,
    ...what.map((text) => `  ${text}${dryRun || left !== null ? '' : ' removed'}`),
    ...(left === null ? [] : [paint.yellow(`  ! not removed: ${oneLine(left)}`)]),
  ];
}

function verdict(name: string, asked: string, dryRun: boolean, items: readonly LeftoverRow[]): string {
  if (items.length === 0) return `nothing is left behind in ${name}`;
  const left = items.filter((row) => row.left !== null).length;
  if (dryRun && left === items.length) return 'nothing was removed';
  if (dryRun) return `nothing was removed; to remove it: sluice env clean ${asked} --yes --reason TEXT`;
  return left === 0 ? `${items.length} removed` : `${items.length - left} removed, ${left} left`;
}
