/** sluice rollback: an ended release is undone by a release of its own. */
import { Option, type Command } from 'commander';
import { releaseToUndo } from '../../domain/way-back.js';
import type { ApplicationView } from '../../workflows/messages.js';
import type { PlanAnswer } from '../answers.js';
import type { Context } from '../context.js';
import { ApiError, UsageError } from '../errors.js';
import { exitCodes } from '../exit.js';
import { releasePath } from '../follow.js';
import { renderPlan } from '../format/plan.js';
import { addCommand, reasonOption, type Host } from './common.js';
import { planTimeoutMs, start, started, startOptions, type StartOptions } from './release.js';

interface RollbackOptions extends StartOptions {
  readonly to?: string;
  readonly environment?: string;
  readonly reason?: string;
  readonly plan?: boolean;
}

export function rollbackCommand(program: Command, host: Host): void {
  addCommand<RollbackOptions>(
    program,
    host,
    'rollback <release-or-app>',
    'undo an ended release: back to what was stable before it; of an application, the one that runs now',
    [
      new Option('--to <version>', 'back to this version, digest or release instead'),
      new Option('-e, --environment <name>', 'only there; default everywhere that the release changed'),
      reasonOption(),
      new Option('--plan', 'print what it would do; changes nothing'),
      ...startOptions('default one for as long as nothing else ends there'),
    ],
    async (context, [subject], { to, environment, reason, plan, ...options }) => {
      const id = await releaseOf(context, subject!, environment ?? null);
      const given = Object.entries({ to, environment, reason }).filter(([, value]) => value !== undefined);
      const body = Object.fromEntries(given);
      if (plan === true) {
        const asked = { rollbackOf: id, ...body };
        const answer = await context.client.post<PlanAnswer>('/v1/plans', asked, {
          timeoutMs: planTimeoutMs,
        });
        context.answer(answer);
        context.say(...renderPlan(answer.plan, answer.changes, context.paint));
        return exitCodes.succeeded;
      }
      const key = options.idempotencyKey ?? null;
      const accepted = await start(context.client, `${releasePath(id)}/rollback`, body, key);
      return started(context, accepted, options, ` rolls back ${id}`);
    },
  );
}

/** An id has 12 characters; an application may be called so too. */
async function releaseOf(context: Context, subject: string, environment: string | null): Promise<string> {
  const application = await applicationOf(context, subject);
  if (application === null) return subject;
  const last = releaseToUndo(application.history, environment);
  if (last !== undefined) return last.release;
  throw new UsageError(
    `No release that is known put there what ${subject} runs${environment === null ? '' : ` in ${environment}`}.`,
    `Name a release, and with --to the version: sluice history ${subject}`,
  );
}

/** Null: the subject is the id of a release. */
async function applicationOf({ client }: Context, subject: string): Promise<ApplicationView | null> {
  const isId = /^[0-9a-z]{12}$/.test(subject);
  try {
    return await client.get<ApplicationView>(`/v1/applications/${encodeURIComponent(subject)}`);
  } catch (error) {
    if (isId && error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
