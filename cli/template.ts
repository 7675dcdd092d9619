/** Templates of applications: files, and what is made of them. A made application says what it was made of. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Origin, Values } from '../domain/application.js';
import { TemplateError } from '../domain/template/error.js';
import { renderTemplate } from '../domain/template/render.js';
import { UsageError } from './errors.js';
import { renderYamlProblem } from './format/problem.js';
import { noPaint } from './format/paint.js';
import { parseYaml, type YamlDocument } from './yaml.js';

export interface ApplicationTemplate {
  /** Where it was read, for people. */
  readonly file: string;
  readonly name: string;
  /** See Origin. */
  readonly version: string;
  readonly text: string;
}

export interface Made {
  /** YAML with the comments of the template, and with its origin at the end. */
  readonly text: string;
  readonly document: YamlDocument;
}

/** A name of one that comes with Sluice, or a path: whatever has a slash or an extension, or is a file. Throws UsageError. */
export function readTemplate(given: string): ApplicationTemplate {
  const isPath = /[/\\]|\.ya?ml$/.test(given) || (existsSync(given) && statSync(given).isFile());
  const file = isPath ? given : join(ownFolder(), `${given}.yaml`);
  if (!isPath && !existsSync(file)) {
    const known = templatesIn(ownFolder()).join(', ');
    throw new UsageError(
      `There is no template "${given}". Known: ${known}.`,
      'A file of your own is named by its path, e.g. ./web.yaml',
    );
  }
  const name = basename(file, extname(file));
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name))
    throw new UsageError(
      `"${name}" cannot name a template.`,
      'Give the file a name of letters, digits, "-", "_" and ".", at most 63.',
    );
  const text = textOf(file);
  const version = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { file: isPath ? file : basename(file), name, version, text };
}

function textOf(file: string): string {
  try {
    if (statSync(file).isDirectory())
      throw new UsageError(
        `${file} is a folder with the templates ${templatesIn(file).join(', ') || 'none'}.`,
        'Name one file in it.',
      );
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** The folder stands one further up when this runs compiled, from dist/cli. */
const ownFolder = (): string =>
  ['../templates', '../../templates']
    .map((up) => fileURLToPath(new URL(up, import.meta.url)))
    .find((folder) => existsSync(folder)) ?? '';

const templatesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => basename(file, extname(file)));

/** What the template makes for one application. Throws UsageError, which names the template, the line and what is wrong. */
export function makeApplication(template: ApplicationTemplate, name: string, values: Values): Made {
  const rendered = renderedFor(template, name, values);
  const where = `${template.file} for ${name}`;
  const only = documentIn(where, rendered);
  const made = only.value as { readonly name?: unknown; readonly template?: unknown } | null;
  if (made?.name !== name)
    throw new UsageError(
      `${where} makes an application named ${JSON.stringify(made?.name) ?? 'nothing'}.`,
      'Begin the template with: name: {{ .name }}',
    );
  if (made.template !== undefined)
    throw new UsageError(`${where} has a key "template" of its own.`, 'Leave it out: sluice new writes it.');
  const origin: Origin = { name: template.name, version: template.version, values };
  const text = `${rendered.trimEnd()}\n\n# What this was made of; sluice diff compares.\n${stringify({ template: origin })}`;
  return { text, document: documentIn(where, text) };
}

function renderedFor({ file, text }: ApplicationTemplate, name: string, values: Values): string {
  try {
    return renderTemplate(file, text, { name, values, Values: values });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const told = error.message.split('\n').map((line) => `${name}: ${line}`);
    throw new UsageError(told.join('\n  '));
  }
}

function documentIn(where: string, text: string): YamlDocument {
  const parsed = parseYaml(where, text);
  if (!parsed.ok) {
    const shown = parsed.problems.flatMap((problem) => renderYamlProblem(problem, noPaint));
    throw new UsageError(`${where} is not well-formed YAML.\n\n${shown.join('\n')}`);
  }
  const [only, ...others] = parsed.documents;
  if (only === undefined || others.length > 0)
    throw new UsageError(
      `${where} makes ${parsed.documents.length} documents.`,
      'A template makes one application.',
    );
  return only;
}
