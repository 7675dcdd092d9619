/** Query strings, checked like bodies; a wrong parameter is named. */
import type { z } from '@hono/zod-openapi';
import { fieldErrors } from './fields.js';
import { invalidBody, ProblemError } from './problems.js';

export function checkedQuery<T>(url: string, schema: z.ZodType<T>): T {
  const query = Object.fromEntries(new URL(url).searchParams);
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const errors = fieldErrors(result.error.issues, schema, query).map((error) => ({
    ...error,
    pointer: '',
    parameter: error.pointer.slice(1),
  }));
  const problem = invalidBody(errors);
  throw new ProblemError({ ...problem, detail: problem.detail.replace('The body has', 'The query has') });
}
