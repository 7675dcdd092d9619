/** One of a lane fails and goes back by itself, where its team has said so; the others go on without it. */
import { isCancellation } from '@temporalio/workflow';
import { mayLeave, stageWithout, stepKindAt, wayAfter } from '../domain/leaving.js';
import type { Stage, Step } from '../domain/stage.js';
import type { Way } from '../domain/steering.js';
import type { Undone } from './carry-out.js';
import { failureOf } from './failures.js';
import { guardWhile } from './judge.js';
import { takeBack } from './rollback.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';

/**
 * Takes back whoever is to blame for the error, and answers the way of the others; throws the error where all have to go back.
 * @param share the step that said last what gray gets; null: none did
 */
export async function wayWithout(
  run: Run,
  way: Way,
  share: Step | null,
  reached: Reached,
  error: unknown,
): Promise<Way> {
  const application = isCancellation(error) || run.aborted !== null ? null : run.toBlameFor(error);
  const { stage } = way;
  const kind = stepKindAt(way);
  if (application === null || kind === null || !mayLeave(stage, kind, application)) throw error;

  const why = failureOf(error);
  run.record.note('note', `${application} goes back alone, the others go on: ${why.message}`);
  // The guard may have returned the share.
  const isShared = stage.targets.some((t) => run.record.weightOf(t.application) > 0);
  if (!isShared) reached.traffic = { ...reached.traffic, gray: 0 };
  const { left, abandoned } = await takenBack(run, stage, reached, application);
  if (abandoned !== null) throw error;
  run.withdraw(application, why, left);
  run.graySince = now();
  // The watch of an approval takes the tag off, also where it is let go and hears late that the gray which it misses was taken back.
  const isTaken = kind === 'approval' && run.changes.has('gray-is-watched-while-a-person-is-waited-for');
  const next = wayAfter(way, stageWithout(stage, run.gone), share, isTaken);
  run.record.reroute(next.rest, `${application} went back alone`);
  return next;
}

/** The share of the others is guarded meanwhile. */
async function takenBack(run: Run, stage: Stage, reached: Reached, application: string): Promise<Undone> {
  const others = stageWithout(stage, new Set([...run.gone, application]));
  const target = stage.targets.find((t) => t.application === application)!;
  let undone: Undone = { left: [], abandoned: null };
  // What the others answered while it was there is not theirs alone: none of it counts, from here on and when it has gone.
  run.graySince = now();
  run.leaving = application;
  try {
    await guardWhile(run, others, reached.traffic, async () => {
      undone = await takeBack(run, stage, reached, target);
    });
  } finally {
    run.leaving = null;
  }
  return undone;
}

const now = (): string => new Date().toISOString();
