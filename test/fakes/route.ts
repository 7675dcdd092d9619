/** The route that the tests of one route write to: of the application web in the namespace shop. */
import type { JsonObject, Rule } from '../../activities/traffic/router.js';
import type { RouterKind, RouteTarget, SharingKind } from '../../domain/traffic.js';
import type { FakeObjects } from './kube-objects.js';

export const routeOf = (router: RouterKind): RouteTarget => ({
  router,
  cluster: 'fake',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
});

/** A rule for a path that sends to a Service; what it asks besides is in the words of the router. */
export function ruleOf(kind: SharingKind, path: string, service: string, asks: JsonObject = {}): Rule {
  switch (kind) {
    case 'gateway-api':
      return {
        matches: [{ path: { type: 'PathPrefix', value: path }, ...asks }],
        backendRefs: [{ name: service, port: 80 }],
      };
    case 'contour': {
      const conditions = Object.entries(asks).map(([field, how]) => ({ [field]: how }));
      return { conditions: [{ prefix: path }, ...conditions], services: [{ name: service, port: 80 }] };
    }
    case 'istio':
      return {
        match: [{ uri: { prefix: path }, ...asks }],
        route: [{ destination: { host: service, port: { number: 80 } } }],
      };
  }
}

const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
export const virtualService = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web';
export const virtualServiceSpec = {
  http: [{ route: [{ destination: { host: 'web', port: { number: 80 } } }] }],
};

/** The VirtualService of that route, and an endpoint of each track. */
export function putVirtualService(kube: FakeObjects): void {
  for (const service of ['web', 'web-gray'])
    kube.put(`${slices}/${service}-x`, {
      metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    });
  kube.put(virtualService, { metadata: { name: 'web', namespace: 'shop' }, spec: virtualServiceSpec });
}
