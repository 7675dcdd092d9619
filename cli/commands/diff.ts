/** sluice diff: how applications have drifted from what their template would make now. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Application, Values } from '../../domain/application.js';
import { mergedValues } from '../../domain/values.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { exitCodes } from '../exit.js';
import { driftLines, type Drift } from '../format/drift.js';
import { unifiedDiff } from '../format/unified.js';
import { makeApplication, readTemplate, type ApplicationTemplate } from '../template.js';
import { valuesOf } from '../values.js';
import { allApplications } from './apps.js';
import { addCommand, type Host } from './common.js';
import { declaredAs, templateOptions, type TemplateOptions } from './new.js';

export function diffCommand(program: Command, host: Host): void {
  addCommand<TemplateOptions>(
    program,
    host,
    'diff [app...]',
    'show how declared applications differ from what their template would make now; changes nothing',
    templateOptions(),
    async (context, names, { template: given, values, set }) => {
      const template = readTemplate(given);
      const over = valuesOf(values, set);
      const asked = names.length > 0 ? names : await madeOf(context, template.name);
      const items: Drift[] = [];
      for (const name of asked) items.push(driftOf(template, await declared(context, name), over));
      context.answer({ template: { name: template.name, version: template.version }, items });
      context.say(...driftLines(template.name, items, context.paint));
      return items.some(({ diff, error }) => diff.length > 0 || error !== null)
        ? exitCodes.unwell
        : exitCodes.succeeded;
    },
  );
}

async function madeOf(context: Context, template: string): Promise<readonly string[]> {
  const rows = await allApplications(context);
  return rows.filter((row) => row.template === template).map((row) => row.name);
}

async function declared(context: Context, name: string): Promise<Application> {
  const view = await declaredAs(context, name);
  if (view !== null) return view.current.application;
  throw new UsageError(`${name} is not declared.`, 'sluice apps lists those that are.');
}

/** With the values that it was made with, and those given over them. */
function driftOf(template: ApplicationTemplate, application: Application, over: Values): Drift {
  const { template: origin, ...found } = application;
  const isOurs = origin?.name === template.name;
  const values = mergedValues(isOurs ? origin.values : {}, over);
  const { name } = application;
  const drift = { application: name, made: isOurs ? origin.version : null, now: template.version };
  try {
    const { template: _, ...wanted } = makeApplication(template, name, values).document.value as Application;
    const names = [`${name} as declared`, `${name} of ${template.file}`] as const;
    return { ...drift, diff: unifiedDiff(yaml(inOrderOf(wanted, found)), yaml(wanted), names), error: null };
  } catch (error) {
    if (error instanceof UsageError) return { ...drift, diff: [], error: error.message };
    throw error;
  }
}

const yaml = (value: unknown): string => stringify(value, { lineWidth: 0 });

/** `value` with its keys in the order of `like`, its own ones last: the order of keys is no difference. */
function inOrderOf(like: unknown, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = Array.isArray(like) ? like : [];
    return value.map((item: unknown, i) => inOrderOf(items[i], item));
  }
  if (!isMap(value)) return value;
  const known = isMap(like) ? like : {};
  const keys = [...new Set([...Object.keys(known), ...Object.keys(value)])];
  return Object.fromEntries(
    keys.filter((key) => Object.hasOwn(value, key)).map((key) => [key, inOrderOf(known[key], value[key])]),
  );
}

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
