/** Values for templates, as the command line gives them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Values } from '../domain/application.js';
import { mergedValues } from '../domain/values.js';
import { UsageError } from './errors.js';
import { noPaint } from './format/paint.js';
import { renderYamlProblem } from './format/problem.js';
import { parseYaml, type YamlDocument } from './yaml.js';

/** Out of `--values` files and `--set KEY=VALUE`, later over earlier. Throws UsageError. */
export function valuesOf(files: readonly string[], sets: readonly string[]): Values {
  const given = [...files.map(valuesIn), ...sets.map(valueOf)];
  return given.reduce(mergedValues, {});
}

function valuesIn(file: string): Values {
  const [only, ...others] = documentsIn(file);
  const value = only?.value ?? {};
  if (others.length > 0 || typeof value !== 'object' || Array.isArray(value))
    throw new UsageError(`${file} holds no values.`, 'Write one map, e.g. namespace: shop');
  return value as Values;
}

function documentsIn(file: string): readonly YamlDocument[] {
  const parsed = parseYaml(file, textOf(file));
  if (parsed.ok) return parsed.documents;
  const shown = parsed.problems.flatMap((problem) => renderYamlProblem(problem, noPaint));
  throw new UsageError(`${file} is not well-formed YAML.\n\n${shown.join('\n')}`);
}

/** `a.b=1` is { a: { b: 1 } }; the value is YAML. */
function valueOf(set: string): Values {
  const at = set.indexOf('=');
  const path = set.slice(0, at).split('.');
  if (at < 1 || path.includes(''))
    throw new UsageError(`"${set}" sets nothing.`, 'Write KEY=VALUE, e.g. --set namespace=shop');
  return path.reduceRight<unknown>(
    (value, key) => Object.fromEntries([[key, value]]),
    scalar(set.slice(at + 1)),
  ) as Values;
}

function scalar(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    throw new UsageError(`"${text}" is no YAML value.`, `Put it in quotes, e.g. --set 'key="a: b"'`);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
