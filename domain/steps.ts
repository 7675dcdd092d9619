/** The steps of a stage: what each strategy does, in order. Pure. */
import { defaultHold, type ReleaseSettings, type Strategy } from './application.js';
import { batchSteps } from './batches.js';
import { durationText, milliseconds } from './duration.js';
import { parseImage } from './image.js';
import type { Step } from './stage.js';
import type { Target } from './target.js';
import { grayReplicas } from './traffic.js';

/** Every member of a union without `id`, kept apart. */
export type Unnumbered = Step extends infer S ? (S extends Step ? Omit<S, 'id'> : never) : never;

export function stepsOf(
  strategy: Strategy | 'first',
  settings: ReleaseSettings,
  target: Target,
  warnings: string[],
): Unnumbered[] {
  switch (strategy) {
    case 'first':
      return [
        {
          kind: 'deploy-straight',
          summary: `deploy ${target.image.version} straight, there is no stable version`,
        },
      ];
    case 'rolling':
      if (target.batches !== undefined) return batchSteps(settings, target);
      return [
        ...approvalSteps(settings),
        { kind: 'deploy-straight', summary: `roll ${target.deployment} to ${target.image.version}` },
      ];
    case 'gray':
    case 'canary':
    case 'blue-green':
      return graySteps(strategy, settings, target, warnings);
  }
}

export const noAnalysis = 'No analysis: the steps only wait, nothing is judged.';

function graySteps(
  strategy: 'gray' | 'canary' | 'blue-green',
  settings: ReleaseSettings,
  target: Target,
  warnings: string[],
): Unnumbered[] {
  if (settings.analysis === null) warnings.push(noAnalysis);
  const replicasFor = (weight: number): number => replicasOf(target, weight);
  const first = settings.steps[0]?.weight ?? 100;
  const tagged: Unnumbered[] =
    strategy === 'canary'
      ? []
      : [
          {
            kind: 'tag',
            tag: settings.tag,
            summary: `send requests with ${settings.tag.header}: ${settings.tag.value} to gray`,
          },
          ...(target.probe === null
            ? []
            : [{ kind: 'probe', summary: 'ask through the entry, with and without the tag' } as const]),
          ...verifySteps(settings),
        ];
  return [
    {
      kind: 'deploy-gray',
      replicas: replicasFor(first),
      summary: `deploy ${target.image.version} gray beside stable`,
    },
    ...tagged,
    ...approvalSteps(settings),
    ...settings.steps.flatMap((step): Unnumbered[] => {
      const durationMs = milliseconds(step.hold ?? defaultHold);
      const what =
        strategy === 'blue-green' ? 'keep the old version, one write away,' : `hold ${step.weight} %`;
      return [
        {
          kind: 'weight',
          weight: step.weight,
          replicas: replicasFor(step.weight),
          summary: `${step.weight} % of traffic to gray`,
        },
        {
          kind: 'hold',
          weight: step.weight,
          durationMs,
          analysis: settings.analysis,
          summary: `${what} for ${durationText(durationMs)}${settings.analysis === null ? '' : ' under analysis'}`,
        },
      ];
    }),
    ...(settings.steps.at(-1)?.weight === 100 ? [] : [wholeTraffic(replicasFor(100))]),
    ...promotionSteps(settings, target),
  ];
}

/** Gray pods that the target needs for a share. */
export const replicasOf = (
  { grayReplicas: declared, stableReplicas }: Pick<Target, 'grayReplicas' | 'stableReplicas'>,
  weight: number,
): number => (declared === 'auto' ? grayReplicas(stableReplicas, weight) : declared);

function promotionSteps(settings: ReleaseSettings, target: Target): Unnumbered[] {
  return [
    { kind: 'promote', summary: `set stable to ${target.image.version}` },
    { kind: 'return-traffic', summary: 'traffic back to stable' },
    {
      kind: 'cleanup',
      drainMs: milliseconds(settings.drain),
      summary: `remove the gray objects after a drain of ${settings.drain}`,
    },
  ];
}

/** Whether stable runs the digest already, and is not on its way to another one. */
export function runsAlready({ image, stableImage, stableDigest }: Target): boolean {
  const spelled = stableImage === null ? null : parseImage(stableImage);
  const asked = spelled === null || 'code' in spelled ? null : spelled.digest;
  return stableDigest === image.digest && (asked === null || asked === image.digest);
}

/**
 * A rollback: the earlier version comes up whole beside the one that goes, gets all traffic at once, and becomes stable. Nothing is
 * asked or judged, and no probe may stop it: stopping would leave the version that somebody wants gone. None where it runs already.
 */
export function stepsBack(
  strategy: Strategy | 'first',
  settings: ReleaseSettings,
  target: Target,
  from: string | null,
): Unnumbered[] {
  if (runsAlready(target)) return [];
  const { image, deployment, route, stableReplicas } = target;
  const leaving = from === null ? '' : ` from ${from}`;
  if (strategy === 'first' || strategy === 'rolling' || route === null) {
    return [{ kind: 'deploy-straight', summary: `set ${deployment} back${leaving} to ${image.version}` }];
  }
  const whole = grayReplicas(stableReplicas, 100);
  const replicas = settings.replicas === 'auto' ? whole : Math.max(whole, settings.replicas);
  return [
    {
      kind: 'deploy-gray',
      replicas,
      summary: `deploy ${image.version} beside ${from ?? 'stable'}, with all its pods`,
    },
    { kind: 'weight', weight: 100, replicas, summary: `100 % of traffic back${leaving} to ${image.version}` },
    ...promotionSteps(settings, target),
  ];
}

/** Stable is changed only while gray carries everything. */
function wholeTraffic(replicas: number): Unnumbered {
  return { kind: 'weight', weight: 100, replicas, summary: '100 % of traffic to gray for the promotion' };
}

export function verifySteps(settings: ReleaseSettings): Unnumbered[] {
  const durationMs = milliseconds(settings.verify);
  if (durationMs === 0 || settings.analysis === null) return [];
  const summary = `judge tagged requests for ${durationText(durationMs)}`;
  return [{ kind: 'hold', weight: 0, durationMs, analysis: settings.analysis, summary }];
}

export function approvalSteps(settings: Pick<ReleaseSettings, 'approval'>): Unnumbered[] {
  return settings.approval.required
    ? [
        {
          kind: 'approval',
          settings: settings.approval,
          summary: `wait for ${settings.approval.quorum} approval(s)`,
        },
      ]
    : [];
}

/** Ids are stable for the same plan: <environment>/<n>-<kind>. */
export function numbered(environment: string, steps: readonly Unnumbered[]): Step[] {
  return steps.map((step, i) => ({ ...step, id: `${environment}/${i + 1}-${step.kind}` }));
}
