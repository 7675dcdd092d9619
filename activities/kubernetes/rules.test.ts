import { describe, expect, it } from 'vitest';
import { missingRights, neededRights, rightsProblems, type ResourceRule } from './rules.js';

const needs = neededRights({ router: 'contour', route: 'web' });
const everything: ResourceRule[] = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
const rule = (
  group: string,
  resource: string,
  verbs: string[],
  resourceNames: string[] = [],
): ResourceRule => ({
  apiGroups: [group],
  resources: [resource],
  verbs,
  resourceNames,
});
const missing = (rules: readonly ResourceRule[]): string[] =>
  missingRights(rules, needs).map((n) => `${n.verb} ${n.resource.plural}`);
const exact = [
  rule('apps', 'deployments', ['get', 'list', 'watch', 'create', 'patch', 'delete']),
  rule('', 'services', ['get', 'list', 'create', 'delete']),
  rule('', 'pods', ['list', 'watch']),
  rule('apps', 'replicasets', ['list', 'watch']),
  rule('discovery.k8s.io', 'endpointslices', ['list']),
  rule('projectcontour.io', 'httpproxies', ['get', 'patch']),
];

describe('the rights that a release needs', () => {
  it.each<[string, ResourceRule[], string[]]>([
    ['are granted by wildcards', everything, []],
    ['are granted by the exact rules', exact, []],
    [
      'are not granted by the same resource of another group',
      [...exact.slice(1), rule('extensions', 'deployments', ['*'])],
      [
        'get deployments',
        'list deployments',
        'watch deployments',
        'create deployments',
        'patch deployments',
        'delete deployments',
      ],
    ],
    [
      'are granted for the route by its name',
      [...exact.slice(0, 5), rule('projectcontour.io', 'httpproxies', ['*'], ['web'])],
      [],
    ],
    [
      'are not granted by the name of another route',
      [...exact.slice(0, 5), rule('projectcontour.io', 'httpproxies', ['*'], ['x'])],
      ['get httpproxies', 'patch httpproxies'],
    ],
    [
      'are not granted for whole lists by names',
      [
        ...everything.slice(1),
        ...exact.filter((r) => r.resources?.[0] !== 'pods'),
        rule('', 'pods', ['*'], ['p']),
      ],
      ['list pods', 'watch pods'],
    ],
    [
      'are not granted by a subresource',
      [...exact.filter((r) => r.resources?.[0] !== 'pods'), rule('', 'pods/log', ['*'])],
      ['list pods', 'watch pods'],
    ],
  ])('%s', (_, rules, expected) => {
    expect(missing(rules)).toEqual(expected);
  });

  it('without a route are only those of workloads', () => {
    expect(neededRights(null).some((n) => n.resource.plural === 'endpointslices')).toBe(false);
  });

  it('that lack are told once for each resource', () => {
    const problems = rightsProblems(missingRights([], needs), 'default', 'shop');
    expect(problems).toHaveLength(6);
    expect(problems[0]?.message).toBe(
      'The worker may not get, list, watch, create, patch, delete deployments in namespace "shop" of cluster "default".',
    );
  });
});
