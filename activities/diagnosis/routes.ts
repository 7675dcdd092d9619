/** What a route object's controller says of it, and whether its kind is served. Pure. */
import { fine, problem, warning, type HealthCheck } from '../../domain/diagnosis.js';
import { failure } from '../../domain/failures.js';
import { homeOf, type AnyRoute, type RouterName } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { resourceOf } from '../traffic/index.js';
import { objectOf, objectsOf, textOf } from '../traffic/json.js';

/** Null: accepted; else what is unsure, for people. What the controller refuses is a complaint of the router. */
export function unsure(kind: RouterName, object: KubeObject): string | null {
  const status = objectOf(object['status']);
  switch (kind) {
    case 'gateway-api': {
      const parents = objectsOf(status?.['parents']);
      if (parents.length === 0) return 'no controller has said anything about it (status.parents is empty)';
      const accepted = parents.some((parent) =>
        objectsOf(parent['conditions']).some((c) => c['type'] === 'Accepted' && c['status'] === 'True'),
      );
      return accepted ? null : 'no controller has accepted it';
    }
    case 'contour':
    case 'contour-include': {
      const said = textOf(status?.['currentStatus']);
      if (said === 'valid') return null;
      return said === null
        ? 'Contour has said nothing about it'
        : `Contour calls it ${said}: ${textOf(status?.['description']) ?? ''}`.trim();
    }
    // Istio writes no status unless it is told to.
    case 'istio':
      return null;
    case 'ingress': {
      const addresses = objectsOf(objectOf(status?.['loadBalancer'])?.['ingress']);
      return addresses.length > 0
        ? null
        : 'no controller has given it an address (status.loadBalancer is empty)';
    }
  }
}

export function acceptanceCheck(route: AnyRoute, subject: string, object: KubeObject): HealthCheck {
  const { kind } = resourceOf(route.router);
  const about = { topic: 'route', subject } as const;
  const name = `${kind} "${route.route}" in namespace "${homeOf(route)}"`;
  const why = unsure(route.router, object);
  if (why === null)
    return fine(about, `${name} fits${route.router === 'istio' ? '' : ', its controller accepts it'}`);
  const remedy = 'See that the controller runs, and that the route names its Gateway, class or virtual host.';
  return warning(about, `${name}: ${why}.`, remedy);
}

/** `versions`: those that the API server serves of the group; null: it does not know the group. */
export function servedCheck(
  router: RouterName,
  cluster: string,
  versions: readonly string[] | null,
): HealthCheck {
  const { kind, group, version } = resourceOf(router);
  const about = { topic: 'crds', subject: `${kind} in cluster ${cluster}` } as const;
  if (versions === null) {
    const { message, remedy } = failure('crd_missing', { kind, group, cluster });
    return problem(about, message, remedy);
  }
  if (versions.includes(version)) return fine(about, `${group}/${version} is served`);
  const seen = `${group} is served as ${versions.join(', ')}, and not as ${version}.`;
  return problem(about, seen, `Install CRDs that serve ${group}/${version}.`);
}
