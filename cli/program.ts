/** The commands, and how each way of failing is told and becomes an exit code. */
import { Command, CommanderError } from 'commander';
import { applyCommand } from './commands/apply.js';
import { appsCommand, rmCommand } from './commands/apps.js';
import { commonOptions, type Host } from './commands/common.js';
import { approveCommand, rejectCommand } from './commands/decide.js';
import { diffCommand } from './commands/diff.js';
import { doctorCommand } from './commands/doctor.js';
import { envCommand } from './commands/env.js';
import { initCommand } from './commands/init.js';
import { lanesCommand } from './commands/lanes.js';
import { newCommand } from './commands/new.js';
import { planCommand, releaseCommand } from './commands/release.js';
import { rollbackCommand } from './commands/rollback.js';
import { historyCommand, statusCommand, watchCommand } from './commands/status.js';
import { steerCommands } from './commands/steer.js';
import { versionCommand } from './commands/version.js';
import { paintOf, type Io } from './context.js';
import { ApiError, Unreachable, UsageError } from './errors.js';
import { exitCodes, exitHelp, type ExitCode } from './exit.js';
import type { Paint } from './format/paint.js';
import { renderProblem } from './format/problem.js';

const environmentHelp = `
Environment:
  SLUICE_SERVER      address of the API
  SLUICE_TOKEN       bearer token
  SLUICE_TOKEN_FILE  file that holds it
  NO_COLOR           no colours`;

/** Runs one command line and answers its exit code; never throws, never exits. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.succeeded;
  const program = programOf({ io, finish: (given) => (code = given) });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.succeeded : exitCodes.usage;
    return tell(error, io, wantsJson(args));
  }
}

export function programOf(host: Host): Command {
  const program = new Command('sluice')
    .description('Releases services on Kubernetes the careful way.')
    .configureOutput({
      writeOut: (text) => void host.io.stdout.write(text),
      writeErr: (text) => void host.io.stderr.write(text),
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', `${exitHelp()}\n${environmentHelp}`);
  for (const option of commonOptions()) program.addOption(option);
  const commands = [
    initCommand,
    newCommand,
    diffCommand,
    applyCommand,
    planCommand,
    releaseCommand,
    statusCommand,
    watchCommand,
    approveCommand,
    rejectCommand,
    steerCommands,
    rollbackCommand,
    historyCommand,
    appsCommand,
    envCommand,
    lanesCommand,
    rmCommand,
    doctorCommand,
    versionCommand,
  ];
  for (const add of commands) add(program, host);
  return program;
}

const wantsJson = (args: readonly string[]): boolean =>
  args.some(
    (arg, i) =>
      arg === '-ojson' || arg === '--output=json' || (/^(-o|--output)$/.test(arg) && args[i + 1] === 'json'),
  );

function tell(error: unknown, io: Io, json: boolean): ExitCode {
  const paint = paintOf(io, io.stderr);
  const say = (lines: readonly string[]): void => void io.stderr.write(`${lines.join('\n')}\n`);
  if (error instanceof ApiError) {
    // What the API said belongs to standard output, whatever it said.
    if (json) io.stdout.write(`${JSON.stringify(error.problem, null, 2)}\n`);
    say(renderProblem(error.problem, paint));
    return error.exitCode;
  }
  if (error instanceof Unreachable) {
    say(away(error, paint));
    return exitCodes.unreachable;
  }
  if (error instanceof UsageError) {
    say([`${paint.red('error:')} ${error.message}`, ...(error.remedy === null ? [] : [`  ${error.remedy}`])]);
    return exitCodes.usage;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say([
    `${paint.red('error:')} Something unexpected happened in the command itself; please report it.`,
    text,
  ]);
  return exitCodes.internal;
}

function away(error: Unreachable, paint: Paint): string[] {
  return [
    `${paint.red('error:')} ${error.message}`,
    '  Start it with `npm start`, or name another server with --server or SLUICE_SERVER.',
  ];
}
