/** Whether the worker may make the copies that gray needs, and take them away again. */
import type { Failure } from '../../../domain/failures.js';
import type { Target } from '../../../domain/target.js';
import type { Cluster } from '../client.js';
import { rightsLacking } from '../rights.js';
import type { Need } from '../rules.js';
import { notCopied, type PolicyCopy } from './copies.js';
import { homeOf } from './kinds.js';

const verbs = ['create', 'delete'] as const;

export async function copyingProblems(
  cluster: Cluster,
  target: Pick<Target, 'namespace' | 'gray'>,
  copies: readonly PolicyCopy[],
): Promise<readonly Failure[]> {
  const homes = new Set(copies.map((copy) => homeOf(copy, target.namespace)));
  const problems = await Promise.all(
    [...homes].map(async (home) => {
      const there = copies.filter((copy) => homeOf(copy, target.namespace) === home);
      const needs = there.flatMap(({ resource }) =>
        verbs.map((verb): Need => ({ resource, verb, name: null })),
      );
      const missing = await rightsLacking(cluster, home, needs);
      return there.flatMap((copy) => {
        const lacking = verbs.filter((verb) =>
          missing.some((m) => m.verb === verb && m.resource.plural === copy.resource.plural),
        );
        if (lacking.length === 0) return [];
        const why = `the worker may not ${lacking.join(' or ')} it in namespace "${home}"`;
        return [notCopied(copy, target, why)];
      });
    }),
  );
  return problems.flat();
}
