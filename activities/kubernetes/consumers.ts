/** Variables that keep gray's consumers of message queues apart from stable's. Pure. */
import { filled, type GrayVariable } from '../../domain/consumers.js';
import { failure, type Failure } from '../../domain/failures.js';
import type { Target } from '../../domain/target.js';
import type { Container } from './objects.js';

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

export const variablesOf = (container: Container): readonly Variable[] =>
  (container['env'] as readonly Variable[] | undefined) ?? [];

/** In their order: a variable that stable has keeps its place, since others may refer to it. */
export function withVariables(
  stable: readonly Variable[],
  given: readonly GrayVariable[],
): readonly Variable[] {
  const values = new Map(
    given.map(({ env, value }) => [env, filled(value, { stable: literal(stable, env) ?? '' })]),
  );
  const changed = stable.map((variable) => {
    const value = values.get(variable.name);
    return value === undefined ? variable : { name: variable.name, value };
  });
  const added = [...values].filter(([env]) => !stable.some(({ name }) => name === env));
  return [...changed, ...added.map(([name, value]) => ({ name, value }))];
}

/** What gray would share with stable, or what stable does not say. */
export function consumerProblems(
  container: Container,
  { deployment: workload, grayVariables = [] }: Target,
): Failure[] {
  const stable = variablesOf(container);
  return grayVariables.flatMap(({ consumer, env: variable, value, isApart }) => {
    const own = literal(stable, variable);
    const problem = (why: string): Failure[] => [
      failure('consumers_not_apart', { workload, consumer, variable, why }, '/consumers'),
    ];
    if (filled(value, { stable: '' }) !== value && own === null)
      return problem(`its value needs {{stable}}, but stable has no literal value there.`);
    const gray = filled(value, { stable: own ?? '' });
    return isApart && gray === own ? problem(`it is "${gray}" as that of stable.`) : [];
  });
}

/** Null where it is not set, comes from somewhere else, or is made of other variables. The last one of a name counts, as for Kubernetes. */
function literal(stable: readonly Variable[], name: string): string | null {
  const found = stable.findLast((variable) => variable.name === name);
  return found?.value === undefined || found.value.includes('$(') ? null : found.value;
}
