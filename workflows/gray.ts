/** The gray track, as large as its share of the traffic needs. */
import type { Finding } from '../activities/contract.js';
import type { Size, Stage } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { grayReplicas } from '../domain/traffic.js';
import { slowly } from './activities.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';

/** As planned. */
type Share = Size & { readonly weight: number };

interface Scaled {
  readonly replicas: number;
  readonly findings: readonly Finding[];
}

/** The share that gray is deployed for: it carries nothing before. */
export const firstWeight = ({ steps }: Stage): number =>
  steps.find((step) => step.kind === 'weight')?.weight ?? 100;

/**
 * Pods for a share: as planned, or more where stable has had more since; stable that has fewer now may have them only because gray
 * took some of its requests.
 */
export function sizeFor(target: Target, reached: Reached, { replicas, sizes, weight }: Share): number {
  const planned = sizes?.[target.application] ?? replicas;
  const seen = reached.stableReplicas.get(target.application) ?? 0;
  return target.grayReplicas === 'auto' ? Math.max(planned, grayReplicas(seen, weight)) : planned;
}

/** Deploys gray, or makes it larger; the activity looks at what stable has now. */
export async function scaleGray(
  run: Run,
  reached: Reached,
  target: Target,
  size: Share,
  summary: string,
): Promise<Scaled> {
  const { weight } = size;
  const replicas = sizeFor(target, reached, size);
  const share = target.grayReplicas === 'auto' ? { weight } : {};
  const input = { release: run.inputs.id, target, replicas, ...share };
  const options = { deadlineMs: target.progressDeadlineMs, summary };
  const result = await run.blaming(target.application, () =>
    slowly('deployGray', target.cluster, input, options),
  );
  run.scaled(target.gray, result.replicas);
  const before = reached.stableReplicas.get(target.application) ?? 0;
  reached.stableReplicas.set(target.application, Math.max(before, result.stableReplicas ?? 0));
  return result;
}
