/** sluice version. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import { addCommand, type Host } from './common.js';

export function versionCommand(program: Command, host: Host): void {
  addCommand<object>(program, host, 'version', 'print the version of this command', [], async (context) => {
    const version = ownVersion();
    context.answer({ version });
    context.say(`sluice ${version}`);
    return exitCodes.succeeded;
  });
}

/** The manifest stands one folder further up when this runs compiled, from dist/cli. */
function ownVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        readonly name: string;
        readonly version: string;
      };
      if (manifest.name === 'sluice') return manifest.version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
