/**
 * An abort when the traffic of a lane is on its way back to the promoted stable: gray of all carries everything once more. Else stable would change
 * under traffic, application by application, and a caller meet another version than its own.
 */
import { entriesOf, hasGray } from '../domain/member.js';
import type { Stage } from '../domain/stage.js';
import type { Routed } from '../domain/target.js';
import { quickly } from './activities.js';
import { carryOut, type Undo, type Undone } from './carry-out.js';
import { scaleGray } from './gray.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';
import { inOrder } from './together.js';
import { beforePromotion, moveTraffic, tagged } from './traffic.js';

/** @param settled the way forward winding down, which may still be removing gray */
export async function grayAgain(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
): Promise<Undone> {
  const targets = stage.targets.filter(hasGray);
  const telling = stage.steps.find((step) => step.kind === 'tag');
  const whole = stage.steps.findLast((step) => step.kind === 'weight');
  if (telling === undefined || whole === undefined) return { left: [], abandoned: null };
  const undo = (what: string, summary: string, act: Undo['act']): Undo => ({
    id: `${stage.environment}/undo-${what}`,
    kind: 'rollback',
    summary,
    act,
  });
  run.record.phase = 'rolling_back';
  run.record.publish();
  const returned = 'the routes as they were';
  const deployed = 'gray once more, with all pods';
  return carryOut({ run, stage, phase: 'rolling_back', can: [] }, [
    undo('return', returned, async () => {
      await settled;
      const patienceMs = stage.rollbackDeadlineMs;
      const giveBack = async ({ route }: Routed): Promise<void> => {
        const input = { release: run.inputs.id, route: route! };
        await quickly('restoreRoute', route!.cluster, input, { patienceMs, summary: returned });
      };
      const routed = [...targets, ...(stage.edges ?? [])].filter(({ route }) => route !== null);
      await inOrder<Routed, void>(routed, giveBack, 'callers first');
      return [];
    }),
    undo('gray', deployed, async () => {
      const scaled = await inOrder(targets, (target) => {
        reached.gray.add(target.application);
        return scaleGray(run, reached, target, whole, deployed);
      });
      return scaled.flatMap(({ findings }) => findings);
    }),
    undo('share', 'everything to gray once more', async () => {
      await tagged(run, stage, targets, reached, telling.tag);
      const all = { gray: 100, tag: telling.tag };
      await moveTraffic(run, stage, entriesOf(stage, targets), reached, all);
      await beforePromotion(stage, targets);
      return [];
    }),
  ]);
}
