/** Killing a part at a given event of a release's history, while releases of other applications are somewhere else. */
import { setTimeout as delay } from 'node:timers/promises';
import { releaseIdOfKey } from '../../../domain/ids.js';
import { reachesEvent } from '../follow.js';
import { carryOut, type Done } from './drive.js';
import { faults } from './faults.js';
import type { Fleet } from './fleet.js';
import { seeded } from './random.js';
import type { Tally } from './report.js';
import { scenarios } from './scenarios.js';

/** Kills that a release must survive wherever it is. */
export const victims = ['worker killed', 'API killed', 'temporal killed'] as const;

export interface Moment {
  readonly victim: (typeof victims)[number];
  /** How many events the history has then, or its last. */
  readonly event: number;
}

/** Every so many events of a history of that length, for each victim. */
export const moments = (length: number, every: number): readonly Moment[] =>
  Array.from({ length: Math.ceil(length / every) }, (_, i) => 1 + i * every).flatMap((event) =>
    victims.map((victim) => ({ victim, event })),
  );

/** One release for each moment, side by side on all applications; one kill at a time. */
export async function killAtEach(
  fleet: Fleet,
  wanted: readonly Moment[],
  seed: number,
  tally: Tally,
): Promise<{ readonly done: readonly Done[]; readonly problems: readonly string[] }> {
  const queue = [...wanted];
  const done: Done[] = [];
  const problems: string[] = [];
  const random = seeded(seed);
  let last: Promise<unknown> = Promise.resolve();
  const kill = async ({ victim, event }: Moment, id: string): Promise<void> => {
    await reached(fleet, id, event);
    const fault = faults.find((f) => f.name === victim)!;
    const mine = last.then(() => fault.inflict(fleet, random));
    last = mine.catch(() => undefined);
    await mine;
    tally.survived(fault);
  };
  await Promise.all(
    fleet.worlds.map(async (world) => {
      for (let moment = queue.shift(); moment !== undefined; moment = queue.shift()) {
        const key = `${seed}-${victims.indexOf(moment.victim)}-at-${moment.event}`;
        const killing = kill(moment, releaseIdOfKey(key));
        try {
          done.push(await carryOut(fleet, world, scenarios[0]!, key));
          await killing;
        } catch (error) {
          killing.catch(() => undefined);
          problems.push(`${moment.victim} at event ${moment.event} of ${world.namespace}: ${String(error)}`);
          return;
        }
      }
    }),
  );
  return { done, problems };
}

/** Through a Temporal that is away meanwhile. */
async function reached(fleet: Fleet, id: string, event: number): Promise<void> {
  for (;;) {
    try {
      return await reachesEvent(fleet.temporal, id, event);
    } catch {
      await delay(50);
    }
  }
}
