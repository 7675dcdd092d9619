/** Undoing a stage: traffic first, then objects. It cannot be cancelled; what cannot be undone asks a person. */
import { condition, sleep } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import type { Stage } from '../domain/plan.js';
import { quickly, slowly } from './activities.js';
import { failureOf } from './failures.js';
import type { Steering } from './messages.js';
import type { UndoStep } from './record.js';
import type { Run } from './run.js';
import type { Reached } from './steps.js';

export interface Undone {
  /** What could not be undone and was skipped. */
  readonly left: readonly string[];
  /** Who gave the undoing up; null when it was carried through. */
  readonly abandoned: Steering | null;
}

interface Undo extends UndoStep {
  readonly act: () => Promise<readonly Finding[]>;
}

/**
 * Undoes what a stage has reached. `settled` is the way forward winding down: traffic does not wait for it,
 * objects do, because it may still be creating some.
 */
export async function rollBack(
  run: Run,
  stage: Stage,
  reached: Reached,
  settled: Promise<unknown>,
): Promise<Undone> {
  run.record.phase = 'rolling_back';
  run.record.publish();
  const left: string[] = [];
  for (const undo of undoing(run, stage, reached, settled)) {
    const answer = await carryThrough(run, stage, undo);
    if (answer === 'skipped') left.push(undo.summary);
    if (typeof answer === 'object') return { left: [...left, undo.summary], abandoned: answer };
  }
  return { left, abandoned: null };
}

function undoing(run: Run, stage: Stage, reached: Reached, settled: Promise<unknown>): Undo[] {
  const release = run.inputs.id;
  const patienceMs = stage.rollbackDeadlineMs;
  const drain = stage.steps.find((s) => s.kind === 'return-traffic');
  return stage.targets.flatMap((target): Undo[] => {
    const { route, cluster, environment, application } = target;
    const id = (what: string): string => `${environment}/undo-${what}-${application}`;
    const slow = (name: 'revertStable' | 'removeGray', summary: string): Undo => ({
      id: id(name === 'revertStable' ? 'stable' : 'gray'),
      kind: 'rollback',
      summary,
      act: async () => {
        await settled.catch(() => undefined);
        const options = { deadlineMs: target.progressDeadlineMs, summary };
        return (await slowly(name, cluster, { release, target }, options)).findings;
      },
    });
    const undos: Undo[] = [];
    if (route !== null && reached.route) {
      const summary = `traffic of ${application} back to stable`;
      undos.push({
        id: id('traffic'),
        kind: 'rollback',
        summary,
        act: async () => {
          await quickly('restoreRoute', cluster, { release, route }, { patienceMs, summary });
          run.record.weigh(application, 0);
          return [];
        },
      });
    }
    if (reached.stable)
      undos.push(slow('revertStable', `${target.deployment} back to ${target.stableImage ?? 'nothing'}`));
    if (reached.gray) {
      const remove = slow('removeGray', `remove ${target.gray}`);
      const drainMs = route !== null && reached.route && drain?.kind === 'return-traffic' ? drain.drainMs : 0;
      undos.push({
        ...remove,
        act: async () => {
          if (drainMs > 0) await sleep(drainMs, { summary: 'connections to gray drain' });
          await settled.catch(() => undefined);
          // A write that was under way when traffic went back may have taken the route again.
          if (route !== null && reached.route) {
            await quickly(
              'restoreRoute',
              cluster,
              { release, route },
              { patienceMs, summary: 'the route is as it was' },
            );
          }
          return remove.act();
        },
      });
    }
    return undos;
  });
}

/** Tries until it is done, or a person skips or abandons it. */
async function carryThrough(run: Run, stage: Stage, undo: Undo): Promise<'done' | 'skipped' | Steering> {
  for (;;) {
    const why = await persist(run, stage, undo);
    if (why === null) return 'done';
    const { remedy, steering } = await askForHelp(run, undo, why);
    if (remedy === 'abandon') return steering;
    if (remedy === 'skip') {
      run.record.end(undo.id, 'skipped', `skipped by ${steering.by.name}: ${steering.reason}`);
      return 'skipped';
    }
  }
}

/** Answers null when it is done, else why it could not be done until the deadline. */
async function persist(run: Run, stage: Stage, undo: Undo): Promise<string | null> {
  const deadline = Date.now() + stage.rollbackDeadlineMs;
  for (let wait = 500; ; wait = Math.min(wait * 2, 30_000)) {
    run.record.begin(undo, 'rolling_back');
    run.record.publish();
    try {
      run.record.end(undo.id, 'done', null, await undo.act());
      return null;
    } catch (error) {
      const { message } = failureOf(error);
      if (Date.now() + wait >= deadline) return message;
      run.record.note('note', `${undo.summary} did not work yet: ${message}`);
      await sleep(wait, { summary: `again: ${undo.summary}` });
    }
  }
}

async function askForHelp(run: Run, undo: Undo, why: string): Promise<NonNullable<Run['attention']>> {
  run.record.phase = 'needs_attention';
  run.record.end(undo.id, 'failed', why);
  run.ask('attention');
  run.record.wait({
    what: `a person: ${undo.summary} does not work: ${why}`,
    until: null,
    can: ['retry', 'skip', 'abandon'],
  });
  await condition(() => run.attention !== null);
  const answer = run.attention!;
  run.answered();
  run.record.go();
  run.record.phase = 'rolling_back';
  return answer;
}
