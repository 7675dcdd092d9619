/** The route that the tests of one route write to: of the application web in the namespace shop. */
import type { RouterKind, RouteTarget } from '../../domain/traffic.js';
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
