/** sluice lanes: which lanes there are now. */
import { Option, type Command } from 'commander';
import type { LaneList } from '../../domain/lane-view.js';
import { exitCodes } from '../exit.js';
import { laneLines } from '../format/lanes.js';
import { addCommand, type Host } from './common.js';

/** The API answers sooner: each of its looks has a deadline of its own. */
const timeoutMs = 40_000;

export function lanesCommand(program: Command, host: Host): void {
  addCommand<{ readonly environment?: string }>(
    program,
    host,
    'lanes',
    'show the lanes that there are now: who is in, which stable versions answer beside them, where requests come in',
    [new Option('-e, --environment <name>', 'only this one')],
    async (context, _, { environment }) => {
      const list = await context.client.get<LaneList>('/v1/lanes', { query: { environment }, timeoutMs });
      context.answer(list);
      context.say(...laneLines(list, context.paint));
      return exitCodes.succeeded;
    },
  );
}
