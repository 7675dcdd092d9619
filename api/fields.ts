/** Zod's issues as errors that name the field, what was found, what is expected and what to do. */
import type { z } from '@hono/zod-openapi';
import { maskManifest } from '../domain/mask.js';
import { nearest } from './nearest.js';
import type { RuleParams } from './schemas/application-rules.js';

export interface FieldError {
  /** RFC 6901 pointer into the body; "" is the whole body. */
  readonly pointer: string;
  /** Instead of the pointer's field: a query parameter or header of that name. */
  readonly parameter?: string;
  readonly message: string;
  /** What was found there, as short JSON; "nothing" where the field is missing. */
  readonly found: string;
  readonly expected: string;
  readonly remedy: string;
  /** The known key or value that was most likely meant. */
  readonly nearest?: string;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

export function fieldErrors(issues: readonly Issue[], schema: z.ZodType, body: unknown): FieldError[] {
  const errors = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey([...issue.path, key], keysAt(schema, issue.path), body))
      : [fieldError(issue, body)],
  );
  const seen = new Set<string>();
  return errors.filter(({ pointer, message }) => {
    const id = `${pointer} ${message}`;
    return !seen.has(id) && Boolean(seen.add(id));
  });
}

export const pointerOf = (path: Path): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function fieldError(issue: Issue, body: unknown): FieldError {
  const value = valueAt(body, issue.path);
  const found = foundAt(issue.path, value);
  const expected = expectation(issue);
  const place = { pointer: pointerOf(issue.path), found, expected };
  if (issue.code === 'custom' && isRule(issue.params)) {
    return { ...place, message: issue.message, remedy: issue.params.remedy };
  }
  const name = String(issue.path.at(-1) ?? 'the body');
  if (value === undefined) {
    return { ...place, message: `${name} is missing.`, remedy: `Add ${name}: ${expected}.` };
  }
  const like =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? nearest(value, issue.values.map(String))
      : undefined;
  return {
    ...place,
    message: `${name} is ${found}, expected ${expected}.`,
    remedy: like === undefined ? `Write ${expected}.` : `Did you mean ${like}?`,
    ...(like === undefined ? {} : { nearest: like }),
  };
}

function unknownKey(path: Path, known: readonly string[], body: unknown): FieldError {
  const key = String(path.at(-1));
  const like = nearest(key, known);
  return {
    pointer: pointerOf(path),
    message: `There is no key "${key}" here.`,
    found: foundAt(path, valueAt(body, path)),
    expected: known.length === 0 ? 'no key' : `one of ${known.join(', ')}`,
    remedy: like === undefined ? `Remove "${key}".` : `Did you mean ${like}?`,
    ...(like === undefined ? {} : { nearest: like }),
  };
}

/** What would have been right; our own formats say it themselves in their message. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return zodsOwn(issue.message) ? typeWords(issue.expected) : issue.message;
    case 'invalid_value':
      return zodsOwn(issue.message) ? `one of ${issue.values.map(String).join(', ')}` : issue.message;
    case 'custom':
      return isRule(issue.params) ? issue.params.expected : issue.message;
    case 'unrecognized_keys':
    case 'too_big':
    case 'too_small':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      return issue.message;
  }
}

const zodsOwn = (message: string): boolean => message.startsWith('Invalid ');

function typeWords(type: string): string {
  switch (type) {
    case 'object':
    case 'record':
      return 'an object';
    case 'array':
      return 'a list';
    case 'int':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'text';
    default:
      return `a ${type}`;
  }
}

function isRule(params: unknown): params is RuleParams {
  return typeof params === 'object' && params !== null && 'remedy' in params && 'expected' in params;
}

export function valueAt(body: unknown, path: Path): unknown {
  let value = body;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** What is wrong with a variable may be that its value is a secret, so only its kind is told. */
const foundAt = (path: Path, value: unknown): string =>
  path.includes('variables') && value !== undefined ? kindOf(value) : shown(value);

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Short JSON; long values are cut, so that an error never repeats a whole document. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value);
  const text = typeof value === 'object' ? maskManifest(json) : json;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Keys that an object may have at that place of the schema; empty where it is no object. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  let current = unwrapped(schema);
  for (const part of path) {
    const { def } = current._zod as unknown as { def: SchemaDef };
    const next = def.shape?.[String(part)] ?? def.element ?? def.valueType;
    if (next === undefined) return [];
    current = unwrapped(next);
  }
  return Object.keys((current._zod as unknown as { def: SchemaDef }).def.shape ?? {});
}

interface SchemaDef {
  readonly options?: readonly z.core.$ZodType[];
  readonly innerType?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  /** Of a map. */
  readonly valueType?: z.core.$ZodType;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType, options } = (schema._zod as unknown as { def: SchemaDef }).def;
  if (options !== undefined) {
    // A word or an object: only the object has keys.
    const hasKeys = ({ shape, element }: SchemaDef): boolean => shape !== undefined || element !== undefined;
    const found = options.map(unwrapped).find((o) => hasKeys((o._zod as unknown as { def: SchemaDef }).def));
    return found ?? schema;
  }
  return innerType === undefined ? schema : unwrapped(innerType);
}
