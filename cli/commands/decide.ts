/** sluice approve and sluice reject: what a person decides, on the plan that was shown to them. */
import { Option, type Command } from 'commander';
import type { ReleaseView } from '../../domain/release.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { releasePath } from '../follow.js';
import { headLines } from '../format/release.js';
import { oneLine, shortDigest } from '../format/text.js';
import { addCommand, reasonOption, type Host } from './common.js';

interface DecideOptions {
  readonly reason?: string;
  readonly planHash?: string;
}

export function approveCommand(program: Command, host: Host): void {
  addCommand<DecideOptions>(
    program,
    host,
    'approve <id>',
    'approve a release that waits for it',
    [reasonOption(), planHashOption()],
    async (context, [id], options) => decide(context, id!, 'approve', options),
  );
}

export function rejectCommand(program: Command, host: Host): void {
  addCommand<DecideOptions>(
    program,
    host,
    'reject <id>',
    'reject a release that waits for approval; it is rolled back',
    [reasonOption().makeOptionMandatory(), planHashOption()],
    async (context, [id], options) => decide(context, id!, 'reject', options),
  );
}

const planHashOption = (): Option =>
  new Option(
    '--plan-hash <hash>',
    'decide only if the release still follows this plan; default the one shown',
  );

async function decide(
  context: Context,
  id: string,
  decision: 'approve' | 'reject',
  options: DecideOptions,
): Promise<ExitCode> {
  const view = await context.client.get<ReleaseView>(releasePath(id));
  const planHash = options.planHash ?? view.planHash;
  if (planHash === null)
    throw new UsageError(`Release ${id} has no plan yet.`, `See what it does: sluice status ${id}`);
  context.say(...subject(context, view));
  const body = { decision, reason: options.reason ?? '', planHash };
  const answer = await context.client.post<unknown>(`${releasePath(id)}/decisions`, body);
  context.answer(answer);
  const plan = `plan ${planHash}`;
  context.say(
    decision === 'approve' ? context.paint.green(`approved ${plan}`) : context.paint.red(`rejected ${plan}`),
  );
  return exitCodes.succeeded;
}

/** What is decided on: digests and plan, and who has decided before. */
function subject(context: Context, view: ReleaseView): string[] {
  const settings = view.waitingOn?.approval;
  const approvals = view.decisions.filter((d) => d.counted && d.decision === 'approve').length;
  return [
    ...headLines(view, { paint: context.paint, now: Date.now() }),
    ...view.applications.map(
      (a) => `  ${a.name}: ${shortDigest(a.stableDigest)} -> ${shortDigest(a.digest)}`,
    ),
    ...(settings === undefined ? [] : [`  approvals: ${approvals} of ${settings.quorum}`]),
    ...(view.plan?.warnings ?? []).map((warning) => context.paint.yellow(`  ! ${oneLine(warning)}`)),
  ];
}
