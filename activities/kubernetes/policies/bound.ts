/** Policies of a mesh that are bound to stable's Service by name (`targetRefs`), and so do not hold for gray's. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { failure, type Failure } from '../../../domain/failures.js';
import { omit } from '../objects.js';
import type { Tracks } from './copies.js';
import { homeOf, specOf, type Policy } from './kinds.js';
import { copyName, nameOf } from './names.js';

/**
 * They are not copied: whether requests come to gray by its own Service or by stable's is up to the mesh. One that names gray's Service too is
 * fine, and so is one beside it that the user wrote for that: with the same rules, or with the name that a copy would have.
 */
export function boundProblems(policies: readonly Policy[], tracks: Tracks): readonly Failure[] {
  const { route, namespace } = tracks.target;
  if (route === null) return [];
  const { stableService: service, grayService: gray } = route;
  const own = policies.filter((policy) => homeOf(policy, namespace) === namespace);
  const bound = (name: string): readonly Policy[] =>
    own.filter(({ kind, object }) => kind.boundTo(specOf({ kind, object })).includes(name));
  const forGray = bound(gray);
  return bound(service)
    .filter((policy) => forGray.every((other) => !answers(other, policy, tracks)))
    .map((policy) =>
      failure('policy_bound', {
        policy: `${policy.kind.resource.kind} ${nameOf(policy, namespace)}`,
        service,
        gray,
        copy: copyName(policy, tracks),
      }),
    );
}

function answers(other: Policy, policy: Policy, tracks: Tracks): boolean {
  if (other.kind.resource.plural !== policy.kind.resource.plural) return false;
  const isNamed = other.object.metadata.name === copyName(policy, tracks);
  return isNamed || isDeepStrictEqual(rulesOf(other), rulesOf(policy));
}

const rulesOf = (policy: Policy): object => omit(omit(specOf(policy), 'targetRef'), 'targetRefs');
