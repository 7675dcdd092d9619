/** sluice new: many applications alike, of one template. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import type { ApplicationView } from '../../workflows/messages.js';
import type { Context } from '../context.js';
import { ApiError, UsageError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { makeApplication, readTemplate, type Made } from '../template.js';
import { valuesOf } from '../values.js';
import { declare } from './apply.js';
import { addCommand, type Host } from './common.js';

interface NewOptions extends TemplateOptions {
  readonly dir: string;
  readonly apply?: boolean;
}

export interface TemplateOptions {
  readonly template: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
}

export const templateOptions = (): Option[] => [
  new Option(
    '--template <template>',
    'one that comes with Sluice (spring-service, web), or the path of a file',
  ).makeOptionMandatory(),
  many('--values <file>', 'YAML with what the template reads as .values'),
  many('--set <key=value>', 'one value, e.g. --set namespace=shop; over those of files'),
];

/** May be given several times. Commander's own lists would take the names that follow for values. */
const many = (flags: string, description: string): Option =>
  new Option(flags, `${description}; may be repeated`)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([], 'none');

export function newCommand(program: Command, host: Host): void {
  addCommand<NewOptions>(
    program,
    host,
    'new <app...>',
    'make applications of a template: a file for each, or declared at once',
    [
      ...templateOptions(),
      new Option('--dir <folder>', 'where the files are written').default('.'),
      new Option('--apply', 'declare them instead of writing files').conflicts('dir'),
    ],
    async (context, names, { template: given, values: files, set, dir, apply = false }) => {
      const template = readTemplate(given);
      const values = valuesOf(files, set);
      // All are made before the first is written, so that a mistake leaves nothing behind.
      const made = checkedNames(names).map((name) => ({
        name,
        ...makeApplication(template, name, values),
      }));
      return apply ? declareAll(context, made) : writeAll(context, made, dir);
    },
  );
}

type Named = Made & { readonly name: string };

function checkedNames(names: readonly string[]): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`${twice} is named twice.`, 'Name each application once.');
  const wrong = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined)
    throw new UsageError(
      `"${wrong}" cannot name an application.`,
      'Write a DNS label: lower-case letters, digits and "-", at most 63.',
    );
  return names;
}

function writeAll(context: Context, made: readonly Named[], dir: string): ExitCode {
  const files = made.map(({ name, text }) => ({ application: name, file: join(dir, `${name}.yaml`), text }));
  const there = files.filter(({ file }) => existsSync(file)).map(({ file }) => file);
  if (there.length > 0)
    throw new UsageError(
      `${there.join(', ')}: there already. Nothing was written.`,
      'Remove it, or name another folder with --dir.',
    );
  for (const { file, text } of files) {
    try {
      writeFileSync(file, text, { flag: 'wx' });
    } catch (error) {
      throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
    }
  }
  context.answer({ files: files.map(({ application, file }) => ({ application, file })) });
  context.say(
    ...files.map(({ file }) => `wrote ${file}`),
    '',
    'next:',
    `  sluice apply -f ${files.map(({ file }) => file).join(' ')}`,
  );
  return exitCodes.succeeded;
}

async function declareAll(context: Context, made: readonly Named[]): Promise<ExitCode> {
  const there: string[] = [];
  for (const { name } of made) if ((await declaredAs(context, name)) !== null) there.push(name);
  if (there.length > 0)
    throw new UsageError(
      `${there.join(', ')}: declared already. Nothing was declared.`,
      'sluice diff shows what the template would make of it; sluice apply changes it.',
    );
  const answers: unknown[] = [];
  let worst: ExitCode = exitCodes.succeeded;
  for (const { name, document } of made) {
    const { code, answer } = await declare(context, name, document);
    answers.push(answer);
    if (code !== exitCodes.succeeded) worst = code;
  }
  context.answer(answers);
  return worst;
}

/** Null where it is not declared. */
export async function declaredAs(context: Context, name: string): Promise<ApplicationView | null> {
  try {
    return await context.client.get<ApplicationView>(`/v1/applications/${encodeURIComponent(name)}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
