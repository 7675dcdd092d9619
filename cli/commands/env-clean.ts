/** sluice env clean: removes what releases left behind that are over. */
import { Option, type Command } from 'commander';
import type { CleanView } from '../../domain/leftover.js';
import { UsageError } from '../errors.js';
import { exitCodes } from '../exit.js';
import { cleanLines } from '../format/clean.js';
import { addCommand, reasonOption, type Host } from './common.js';

/** The API answers sooner. */
const timeoutMs = 300_000;

interface Options {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly namespace?: string;
  readonly cluster?: string;
}

/** @param env the command `env`, of which it is a part */
export function envCleanCommand(env: Command, host: Host): void {
  addCommand<Options>(
    env,
    host,
    'clean <environment>',
    'show what releases left behind there that are over; with --yes, remove it',
    [
      new Option('--yes', 'remove it; needs --reason'),
      new Option('--dry-run', 'only show it; the default'),
      reasonOption(),
      new Option('--namespace <name>', 'look there as well, though no declared application is there'),
      new Option('--cluster <name>', 'of that namespace; default "default"'),
    ],
    async (context, [name], { yes = false, dryRun = false, reason = '', namespace, cluster }) => {
      if (yes && dryRun)
        throw new UsageError('--yes and --dry-run exclude each other.', 'Leave one of them out.');
      if (yes && reason.trim() === '')
        throw new UsageError(
          '--yes needs a reason, for the record.',
          `Write: sluice env clean ${name!} --yes --reason TEXT`,
        );
      if (cluster !== undefined && namespace === undefined)
        throw new UsageError('--cluster needs a namespace of it.', 'Add: --namespace NAME');
      const spot = {
        ...(namespace === undefined ? {} : { namespace }),
        ...(cluster === undefined ? {} : { cluster }),
      };
      const path = `/v1/environments/${encodeURIComponent(name!)}/clean`;
      const view = await context.client.post<CleanView>(
        path,
        { dryRun: !yes, reason, ...spot },
        { timeoutMs },
      );
      context.answer(view);
      const place = Object.entries(spot).map(([option, value]) => ` --${option} ${value}`);
      context.say(...cleanLines(view, `${name!}${place.join('')}`, context.paint));
      const isWell = view.unseen.length === 0 && view.items.every(({ left }) => left === null);
      return isWell ? exitCodes.succeeded : exitCodes.unwell;
    },
  );
}
