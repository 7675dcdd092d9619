/** sluice init: a first application to edit. */
import { existsSync, writeFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { routerNames, type RouterName } from '../../domain/traffic.js';
import { UsageError } from '../errors.js';
import { exitCodes } from '../exit.js';
import { starter } from '../format/starter.js';
import { addCommand, type Host } from './common.js';

interface InitOptions {
  readonly router: RouterName;
  readonly file: string;
  readonly image?: string;
}

export function initCommand(program: Command, host: Host): void {
  addCommand<InitOptions>(
    program,
    host,
    'init [app]',
    'write a commented application to start from',
    [
      new Option('--router <kind>', 'who splits the traffic').choices(routerNames).default('gateway-api'),
      new Option('--image <repository>', 'repository without tag'),
      new Option('-f, --file <file>', 'where to write it').default('sluice.yaml'),
    ],
    async (context, [name = 'web'], { router, file, image = `registry.example/shop/${name}` }) => {
      if (existsSync(file))
        throw new UsageError(`${file} exists and was not touched.`, 'Name another one with -f.');
      writeFileSync(file, starter({ name, router, image }), { flag: 'wx' });
      context.answer({ file });
      context.say(
        `wrote ${file}`,
        '',
        'next:',
        `  edit ${file}: image, namespace, route`,
        `  sluice apply -f ${file}`,
        `  sluice plan ${name}@TAG           prints what would happen`,
        `  sluice release ${name}@TAG --wait`,
      );
      return exitCodes.succeeded;
    },
  );
}
