/** The steps of a stage with several applications: one lane, whose share is moved where the requests come in. Pure. */
import { defaultHold, type ReleaseSettings, type WeightStep } from './application.js';
import type { AnalysisSettings } from './analysis.js';
import { durationText, milliseconds } from './duration.js';
import { canonicalJson } from './ids.js';
import { hasGray, leadOf, type Member } from './member.js';
import type { Size } from './stage.js';
import type { Edge } from './target.js';
import { approvalSteps, noAnalysis, replicasOf, runsAlready, verifySteps, type Unnumbered } from './steps.js';
import type { Tag } from './traffic.js';

type Members = readonly Member[];

/** @param members called before caller */
export function laneSteps(
  members: Members,
  edges: readonly Edge[],
  approveEach: boolean,
  warnings: string[],
): Unnumbered[] {
  const of = (strategy: string): Members => members.filter(({ target }) => target.strategy === strategy);
  const [first, rolling] = [of('first'), of('rolling')];
  const gray = members.filter(({ target }) => hasGray(target));
  const later = members.filter((m) => !first.includes(m));
  const gates = approvalsOf(later, approveEach);
  const straight = withAny(first, {
    kind: 'deploy-straight',
    of: names(first),
    summary: `deploy ${versions(first)} straight, there is no stable version`,
  });
  if (gray.length === 0) {
    const summary = `roll to ${versions(rolling)}`;
    return [
      ...straight,
      ...gates,
      ...withAny(rolling, { kind: 'deploy-straight', of: names(rolling), summary }),
    ];
  }
  const lead = leadOf(gray).settings;
  const analysis = analysisOf(gray);
  if (analysis === null) warnings.push(noAnalysis);
  return [
    ...straight,
    {
      kind: 'deploy-gray',
      of: names(gray),
      ...sizeOf(gray, lead.steps[0]?.weight ?? 100),
      summary: `deploy ${versions(gray)} gray beside stable`,
    },
    ...lookSteps(gray, edges, { ...lead, analysis }),
    ...gates,
    ...lead.steps.flatMap((step) => weightSteps(gray, step, analysis)),
    ...(lead.steps.at(-1)?.weight === 100 ? [] : [weightStep(gray, 100, ' for the promotion')]),
    ...promotionSteps(gray, later, edges),
  ];
}

/** A rollback: the earlier versions come up whole beside those that go, get all traffic at once, and become stable. */
export function laneStepsBack(members: Members, edges: readonly Edge[]): Unnumbered[] {
  const changed = members.filter((m) => !runsAlready(m.target));
  const gray = changed.filter((m) => hasGray(m.target) && m.target.route !== null);
  const straight = changed.filter((m) => !gray.includes(m));
  const summary = `set back to ${versions(straight)}`;
  if (gray.length === 0) return withAny(straight, { kind: 'deploy-straight', of: names(straight), summary });
  const { tag } = leadOf(gray).settings;
  const isTold = gray.some((m) => m.target.inner === true);
  return [
    {
      kind: 'deploy-gray',
      of: names(gray),
      ...sizeOf(gray, 100),
      summary: `deploy ${versions(gray)} beside what goes, with all pods`,
    },
    ...(isTold ? [tagStep(gray, tag)] : []),
    weightStep(gray, 100, ', back'),
    ...promotionSteps(gray, changed, edges),
  ];
}

function promotionSteps(gray: Members, all: Members, edges: readonly Edge[]): Unnumbered[] {
  const drains = [
    ...gray.map((m) => milliseconds(m.settings.drain)),
    ...edges.map(({ drainMs = 0 }) => drainMs),
  ];
  return [
    { kind: 'promote', of: names(all), summary: `set stable to ${versions(all)}` },
    { kind: 'return-traffic', of: names(gray), summary: 'traffic back to stable' },
    {
      kind: 'cleanup',
      of: names(gray),
      drainMs: Math.max(...drains),
      summary: 'remove the gray objects after a drain',
    },
  ];
}

const tagStep = (gray: Members, tag: Tag): Unnumbered => ({
  kind: 'tag',
  of: names(gray),
  tag,
  summary: `send requests with ${tag.header}: ${tag.value} to gray`,
});

/** With the tag, before anybody is asked. Without it the tracks behind the entry would get no request at all. */
function lookSteps(gray: Members, edges: readonly Edge[], lead: ReleaseSettings): Unnumbered[] {
  if (lead.strategy === 'canary' && !gray.some((m) => m.target.inner === true)) return [];
  const asked = gray.filter((m) => m.target.inner !== true && m.target.probe !== null);
  const isAsked = asked.length > 0 || edges.some((edge) => edge.probe !== null);
  const summary = 'ask through the entry, with and without the tag';
  return [
    tagStep(gray, lead.tag),
    ...(isAsked ? [{ kind: 'probe', of: names(asked), summary } as const] : []),
    ...verifySteps(lead).map((step) => ({ ...step, of: names(gray) })),
  ];
}

function weightSteps(gray: Members, step: WeightStep, analysis: AnalysisSettings | null): Unnumbered[] {
  const durationMs = milliseconds(step.hold ?? defaultHold);
  const judged = analysis === null ? '' : ' under analysis';
  return [
    weightStep(gray, step.weight, ''),
    {
      kind: 'hold',
      of: names(gray),
      weight: step.weight,
      durationMs,
      analysis,
      summary: `hold ${step.weight} % for ${durationText(durationMs)}${judged}`,
    },
  ];
}

const weightStep = (gray: Members, weight: number, why: string): Unnumbered => ({
  kind: 'weight',
  of: names(gray),
  weight,
  ...sizeOf(gray, weight),
  summary: `${weight} % of traffic to gray${why}`,
});

/** One for those that ask the same people in the same way, unless each is to ask for itself. */
function approvalsOf(members: Members, approveEach: boolean): Unnumbered[] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const { approval } = member.settings;
    const key = approveEach ? member.target.application : canonicalJson(approval);
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  return [...groups.values()].flatMap((group) =>
    approvalSteps(group[0]!.settings).map((step) => ({
      ...step,
      of: names(group),
      summary: `${step.summary} of ${versions(group)}`,
    })),
  );
}

/** What a hold tells of; each target is judged by its own. */
const analysisOf = (gray: Members): AnalysisSettings | null =>
  [leadOf(gray), ...gray].find((m) => m.settings.analysis !== null)?.settings.analysis ?? null;

function sizeOf(gray: Members, weight: number): Size {
  const sizes = Object.fromEntries(
    gray.map(({ target }) => [target.application, replicasOf(target, weight)]),
  );
  return { replicas: Math.max(...Object.values(sizes)), sizes };
}

const withAny = (members: Members, step: Unnumbered): Unnumbered[] => (members.length === 0 ? [] : [step]);
const names = (members: Members): string[] => members.map((m) => m.target.application);
const versions = (members: Members): string =>
  members.map(({ target }) => `${target.application} ${target.image.version}`).join(', ');
