/** sluice env: the environments, and what runs in one. */
import { Option, type Command } from 'commander';
import type { EnvironmentRow, EnvironmentSummary, EnvironmentView } from '../../domain/environment.js';
import type { Page } from '../answers.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { environmentLines, environmentRows } from '../format/environments.js';
import { addCommand, type Host } from './common.js';
import { envCleanCommand } from './env-clean.js';

/** The API answers sooner: each of its looks has a deadline of its own. */
const timeoutMs = 40_000;

export function envCommand(program: Command, host: Host): void {
  const env = addCommand<{ readonly check?: boolean }>(
    program,
    host,
    'env [name]',
    'list the environments, or show what was released in one and what really runs there',
    [new Option('--check', 'end with 11 where something differs from what was released, or cannot be seen')],
    async (context, [name], { check = false }) => {
      if (name !== undefined) return showOne(context, name, check);
      if (check) throw new UsageError('--check needs an environment.', 'Write: sluice env NAME --check');
      return showAll(context);
    },
  );
  envCleanCommand(env, host);
}

async function showAll(context: Context): Promise<ExitCode> {
  const { items } = await allPages<Page<EnvironmentSummary>>(context, '/v1/environments');
  context.answer({ items, cursor: null });
  context.say(...environmentRows(items, context.paint));
  return exitCodes.succeeded;
}

async function showOne(context: Context, name: string, check: boolean): Promise<ExitCode> {
  const path = `/v1/environments/${encodeURIComponent(name)}`;
  const view = await allPages<EnvironmentView>(context, path);
  context.answer(view);
  context.say(...environmentLines(view, { paint: context.paint, now: Date.now() }));
  return check && view.items.some(isDoubtful) ? exitCodes.unwell : exitCodes.succeeded;
}

/** What could not be looked at is not taken for well. */
const isDoubtful = ({ live, drift }: EnvironmentRow): boolean => live === null || drift.length > 0;

/** The first page with the items of all. */
async function allPages<P extends Page<unknown>>(context: Context, path: string): Promise<P> {
  const get = (cursor?: string): Promise<P> =>
    context.client.get<P>(path, { query: { limit: '200', cursor }, timeoutMs });
  const first = await get();
  const items = [...first.items];
  for (let cursor: string | null = first.cursor; cursor !== null;) {
    const page = await get(cursor);
    items.push(...page.items);
    cursor = page.cursor;
  }
  return { ...first, items, cursor: null };
}
