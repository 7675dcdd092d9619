/** sluice apps and rm. */
import type { Command } from 'commander';
import type { ApplicationRow, Page } from '../answers.js';
import { exitCodes } from '../exit.js';
import { applicationRows } from '../format/lists.js';
import { addCommand, type Host } from './common.js';

export function appsCommand(program: Command, host: Host): void {
  addCommand<object>(program, host, 'apps', 'list the declared applications', [], async (context) => {
    const page = await context.client.get<Page<ApplicationRow>>('/v1/applications');
    context.answer(page);
    context.say(...applicationRows(page.items, context.paint));
    return exitCodes.succeeded;
  });
}

export function rmCommand(program: Command, host: Host): void {
  addCommand<object>(
    program,
    host,
    'rm <app>',
    'forget an application; leaves everything in the cluster as it is',
    [],
    async (context, [name]) => {
      const { body } = await context.client.send<unknown>(
        'DELETE',
        `/v1/applications/${encodeURIComponent(name!)}`,
      );
      context.answer(body);
      context.say(`${name!} removed; nothing in the cluster was touched`);
      return exitCodes.succeeded;
    },
  );
}
