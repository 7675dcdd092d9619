/** sluice apps and rm. */
import { Option, type Command } from 'commander';
import type { ApplicationRow, Page } from '../answers.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit.js';
import { applicationRows } from '../format/lists.js';
import { addCommand, type Host } from './common.js';

export function appsCommand(program: Command, host: Host): void {
  addCommand<object>(program, host, 'apps', 'list the declared applications', [], async (context) => {
    const items = await allApplications(context);
    context.answer({ items, cursor: null });
    context.say(...applicationRows(items, context.paint));
    return exitCodes.succeeded;
  });
}

/** Of all pages. */
export async function allApplications({ client }: Context): Promise<readonly ApplicationRow[]> {
  const items: ApplicationRow[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { limit: '200', cursor };
    const page: Page<ApplicationRow> = await client.get('/v1/applications', { query });
    items.push(...page.items);
    ({ cursor } = page);
  }
  return items;
}

export function rmCommand(program: Command, host: Host): void {
  addCommand<{ readonly force?: boolean }>(
    program,
    host,
    'rm <app>',
    'forget an application; leaves everything in the cluster as it is',
    [new Option('--force', 'also where releases that are over have left something of it in a cluster')],
    async (context, [name], { force = false }) => {
      const { body } = await context.client.send<unknown>(
        'DELETE',
        `/v1/applications/${encodeURIComponent(name!)}`,
        force ? { query: { force: 'true' } } : {},
      );
      context.answer(body);
      context.say(`${name!} removed; nothing in the cluster was touched`);
      return exitCodes.succeeded;
    },
  );
}
