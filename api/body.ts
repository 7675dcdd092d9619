/** Bodies in JSON or YAML, parsed, with the place of a mistake. */
import { parseDocument } from 'yaml';
import type { z } from '@hono/zod-openapi';
import { failure } from '../domain/failures.js';
import { fieldErrors } from './fields.js';
import { jsonErrorOffset, lineAndColumn } from './json-position.js';
import { invalidBody, ProblemError, throwFailure } from './problems.js';

const jsonTypes = ['application/json'];
const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];

/** The body as the schema makes it; throws a problem with every wrong field. An empty body counts as {}. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  return checked(parseBody(await request.text(), request.headers.get('content-type')), schema);
}

export function checked<T>(body: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ProblemError(invalidBody(fieldErrors(result.error.issues, schema, body)));
}

export function parseBody(text: string, contentType: string | null): unknown {
  if (text.trim() === '') return {};
  const type = (contentType ?? 'none').split(';')[0]!.trim().toLowerCase();
  if (jsonTypes.includes(type)) return parseJson(text);
  if (yamlTypes.includes(type)) return parseYaml(text);
  return throwFailure(failure('unsupported_media_type', { type }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const offset = jsonErrorOffset(text) ?? text.length;
    const { line, column } = lineAndColumn(text, offset);
    // The parser's own words quote the text; ours name the place and the character only.
    const seen = offset >= text.length ? 'the end' : JSON.stringify(text[offset]);
    const what = error instanceof SyntaxError ? `unexpected ${seen}` : 'not JSON';
    return throwFailure(failure('malformed_body', { detail: `line ${line}, column ${column}: ${what}` }));
  }
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, column } = lineAndColumn(text, error.pos[0]);
    const what = error.message.replace(/\.$/, '');
    throwFailure(failure('malformed_body', { detail: `line ${line}, column ${column}: ${what}` }));
  }
  try {
    return document.toJS({ maxAliasCount: 50 }) as unknown;
  } catch {
    return throwFailure(failure('malformed_body', { detail: 'too many aliases' }));
  }
}
