/** Whether the worker may make the copies that gray needs, and take them away again. */
import type { Failure } from '../../../domain/failures.js';
import type { Target } from '../../../domain/target.js';
import type { Cluster } from '../client.js';
import { rightsLacking } from '../rights.js';
import type { Need } from '../rules.js';
import { notCopied, type PolicyCopy } from './copies.js';

const verbs = ['create', 'delete'] as const;

export async function copyingProblems(
  cluster: Cluster,
  target: Pick<Target, 'namespace' | 'gray'>,
  copies: readonly PolicyCopy[],
): Promise<readonly Failure[]> {
  const needs = copies.flatMap(({ resource }) => verbs.map((verb): Need => ({ resource, verb, name: null })));
  if (needs.length === 0) return [];
  const missing = await rightsLacking(cluster, target.namespace, needs);
  return copies.flatMap((copy) => {
    const lacking = verbs.filter((verb) =>
      missing.some((m) => m.verb === verb && m.resource.plural === copy.resource.plural),
    );
    if (lacking.length === 0) return [];
    return [notCopied(copy, target, `the worker may not ${lacking.join(' or ')} it`)];
  });
}
