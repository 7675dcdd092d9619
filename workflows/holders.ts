/** What an earlier release that was ended by force still holds of the routes of a lane: it goes back before anything of the lane is there. */
import { sleep } from '@temporalio/workflow';
import type { Held } from '../activities/contract.js';
import { isChained } from '../domain/member.js';
import { edgeTurn } from '../domain/queue.js';
import { drainMsOf, type Stage } from '../domain/stage.js';
import { turnsIn } from '../domain/turns.js';
import { quickly } from './activities.js';
import type { Run } from './run.js';
import { levelsOf, together } from './together.js';

/** Whose note it is: of a release of the route's own application, or of one behind it. */
type Whose = 'own' | 'guest';

interface Holder extends Held {
  readonly whose: Whose;
}

/** Who was seen to hold routes before anything of this release did. */
export class Holders {
  private readonly held = new Map<string, Holder>();

  seen(application: string, environment: string, whose: Whose, held: Held | undefined): void {
    const key = `${application}/${environment}/${whose}`;
    if (held === undefined) this.held.delete(key);
    else this.held.set(key, { ...held, whose });
  }

  /** Answers them once. */
  take(application: string, environment: string): readonly Holder[] {
    return (['own', 'guest'] as const).flatMap((whose) => {
      const key = `${application}/${environment}/${whose}`;
      const held = this.held.get(key);
      this.held.delete(key);
      return held ?? [];
    });
  }
}

/** How long a route is tried to be given back, ms. */
const patienceMs = 60_000;

/**
 * Where requests come in first, and after a drain what they come to with the tag: else they would meet gray of one and stable of another. Whoever
 * else holds a route has ended, where this release has the turn.
 */
export async function giveHeldBack(run: Run, stage: Stage): Promise<void> {
  if (!isChained(stage.targets) || !run.changes.has('leftovers-go-back-before-a-lane')) return;
  const { targets, edges = [], environment } = stage;
  const turns = turnsIn(run.inputs, environment);
  const isOurs = (application: string, whose: Whose): boolean => {
    const turn = whose === 'own' ? environment : edgeTurn(environment);
    return turns.some((one) => one.application === application && one.environment === turn);
  };
  const held = [...targets, ...edges].flatMap(({ application, level }) =>
    run.holders
      .take(application, environment)
      .filter(({ whose }) => isOurs(application, whose))
      .map((one) => ({ ...one, application, level })),
  );
  let tagged: string | null = null;
  for (const [i, beside] of levelsOf(held, 'callers first').entries()) {
    if (tagged !== null) await sleep(drainMsOf(stage), { summary: `requests with the tag of ${tagged} end` });
    await together(
      beside.map(({ release, route, application }) => async () => {
        run.record.note(
          'note',
          `The route of ${application} still has what release ${release} left there; it goes back first.`,
        );
        const summary = `give ${route.route} back for release ${release}`;
        const input = { release, route, stays: true, strips: true };
        await quickly('restoreRoute', route.cluster, input, { patienceMs, summary });
      }),
    );
    const open = beside.filter(({ route }) => i === 0 || route.stamps !== undefined);
    tagged = open.length === 0 ? null : `release ${[...new Set(open.map((one) => one.release))].join(', ')}`;
  }
}
