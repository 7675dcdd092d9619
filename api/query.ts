/** Query strings, checked like bodies; a wrong parameter is named. */
import { z } from '@hono/zod-openapi';
import { fieldErrors } from './fields.js';
import { invalidBody, ProblemError } from './problems.js';

const wholeNumber = 'a whole number from 1 to 200';

/** What every list takes. */
export const pageQuery = {
  limit: z.coerce.number(wholeNumber).int(wholeNumber).min(1, wholeNumber).max(200, wholeNumber).default(50),
  cursor: z.string().max(4_000, 'a cursor of a list').exactOptional(),
};

/** The same in the OpenAPI document. */
export const pageParameters = {
  limit: {
    description: 'At most so many',
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  },
  cursor: { description: 'Of the page before', schema: { type: 'string' } },
} as const;

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
