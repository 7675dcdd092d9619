/** Lanes for people: where requests come in, and who answers them. Pure. */
import type { LaneEntry, LaneMember } from '../../domain/lane-track.js';
import type { LaneBaseline, LaneList, LaneView } from '../../domain/lane-view.js';
import { conditionsOf, percentOf, type Condition, type Way } from '../../domain/enter.js';
import type { Paint } from './paint.js';
import { oneLine, shortDigest, table } from './text.js';

export function laneLines({ items, unseen }: LaneList, paint: Paint): string[] {
  return [
    ...items.flatMap((lane, i) => [...(i === 0 ? [] : ['']), ...linesOf(lane, paint)]),
    ...(items.length === 0 ? ['no lanes: no application has a gray track now'] : []),
    ...unseen.map(({ environment, application, why }) =>
      paint.dim(`? ${application} in ${environment} not looked at: ${oneLine(why)}`),
    ),
  ];
}

function linesOf(lane: LaneView, paint: Paint): string[] {
  const { environment, names, tag, entries } = lane;
  const head = ['APPLICATION', 'VERSION', 'DIGEST', 'READY', 'SHARE', 'RELEASE'];
  const [title, ...rows] = table([head, ...lane.chain.flatMap((name) => cellsOf(lane, name))]);
  return [
    `${paint.bold(`lane ${names.join(', ')}`)} in ${environment}, ${tag ?? 'no tag, only its share'}`,
    ...entries.flatMap(entryLines),
    paint.dim(`  ${title ?? ''}`),
    ...rows.map((row) => `  ${row}`),
  ];
}

function entryLines({ application, router, namespace, route, url, enter }: LaneEntry): string[] {
  const at = url === null ? '' : `, ${url}`;
  return [
    oneLine(`  requests come in at ${application} (${router} ${namespace}/${route}${at})`),
    ...enter.map((way) =>
      oneLine(`    besides, ${portionText(way)}with ${conditionsOf(way).map(conditionText).join(' and ')}`),
    ),
  ];
}

function portionText(way: Way): string {
  const percent = percentOf(way);
  return percent === 100 ? '' : `${percent} % of those `;
}

function conditionText(condition: Condition): string {
  const { exact, prefix, regex, in: values = [] } = condition;
  const what = (['header', 'query', 'cookie'] as const)
    .flatMap((kind) => (condition[kind] === undefined ? [] : [`${kind} ${condition[kind]}`]))
    .join();
  if (exact !== undefined) return `${what}: ${exact}`;
  if (prefix !== undefined) return `${what} that begins with ${prefix}`;
  return regex === undefined ? `${what} in ${values.join(', ')}` : `${what} like ${regex}`;
}

/** One for each track that it has, else one for its stable. */
function cellsOf({ members, baseline }: LaneView, application: string): string[][] {
  return [
    ...members.filter((m) => m.application === application).map(memberCells),
    ...baseline.filter((b) => b.application === application).map(baselineCells),
  ];
}

function memberCells(member: LaneMember): string[] {
  const { application, version, digest, ready, replicas, release, phase, share } = member;
  return [
    application,
    version ?? '?',
    shortDigest(digest),
    `${ready}/${replicas}`,
    share === null ? '?' : `${share} %`,
    phase === null ? release : `${release} ${phase.replaceAll('_', ' ')}`,
  ];
}

function baselineCells(row: LaneBaseline): string[] {
  const { application, version, image, digest, ready, replicas, unseen } = row;
  return [
    application,
    version ?? (image === null ? '?' : oneLine(image)),
    digest === null && unseen !== null ? '' : shortDigest(digest),
    unseen === null ? `${ready}/${replicas}` : '?',
    '',
    unseen === null ? 'baseline' : `baseline: ${oneLine(unseen)}`,
  ];
}
