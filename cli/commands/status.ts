/** sluice status and sluice watch: what goes on. */
import { Option, type Command } from 'commander';
import { hasEnded } from '../../domain/release.js';
import type { ApplicationView } from '../../workflows/messages.js';
import type { Page, ReleaseAnswer, ReleaseRow } from '../answers.js';
import type { Context } from '../context.js';
import { ApiError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { follow, releasePath } from '../follow.js';
import { applicationLines, releaseRows } from '../format/lists.js';
import { decisionLines, renderRelease } from '../format/release.js';
import { addCommand, timeoutOption, type Host } from './common.js';

export function statusCommand(program: Command, host: Host): void {
  addCommand<object>(
    program,
    host,
    'status [release-or-app]',
    'show a release, an application, or all releases under way',
    [],
    async (context, [subject]) => {
      if (subject === undefined) return showOpen(context);
      // An id has 12 characters; an application may be called so too, hence both are asked.
      const isId = /^[0-9a-z]{12}$/.test(subject);
      const view = isId ? await unlessUnknown(context.client.get<ReleaseAnswer>(releasePath(subject))) : null;
      return view === null ? showApplication(context, subject) : showRelease(context, view);
    },
  );
}

export function watchCommand(program: Command, host: Host): void {
  addCommand<{ readonly timeout?: number }>(
    program,
    host,
    'watch <id>',
    'show a release until it has ended; with -o json one event per line',
    [timeoutOption()],
    async (context, [id], { timeout }) => {
      // Whoever asks for a release that is not there, or a server that is not, is told at once.
      await context.client.get(releasePath(id!));
      return follow(context, id!, { timeoutMs: timeout ?? null, stopAtAttention: false, eventsAsJson: true });
    },
  );
}

export function historyCommand(program: Command, host: Host): void {
  addCommand<{ readonly environment?: string; readonly limit?: string }>(
    program,
    host,
    'history [app]',
    'list releases, newest first',
    [
      new Option('-e, --environment <name>', 'only of this environment'),
      new Option('--limit <n>', 'at most so many').default('20'),
    ],
    async (context, [application], { environment, limit }) => {
      const query = { application, environment, limit };
      const page = await context.client.get<Page<ReleaseRow>>('/v1/releases', { query });
      context.answer(page);
      context.say(...releaseRows(page.items, { paint: context.paint, now: Date.now() }));
      return exitCodes.succeeded;
    },
  );
}

async function showOpen(context: Context): Promise<ExitCode> {
  const page = await context.client.get<Page<ReleaseRow>>('/v1/releases', { query: { limit: '100' } });
  const items = page.items.filter((row) => !hasEnded(row.phase));
  context.answer({ ...page, items });
  context.say(
    ...(items.length === 0
      ? ['no release is under way']
      : releaseRows(items, { paint: context.paint, now: Date.now() })),
  );
  return exitCodes.succeeded;
}

function showRelease(context: Context, view: ReleaseAnswer): ExitCode {
  const options = { paint: context.paint, now: Date.now() };
  context.answer(view);
  context.say(...renderRelease(view, options));
  if (view.decisions.length > 0) context.say('', 'decisions', ...decisionLines(view, options));
  return exitCodes.succeeded;
}

async function showApplication(context: Context, name: string): Promise<ExitCode> {
  const view = await context.client.get<ApplicationView>(`/v1/applications/${encodeURIComponent(name)}`);
  context.answer(view);
  context.say(...applicationLines(view, { paint: context.paint, now: Date.now() }));
  return exitCodes.succeeded;
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
