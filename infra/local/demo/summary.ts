/** What the demo claims, computed from what was seen. Pure. */
import type { ReleaseView } from '../../../domain/release.js';
import type { LoadRecord, LoadSummary } from '../load.js';

export interface Loads {
  readonly untagged: LoadSummary;
  readonly tagged: LoadSummary;
}

/** The tables for people, and everything that did not go as described. */
export function account(views: readonly ReleaseView[], loads: Loads): { text: string; complaints: string[] } {
  const [v1, v2, v3] = views as [ReleaseView, ReleaseView, ReleaseView];
  const complaints: string[] = [];
  const expect = (ok: boolean, complaint: string): void => {
    if (!ok) complaints.push(complaint);
  };
  expect(v1.outcome?.phase === 'succeeded', `v1 ended ${describe(v1)}`);
  expect(v1.plan?.stages[0]?.strategy === 'first', 'v1 was not taken as a first release');
  expect(v2.outcome?.phase === 'succeeded', `v2 ended ${describe(v2)}`);
  expect(v3.outcome?.phase === 'rolled_back', `v3 ended ${describe(v3)}`);
  expect(
    v3.outcome?.failure?.code === 'analysis_failed',
    `v3 was rolled back for ${v3.outcome?.failure?.code}`,
  );

  const all = [...loads.untagged.records, ...loads.tagged.records];
  const foreign = all.filter((r) => r.failure !== undefined && r.version !== 'v3');
  expect(
    foreign.length === 0,
    `${foreign.length} requests failed that were not v3's: ${JSON.stringify(foreign[0])}`,
  );
  for (const version of ['v1', 'v2', 'v3'])
    expect(countOf(all, version) > 0, `no request reached ${version}`);
  const early = loads.untagged.records.filter((r) => r.version === 'v2' && r.at < firstWeightAt(v2));
  expect(early.length === 0, `${early.length} untagged requests reached v2 before its first weight`);

  return { text: [timeline(views), '', answers(loads), '', reaction(v3, all)].join('\n'), complaints };
}

function timeline(views: readonly ReleaseView[]): string {
  const rows = views.flatMap((view) => {
    const version = view.applications[0]?.version ?? '';
    const steps = view.steps.filter((s) => s.startedAt !== null && s.endedAt !== null);
    return [
      ...steps.map(
        (s) => `${version.padEnd(4)} ${seconds(s.startedAt!, s.endedAt!).padStart(7)}  ${s.summary}`,
      ),
      `${version.padEnd(4)} ${seconds(view.startedAt, view.endedAt!).padStart(7)}  = ${describe(view)}`,
    ];
  });
  return ['What happened, and how long it took:', ...rows].join('\n');
}

function answers({ untagged, tagged }: Loads): string {
  const rows = ['v1', 'v2', 'v3'].map((version) => {
    const [plain, lane] = [untagged, tagged].map((l) => countOf(l.records, version));
    const failed = [...untagged.records, ...tagged.records].filter(
      (r) => r.version === version && r.failure !== undefined,
    );
    return `${version.padEnd(8)} ${String(plain).padStart(9)} ${String(lane).padStart(9)} ${String(failed.length).padStart(9)}`;
  });
  const lost = [...untagged.records, ...tagged.records].filter((r) => r.version === undefined).length;
  return [
    'Answered by   untagged    tagged    errors',
    ...rows,
    `Without any answer of a version: ${lost}`,
  ].join('\n');
}

/** How long v3 answered untagged requests with errors before traffic was back. */
function reaction(v3: ReleaseView, all: readonly LoadRecord[]): string {
  const errors = all.filter((r) => r.version === 'v3' && r.failure !== undefined).map((r) => r.at);
  const last = Math.max(...all.filter((r) => r.version === 'v3').map((r) => r.at));
  if (errors.length === 0) return 'v3 was rolled back before it answered anybody with an error.';
  const span = ((last - Math.min(...errors)) / 1000).toFixed(1);
  return `v3: ${errors.length} errors in all; ${span} s from its first error to its last answer. ${v3.outcome?.failure?.message ?? ''}`;
}

function firstWeightAt(view: ReleaseView): number {
  const step = view.steps.find((s) => s.kind === 'weight');
  return step?.startedAt == null ? Infinity : Date.parse(step.startedAt);
}

const countOf = (records: readonly LoadRecord[], version: string): number =>
  records.filter((r) => r.version === version).length;
const seconds = (from: string, to: string): string =>
  `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)} s`;
const describe = (view: ReleaseView): string =>
  `${view.outcome?.phase ?? view.phase}${view.outcome?.failure == null ? '' : ` (${view.outcome.failure.code})`}`;
