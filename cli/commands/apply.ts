/** sluice apply: declares applications out of YAML files. */
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { Declared } from '../answers.js';
import type { Context, Io } from '../context.js';
import { ApiError, UsageError } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { paintOf } from '../context.js';
import { renderProblem, renderYamlProblem } from '../format/problem.js';
import { parseYaml, type YamlDocument } from '../yaml.js';
import { addCommand, type Host } from './common.js';

interface ApplyOptions {
  readonly file: readonly string[];
}

export function applyCommand(program: Command, host: Host): void {
  addCommand<ApplyOptions>(
    program,
    host,
    'apply',
    'declare or change applications; changes nothing in a cluster',
    [
      new Option(
        '-f, --file <file...>',
        'YAML with one or more documents; - reads standard input',
      ).makeOptionMandatory(),
    ],
    async (context, _args, { file }) => {
      const documents: YamlDocument[] = [];
      for (const name of file) documents.push(...(await read(context.io, name)));
      if (documents.length === 0)
        throw new UsageError(`${file.join(', ')} holds no document.`, 'sluice init writes one.');
      // Parsed whole before anything is sent, so that a broken file applies nothing.
      const named = documents.map((document) => ({ document, name: nameOf(document) }));
      const answers: unknown[] = [];
      let worst: ExitCode = exitCodes.succeeded;
      for (const { document, name } of named) {
        const { code, answer } = await declare(context, name, document);
        answers.push(answer);
        if (code !== exitCodes.succeeded) worst = code;
      }
      context.answer(answers.length === 1 ? answers[0] : answers);
      return worst;
    },
  );
}

/** Says what became of it; a refusal is told with its lines. */
export async function declare(
  context: Context,
  name: string,
  document: YamlDocument,
): Promise<{ readonly code: ExitCode; readonly answer: unknown }> {
  try {
    const path = `/v1/applications/${encodeURIComponent(name)}`;
    const { body } = await context.client.send<Declared>('PUT', path, { body: document.value });
    const change = body.created ? 'created' : body.changed ? 'changed' : 'unchanged';
    context.say(`${name} ${change}, version ${body.version}`);
    return { code: exitCodes.succeeded, answer: body };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { io } = context;
    io.stderr.write(`${renderProblem(error.problem, paintOf(io, io.stderr), document).join('\n')}\n`);
    return { code: error.exitCode, answer: error.problem };
  }
}

async function read(io: Io, name: string): Promise<readonly YamlDocument[]> {
  const parsed = parseYaml(name === '-' ? '<stdin>' : name, await textOf(io, name));
  if (parsed.ok) return parsed.documents;
  const paint = paintOf(io, io.stderr);
  const shown = parsed.problems.flatMap((problem) => renderYamlProblem(problem, paint));
  throw new UsageError(`${name} is not well-formed YAML; nothing was sent.\n\n${shown.join('\n')}`);
}

async function textOf(io: Io, name: string): Promise<string> {
  if (name !== '-') {
    try {
      return await readFile(name, 'utf8');
    } catch (error) {
      throw new UsageError(
        `${name} cannot be read: ${(error as Error).message}`,
        'sluice init writes a first file.',
      );
    }
  }
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of io.stdin)
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  return text;
}

function nameOf({ value, source, document }: YamlDocument): string {
  const name = (value as { readonly name?: unknown } | null)?.name;
  if (typeof name === 'string' && name !== '') return name;
  const { line } = source.lines.linePos(document.contents?.range?.[0] ?? 0);
  throw new UsageError(
    `${source.file}: the document at line ${Math.max(1, line)} has no name.`,
    'An application begins with "name: <dns-label>".',
  );
}
