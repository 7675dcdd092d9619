/** Which rights a release needs in a namespace, and which of them the API server's answer lacks. Pure. */
import { failure, type Failure } from '../../domain/failures.js';
import type { AnyRoute } from '../../domain/traffic.js';
import { resources, type Resource } from './resources.js';

export interface Need {
  readonly resource: Resource;
  readonly verb: string;
  /** Object that it is needed for; null: all of the namespace. */
  readonly name: string | null;
}

/** status.resourceRules of a SelfSubjectRulesReview. */
export interface ResourceRule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

const all = (resource: Resource, verbs: readonly string[], name: string | null = null): Need[] =>
  verbs.map((verb) => ({ resource, verb, name }));

/** What the activities need of the route. */
export type RightsRoute = Pick<AnyRoute, 'router' | 'route'> &
  Partial<Pick<AnyRoute, 'namespace' | 'routeNamespace'>>;

/** What the activities do there, and no more. Reading logs and events is welcome, but a release works without. */
export function neededRights(route: RightsRoute | null): Need[] {
  return [
    ...all(resources.deployments, ['get', 'list', 'watch', 'create', 'patch', 'delete']),
    ...all(resources.services, ['get', 'list', 'create', 'delete']),
    ...all(resources.pods, ['list', 'watch']),
    ...all(resources.replicasets, ['list']),
    ...(route === null
      ? []
      : [
          ...all(resources.endpointslices, ['list']),
          ...(route.router === 'contour-include'
            ? all(resources.httpproxies, ['get', 'create', 'delete'])
            : []),
          ...((route.routeNamespace ?? route.namespace) === route.namespace ? routeRights(route) : []),
        ]),
  ];
}

/** What they do to the route itself, in its namespace. */
export function routeRights({ router, route }: RightsRoute): Need[] {
  const changed = ['get', 'patch'] as const;
  switch (router) {
    case 'gateway-api':
      return all(resources.httproutes, changed, route);
    case 'contour':
    case 'contour-include':
      return all(resources.httpproxies, changed, route);
    case 'istio':
      return all(resources.virtualservices, changed, route);
    // Canaries are found and made beside it.
    case 'ingress':
      return all(resources.ingresses, ['get', 'list', 'create', 'patch', 'delete']);
  }
}

/** The needs that no rule grants. A rule for named objects grants neither create nor a whole list. */
export function missingRights(rules: readonly ResourceRule[], needs: readonly Need[]): Need[] {
  const has = (list: readonly string[] | undefined, value: string): boolean =>
    list !== undefined && (list.includes('*') || list.includes(value));
  return needs.filter(
    ({ resource, verb, name }) =>
      !rules.some(
        (rule) =>
          has(rule.verbs, verb) &&
          has(rule.apiGroups, resource.group) &&
          has(rule.resources, resource.plural) &&
          ((rule.resourceNames ?? []).length === 0 ||
            (name !== null && (rule.resourceNames ?? []).includes(name))),
      ),
  );
}

/** One failure for each resource, with all the verbs that lack. */
export function rightsProblems(missing: readonly Need[], cluster: string, namespace: string): Failure[] {
  const byResource = new Map<string, string[]>();
  for (const { resource, verb } of missing) {
    const verbs = byResource.get(resource.plural) ?? [];
    byResource.set(resource.plural, [...verbs, verb]);
  }
  return [...byResource].map(([resource, verbs]) =>
    failure('cluster_denied', { cluster, verb: verbs.join(', '), resource, namespace }),
  );
}
