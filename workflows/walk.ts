/** The way through a stage: its steps one after the other, unless somebody pauses it or asks for another way. */
import { condition } from '@temporalio/workflow';
import type { Stage, Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { shiftProblem, steeredSteps, wayAbove, wayToPromotion, type Way } from '../domain/steering.js';
import { guardWhile } from './judge.js';
import { wayWithout } from './leave.js';
import { isPromotedLane } from './rollback.js';
import type { Run } from './run.js';
import { takeStep, type Reached } from './steps.js';

/** Ends after the last step, or before the next one when it is aborted; throws what a step failed with. */
export async function walk(run: Run, stage: Stage, reached: Reached): Promise<void> {
  let way: Way = { stage, current: null, rest: stage.steps };
  /** Said last what gray gets. */
  let share: Step | null = null;
  try {
    while (run.aborted === null && way.rest.length > 0) {
      run.way = way = { ...way, current: null };
      try {
        if (await whilePaused(run, way.stage, reached)) way = unguarded(run, way, share);
        const [current = null, ...rest] = run.detour === null ? way.rest : newWay(run, way.stage, reached);
        way = { ...way, rest };
        if (current === null || run.aborted !== null) continue;
        run.way = way = { ...way, current };
        await takeStep(run, way.stage, current, reached);
        if (current.kind === 'weight' || current.kind === 'tag') share = current;
        const isLetGo = current.kind === 'hold' && (run.skipped !== null || run.goOn !== null);
        if (isLetGo) way = unguarded(run, way, share);
      } catch (error) {
        way = await wayWithout(run, way, share, reached, error);
      }
    }
  } finally {
    run.way = null;
  }
}

/**
 * A guard that was let go may still write, with the number of the weight that it guarded. Before the promotion, for which gray has to carry
 * everything, and the hold before it, that weight is set again, with a newer one.
 */
function unguarded(run: Run, way: Way, share: Step | null): Way {
  const isSure = run.changes.has('a-share-is-sure-before-the-last-hold');
  const next = isSure ? way.rest.find(({ kind }) => kind !== 'hold') : way.rest[0];
  const isNext = next?.kind === 'promote' && share?.kind === 'weight';
  return isNext && run.changes.has('whole-share-before-promotion')
    ? { ...way, rest: [share, ...way.rest] }
    : way;
}

/** A pause holds here, with the weight guarded, until somebody resumes or asks for another way. Answers whether it was paused. */
async function whilePaused(run: Run, stage: Stage, reached: Reached): Promise<boolean> {
  if (!run.record.paused) return false;
  const shift = shiftProblem(run.way) === null ? ['weight', 'promote'] : [];
  run.record.wait({
    what: 'somebody to resume the paused release',
    until: null,
    can: ['resume', ...shift, 'abort'],
  });
  const over = (): boolean => !run.record.paused || run.detour !== null;
  try {
    const judges = !isPromotedLane(run, stage, reached);
    await guardWhile(run, stage, reached.traffic, () => condition(over), judges);
  } finally {
    run.record.go();
  }
  return true;
}

/** The way that was asked for; a weight is set at once, also while the release is paused. */
function newWay(run: Run, stage: Stage, reached: Reached): readonly Step[] {
  const detour = run.detour!;
  run.detour = null;
  const who = detour.steering.by.name;
  if (detour.kind === 'promote') {
    const isSure = !run.changes.has('whole-share-before-promotion');
    const way = wayToPromotion(stage, isSure ? reached.traffic.gray : 0);
    run.record.reroute(way, `${who} asked to promote now`);
    return way;
  }
  const podsOf = ({ gray }: Target): number => run.replicasOf(gray) ?? 1;
  const { set, hold } = steeredSteps(stage, detour.weight, run.countWeights(), podsOf);
  const above = wayAbove(stage, detour.weight);
  run.record.reroute(above, `${who} set ${detour.weight} %`);
  return [set, hold, ...above];
}
