/** One of a lane fails and goes back by itself, where its team has said so; the others go on without it. */
import { isCancellation } from '@temporalio/workflow';
import { mayLeave, stageWithout, wayAfter } from '../domain/leaving.js';
import type { Step } from '../domain/stage.js';
import type { Way } from '../domain/steering.js';
import { failureOf } from './failures.js';
import { takeBack } from './rollback.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';

/**
 * Takes back whoever is to blame for the error, and answers the way of the others; throws the error where all have to go back.
 * @param share the step that set the weight that gray had last; null: none did
 */
export async function wayWithout(
  run: Run,
  way: Way,
  share: Step | null,
  reached: Reached,
  error: unknown,
): Promise<Way> {
  const application = isCancellation(error) || run.aborted !== null ? null : run.toBlameFor(error);
  const { stage, current, rest } = way;
  const step = current ?? rest[0];
  if (application === null || step === undefined || !mayLeave(stage, step.kind, application)) throw error;

  const why = failureOf(error);
  run.record.note('note', `${application} goes back alone, the others go on: ${why.message}`);
  const target = stage.targets.find((t) => t.application === application)!;
  const { left, abandoned } = await takeBack(run, stage, reached, target);
  if (abandoned !== null) throw error;
  run.withdraw(application, why, left);
  // The guard may have returned the share: whoever asks to promote now has to give gray everything first.
  const isShared = stage.targets.some((t) => run.record.weightOf(t.application) > 0);
  if (!isShared) reached.traffic = { ...reached.traffic, gray: 0 };
  const next = wayAfter(way, stageWithout(stage, run.gone), share);
  run.record.reroute(next.rest, `${application} went back alone`);
  return next;
}
