/** The route that the tests of one route write to: of the application web in the namespace shop. */
import type { RouterKind, RouteTarget } from '../../domain/traffic.js';

export const routeOf = (router: RouterKind): RouteTarget => ({
  router,
  cluster: 'fake',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
});
