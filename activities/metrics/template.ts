/** PromQL with {{ name }} variables. */
import { fail } from '../failure.js';

export const queryVariables = [
  'namespace',
  'application',
  'environment',
  'stableService',
  'grayService',
  'service',
  'port',
  'window',
  'deployment',
] as const;
export type QueryVariable = (typeof queryVariables)[number];
export type QueryValues = Readonly<Record<QueryVariable, string>>;

/** Fills in the variables; an unknown one fails with `invalid_field`, which lists the known ones. */
export function fillIn(query: string, values: QueryValues): string {
  return query.replace(/\{\{([^{}]*)\}\}/g, (whole, inner: string) => {
    const name = inner.trim();
    if (!isVariable(name)) {
      return fail('invalid_field', {
        what: `The query has an unknown variable ${whole}; known: ${queryVariables.join(', ')}.`,
        remedy: 'Use one of the known variables in analysis.metrics.',
      });
    }
    return values[name];
  });
}

const isVariable = (name: string): name is QueryVariable =>
  (queryVariables as readonly string[]).includes(name);
