/** sluice pause, resume, abort, retry, skip, abandon: what a person may do to a release on its way. */
import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import { releasePath } from '../follow.js';
import { addCommand, reasonOption, type Host } from './common.js';

export const steering = {
  pause: 'hold before the next step; the weight stays',
  resume: 'end a pause, or go on although an analysis is inconclusive',
  abort: 'return traffic to stable and undo everything; cannot be taken back',
  retry: 'needs_attention: try the undoing again',
  skip: 'needs_attention: leave this undoing step out and go on with the next',
  abandon: 'needs_attention: end the release and leave everything as it is',
} as const;

const done: Readonly<Record<keyof typeof steering, string>> = {
  pause: 'pauses before its next step',
  resume: 'goes on',
  abort: 'is being rolled back',
  retry: 'tries again',
  skip: 'goes on without this step',
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
        // Nobody should have to think of a reason before traffic may go back.
        const body = { reason: reason ?? 'no reason given' };
        const answer = await context.client.post<unknown>(`${releasePath(id!)}/${verb}`, body);
        context.answer(answer);
        context.say(`release ${id!} ${done[verb]}`, `  sluice watch ${id!}`);
        return exitCodes.succeeded;
      },
    );
  }
}
