/** The routers by kind. A new one is a new file and a line here. */
import type { RouterKind, RouterName } from '../../domain/traffic.js';
import { resources, type Resource } from '../kubernetes/resources.js';
import { contour } from './contour.js';
import { contourInclude } from './contour-include.js';
import { gatewayApi } from './gateway-api.js';
import { istio } from './istio.js';
import type { Router } from './router.js';

export const routers: Readonly<Record<RouterKind, Router>> = {
  'gateway-api': gatewayApi,
  contour,
  'contour-include': contourInclude,
  istio,
};

/** The kind of object that `traffic.route` names. */
export const resourceOf = (router: RouterName): Resource =>
  router === 'ingress' ? resources.ingresses : routers[router].resource;
