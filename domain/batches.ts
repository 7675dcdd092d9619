/** Promotion in batches: how many pods of the new version there are after each, and the steps of it. Pure. */
import { releaseSettings, type Application, type Batch, type ReleaseSettings } from './application.js';
import { durationText, milliseconds } from './duration.js';
import { failure, type Failure } from './failures.js';
import { joinName } from './ids.js';
import { environmentsOf } from './plan.js';
import { type Observation, type Target } from './target.js';
import type { ReleaseRequest } from './release.js';
import { approvalSteps, type Unnumbered } from './steps.js';

/** Lane of the objects that batches are made of; it ends the name of their Deployment. */
export const batchLane = 'batch';

/** Name of the Deployment whose pods run the new version until stable runs it. */
export const batchName = (deployment: string): string => joinName(deployment, batchLane);

/** As declared, where they hold: only the strategy rolling changes pods under the Service of stable. */
export const declaredBatches = ({
  strategy,
  batches,
}: Pick<ReleaseSettings, 'strategy' | 'batches'>): readonly Batch[] | null =>
  strategy === 'rolling' ? batches : null;

/**
 * Pods of the new version after each batch: a share of the replicas is rounded up, none is more than all or less than the one before.
 * The last is all of them, whether it was declared or not.
 */
export function batchCounts(batches: readonly Batch[], replicas: number): readonly number[] {
  let before = 0;
  const counts = batches.map(({ pods }) => {
    const asked = typeof pods === 'number' ? pods : Math.ceil((replicas * Number.parseInt(pods, 10)) / 100);
    before = Math.max(before, Math.min(asked, replicas));
    return before;
  });
  return before === replicas ? counts : [...counts, replicas];
}

/** The most pods that are made beside stable's replicas at one time: the largest step between two batches. */
export const largestBatch = (counts: readonly number[]): number =>
  Math.max(...counts.map((count, i) => count - (counts[i - 1] ?? 0)));

/** Sizes that this release gives stable: with another one somebody else has scaled it. */
export function sizesOf({
  batches = [],
  stableReplicas,
}: Pick<Target, 'batches' | 'stableReplicas'>): readonly number[] {
  const rests = batches.map((pods) => stableReplicas - pods);
  return [...new Set([stableReplicas, ...rests, ...handedOver({ batches, stableReplicas })])].toSorted(
    (a, b) => b - a,
  );
}

/** Sizes of stable, one after the other, when it takes the place of the batches: no more at a time than the largest of them. */
export function handedOver({
  batches = [],
  stableReplicas,
}: Pick<Target, 'batches' | 'stableReplicas'>): readonly number[] {
  const step = largestBatch(batches);
  const rounds = Math.ceil(stableReplicas / step);
  return Array.from({ length: rounds }, (_, i) => Math.min(stableReplicas, (i + 1) * step));
}

/** The target with its batches, where they hold: in a release that goes forward, with a stable version that can carry the rest. */
export function inBatches<T extends Pick<Target, 'strategy' | 'deployment'>>(
  target: T,
  settings: ReleaseSettings,
  seen: Pick<Observation, 'replicas' | 'readyReplicas'>,
  warnings: string[],
): T {
  const { batches } = settings;
  if (batches === null || target.strategy === 'first') return target;
  if (target.strategy !== 'rolling') {
    warnings.push(`Batches of ${target.deployment} are left out: with ${target.strategy} weights do it.`);
    return target;
  }
  if (seen.replicas === 0 || seen.readyReplicas === 0) {
    warnings.push(`${target.deployment} has no ready pod that could carry the rest: it is rolled at once.`);
    return target;
  }
  const counts = batchCounts(batches, seen.replicas);
  warnings.push(notJudged);
  return { ...target, lane: batchLane, gray: batchName(target.deployment), batches: counts };
}

const notJudged =
  'Batches are not judged: both versions are behind one Service, and no metric of it tells them apart. They wait, or ask.';

/** The gate of the strategy, then each batch with what comes after it, then the handing over to stable. */
export function batchSteps(settings: ReleaseSettings, target: Target): Unnumbered[] {
  const { batches: counts = [], stableReplicas: replicas, image, deployment } = target;
  const declared = settings.batches ?? [];
  return [
    ...approvalSteps(settings),
    ...counts.flatMap((pods, i): Unnumbered[] => [
      {
        kind: 'batch',
        pods,
        summary: `${pods} of ${replicas} pod(s) of ${deployment} on ${image.version}`,
      },
      ...afterBatch(settings, declared[i] ?? { pods }, pods, replicas),
    ]),
    { kind: 'promote', summary: `set ${deployment} to ${image.version}, its pods in place of the batches'` },
    { kind: 'cleanup', drainMs: 0, summary: `remove ${target.gray}` },
  ];
}

function afterBatch(
  settings: ReleaseSettings,
  { hold, approval = false }: Batch,
  pods: number,
  replicas: number,
): Unnumbered[] {
  const durationMs = hold === undefined ? 0 : milliseconds(hold);
  const summary = `hold ${pods} of ${replicas} pod(s) for ${durationText(durationMs)}`;
  return [
    ...(durationMs === 0
      ? []
      : [{ kind: 'hold', weight: 0, pods, durationMs, analysis: null, summary } as const]),
    ...(approval ? approvalSteps({ approval: { ...settings.approval, required: true } }) : []),
  ];
}

/** Applications that share a lane are promoted while gray carries everything; batches would mix their versions within one request. */
export function batchProblems(
  applications: readonly Application[],
  { environment, strategy, wayBack }: Pick<ReleaseRequest, 'environment' | 'strategy' | 'wayBack'>,
): readonly Failure[] {
  if (wayBack !== undefined || applications.length < 2) return [];
  return applications.flatMap((spec) =>
    environmentsOf(spec, environment).flatMap((e) => {
      const settings = releaseSettings(spec, e);
      const asked = { ...settings, strategy: strategy ?? settings.strategy };
      if (declaredBatches(asked) === null) return [];
      const context = { application: spec.name, environment: e.name };
      return [failure('batches_together', context, '/applications')];
    }),
  );
}
