/** The way through a stage: its steps one after the other, unless somebody pauses it or asks for another way. */
import { condition } from '@temporalio/workflow';
import type { Stage, Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { shiftProblem, steeredSteps, wayAbove, wayToPromotion } from '../domain/steering.js';
import { guardWhile } from './hold.js';
import type { Run } from './run.js';
import { takeStep, type Reached } from './steps.js';

/** Ends after the last step, or before the next one when it is aborted; throws what a step failed with. */
export async function walk(run: Run, stage: Stage, reached: Reached): Promise<void> {
  let rest = stage.steps;
  try {
    while (run.aborted === null && rest.length > 0) {
      run.way = { stage, current: null, rest };
      await whilePaused(run, stage, reached);
      const asked = run.detour !== null;
      const [step, ...later] = asked ? newWay(run, stage, reached) : rest;
      rest = later;
      if (step === undefined || run.aborted !== null) continue;
      run.way = { stage, current: step, rest };
      await takeStep(run, stage, step, reached);
    }
  } finally {
    run.way = null;
  }
}

/** A pause holds here, with the weight guarded, until somebody resumes or asks for another way. */
async function whilePaused(run: Run, stage: Stage, reached: Reached): Promise<void> {
  if (!run.record.paused) return;
  const shift = shiftProblem(run.way) === null ? ['weight', 'promote'] : [];
  run.record.wait({
    what: 'somebody to resume the paused release',
    until: null,
    can: ['resume', ...shift, 'abort'],
  });
  const over = (): boolean => !run.record.paused || run.detour !== null;
  await guardWhile(run, stage, reached.traffic.gray, () => condition(over));
  run.record.go();
}

/** The way that was asked for; a weight is set at once, also while the release is paused. */
function newWay(run: Run, stage: Stage, reached: Reached): readonly Step[] {
  const detour = run.detour!;
  run.detour = null;
  const who = detour.steering.by.name;
  if (detour.kind === 'promote') {
    const way = wayToPromotion(stage, reached.traffic.gray);
    run.record.reroute(way, `${who} asked to promote now`);
    return way;
  }
  const podsOf = ({ gray }: Target): number => run.replicasOf(gray) ?? 1;
  const { set, hold } = steeredSteps(stage, detour.weight, run.countWeights(), podsOf);
  const above = wayAbove(stage, detour.weight);
  run.record.reroute(above, `${who} set ${detour.weight} %`);
  return [set, hold, ...above];
}
