/** Environments for people: the list, and what runs in one. Pure. */
import type {
  AtWork,
  EnvironmentRow,
  EnvironmentSummary,
  EnvironmentView,
  LiveWorkload,
  Released,
} from '../../domain/environment.js';
import type { Paint } from './paint.js';
import type { RenderOptions } from './release.js';
import { elapsed, oneLine, shortDigest, table } from './text.js';

export function environmentRows(rows: readonly EnvironmentSummary[], paint: Paint): string[] {
  if (rows.length === 0) return ['no environments; an application declares its own: sluice apply -f FILE'];
  const cells = rows.map(({ name, types, applications, running, waiting }) => [
    name,
    types.join(', '),
    String(applications),
    running.join(', '),
    waitingText(waiting),
  ]);
  const [head, ...lines] = table([['ENVIRONMENT', 'TYPE', 'APPLICATIONS', 'RELEASING', ''], ...cells]);
  return [paint.dim(head ?? ''), ...lines];
}

/** Below each application how it differs from what was released, or why it was not looked at. */
export function environmentLines({ items }: EnvironmentView, { paint, now }: RenderOptions): string[] {
  const head = ['APPLICATION', 'WHERE', 'VERSION', 'DIGEST', 'RELEASED', 'READY', 'GRAY', 'RELEASING'];
  const [title, ...lines] = table([head, ...items.map((row) => cellsOf(row, now))]);
  return [
    paint.dim(title ?? ''),
    ...items.flatMap((row, i) => [lines[i] ?? '', ...notes(row, paint)]),
    '',
    countsOf(items, paint),
  ];
}

function cellsOf(row: EnvironmentRow, now: number): string[] {
  const { application, cluster, namespace, deployment, released, running, waiting, live } = row;
  const gray = live?.gray ?? [];
  return [
    application,
    `${cluster}/${namespace}/${deployment}`,
    released?.version ?? 'nothing released yet',
    released === null ? '' : shortDigest(released.digest),
    released === null ? '' : releasedText(released, now),
    live === null ? '?' : readyText(live.stable),
    gray.map((track) => `${track.name} ${readyText(track)}`).join(', '),
    [running === null ? '' : atWorkText(running), waitingText(waiting)].filter((t) => t !== '').join(', '),
  ];
}

const readyText = (workload: LiveWorkload | null): string =>
  workload === null ? 'none' : `${workload.ready}/${workload.replicas}`;

const releasedText = ({ release, by, since }: Released, now: number): string =>
  `${release} by ${by} ${elapsed(now - Date.parse(since))} ago`;

const atWorkText = ({ release, phase }: AtWork): string =>
  phase === null ? release : `${release} ${phase.replaceAll('_', ' ')}`;

const waitingText = (waiting: number): string => (waiting === 0 ? '' : `${waiting} waiting`);

function notes({ drift, unseen }: EnvironmentRow, paint: Paint): string[] {
  return [
    ...drift.map((text) => paint.yellow(`  ! ${oneLine(text)}`)),
    ...(unseen === null ? [] : [paint.dim(`  ? not looked at: ${oneLine(unseen)}`)]),
  ];
}

function countsOf(items: readonly EnvironmentRow[], paint: Paint): string {
  const drifted = items.filter((row) => row.drift.length > 0).length;
  const unseen = items.filter((row) => row.live === null).length;
  return [
    `${items.length} application(s)`,
    drifted === 0 ? 'no drift' : paint.yellow(`${drifted} with drift`),
    ...(unseen === 0 ? [] : [`${unseen} not looked at`]),
  ].join(', ');
}
