/** sluice pause, resume, skip, extend, weight, promote, abort, retry, abandon: what a person may do to a release on its way. */
import type { Command } from 'commander';
import { durationPattern } from '../../domain/duration.js';
import { isWeight } from '../../domain/traffic.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { releasePath } from '../follow.js';
import { addCommand, reasonOption, type Host } from './common.js';

/** Those that need nothing but the release. */
export const steering = {
  pause: 'hold before the next step; the weight stays',
  resume: 'end a pause, or go on although an analysis is inconclusive',
  skip: 'end the hold that is under way; needs_attention: leave this undoing step out and go on with the next',
  promote: 'leave out the weights and holds that are left',
  abort: 'return traffic to stable and undo everything; cannot be taken back',
  retry: 'needs_attention: try the undoing again',
  abandon: 'needs_attention: end the release and leave everything as it is',
} as const;

const done: Readonly<Record<keyof typeof steering, string>> = {
  pause: 'pauses before its next step',
  resume: 'goes on',
  skip: 'goes on without this step',
  promote: 'goes to 100 % and is promoted',
  abort: 'is being rolled back',
  retry: 'tries again',
  abandon: 'was abandoned',
};

export function steerCommands(program: Command, host: Host): void {
  for (const verb of Object.keys(steering) as (keyof typeof steering)[]) {
    addCommand<{ readonly reason?: string }>(
      program,
      host,
      `${verb} <id>`,
      steering[verb],
      [reasonOption()],
      async (context, [id], { reason }) => {
        return steer(context, id!, verb, { reason }, done[verb]);
      },
    );
  }
  addCommand<{ readonly reason?: string }>(
    program,
    host,
    'weight <id> <percent>',
    "set gray's share of untagged requests now; the plan goes on with its next higher weight",
    [reasonOption()],
    async (context, [id, percent], { reason }) => {
      const weight = /^\d{1,3} ?%?$/.test(percent!) ? Number.parseInt(percent!, 10) : Number.NaN;
      if (!isWeight(weight))
        throw new UsageError(`"${percent!}" is no weight.`, 'Write a whole number from 0 to 100.');
      return steer(context, id!, 'weight', { weight, reason }, `moves to ${weight} % on gray`);
    },
  );
  addCommand<{ readonly reason?: string }>(
    program,
    host,
    'extend <id> <duration>',
    'give what is waited for more time: a hold, an approval, an analysis in doubt',
    [reasonOption()],
    async (context, [id, duration], { reason }) => {
      if (!durationPattern.test(duration!))
        throw new UsageError(`"${duration!}" is no duration.`, 'Write it like 90s, 30m or 2h.');
      return steer(context, id!, 'extend', { duration, reason }, `waits ${duration!} longer`);
    },
  );
}

async function steer(
  context: Context,
  id: string,
  verb: string,
  asked: { readonly reason: string | undefined; readonly [field: string]: unknown },
  done: string,
): Promise<ExitCode> {
  // Nobody should have to think of a reason before traffic may go back.
  const body = { ...asked, reason: asked.reason ?? 'no reason given' };
  const answer = await context.client.post<unknown>(`${releasePath(id)}/${verb}`, body);
  context.answer(answer);
  context.say(`release ${id} ${done}`, `  sluice watch ${id}`);
  return exitCodes.succeeded;
}
