/** What a policy and its copy are called. Pure. */
import { joinName } from '../../../domain/ids.js';
import type { Target } from '../../../domain/target.js';
import type { KubeObject } from '../objects.js';
import { homeOf, type Policy } from './kinds.js';

/** DNS subdomain names, unlike those of Services. */
const longestName = 253;

/** Of two applications that it concerns each has its own copy, and of two namespaces. */
export function copyName(
  policy: Policy,
  {
    stable,
    target,
  }: { readonly stable: KubeObject; readonly target: Pick<Target, 'namespace' | 'lane' | 'gray'> },
  base = policy.object.metadata.name,
): string {
  const here = target.namespace;
  const home = homeOf(policy, here);
  const track = base === stable.metadata.name && home === here ? target.lane : target.gray;
  const isBesideGray = policy.kind.abroad === 'beside gray';
  const suffix = home === here ? track : `${isBesideGray ? home : here}-${track}`;
  return joinName(base, suffix, longestName);
}

/** For people: its namespace where that is another one than the pods'. */
export function nameOf(policy: Policy, here: string): string {
  const home = homeOf(policy, here);
  const { name } = policy.object.metadata;
  return home === here ? `"${name}"` : `"${name}" of namespace "${home}"`;
}
