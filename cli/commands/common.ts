/** What every command shares: its options, its context, and how arguments are read. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { durationPattern, milliseconds } from '../../domain/duration.js';
import { contextOf, defaultServer, type CommonOptions, type Context, type Io } from '../context.js';
import { UsageError } from '../errors.js';
import type { ExitCode } from '../exit.js';

export interface Host {
  readonly io: Io;
  /** Where a command puts its exit code. */
  finish(code: ExitCode): void;
}

type Action<O> = (context: Context, args: readonly string[], options: O) => Promise<ExitCode>;

/** Adds a command with the common options, and answers it; `usage` holds the arguments as commander spells them. */
export function addCommand<O>(
  program: Command,
  host: Host,
  usage: string,
  description: string,
  options: readonly Option[],
  action: Action<O>,
): Command {
  const command = program.command(usage).description(description);
  for (const option of [...options, ...commonOptions()]) command.addOption(option);
  command.action(async () => {
    const given = command.optsWithGlobals<O & CommonOptions>();
    host.finish(await action(contextOf(host.io, given), command.processedArgs.flat() as string[], given));
  });
  return command;
}

export function commonOptions(): Option[] {
  return [
    new Option('-o, --output <form>', 'text for people, json for machines').choices(['text', 'json']),
    new Option('--server <url>', `address of the API; default SLUICE_SERVER, else ${defaultServer}`),
    new Option('--as <name>', 'who acts, for a server without tokens; default the login name'),
  ];
}

export const reasonOption = (): Option => new Option('--reason <text>', 'why, for the record');

export const timeoutOption = (): Option =>
  new Option('--timeout <duration>', 'stop waiting after this, e.g. 30m; the release goes on').argParser(
    (text) => {
      if (!durationPattern.test(text)) throw new InvalidArgumentError('Write it like 90s, 30m or 2h.');
      return milliseconds(text);
    },
  );

export interface Version {
  readonly name: string;
  /** A tag or digest of the application's repository, or a whole reference. */
  readonly image: string;
}

/** web@v2, web@sha256:..., web@registry/shop/web:v2 */
export function versionOf(text: string): Version {
  const at = text.indexOf('@');
  const [name, image] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || image === '') {
    throw new UsageError(`"${text}" does not say which version.`, 'Write APP@TAG, e.g. web@v2');
  }
  return { name, image };
}
