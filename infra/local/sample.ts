/** Builders of the sample application's Kubernetes objects, as a user of Sluice would have them in Git. */

export interface SampleOptions {
  namespace: string;
  /** Name of the application, its Deployment and its Service. */
  name: string;
  /** `host:port/repository:tag` or `...@sha256:...` */
  image: string;
  /** Default 2. */
  replicas?: number;
  /** Data of the ConfigMap that the container gets as environment. */
  config?: Record<string, string>;
  /** Environment of the container in the pod template; wins over the image's. */
  env?: Record<string, string>;
  /** Labels of the namespace. Default: none. */
  labels?: Record<string, string>;
  /** Host header of the routes. Default `<name>.<namespace>.local`. */
  host?: string;
}

const port = 8080;
export const servicePort = 80;

export const sampleHost = ({ host, name, namespace }: SampleOptions): string =>
  host ?? `${name}.${namespace}.local`;

/** The Service's full name in the cluster. */
export const serviceHost = ({ name, namespace }: Pick<SampleOptions, 'name' | 'namespace'>): string =>
  `${name}.${namespace}.svc.cluster.local`;

/** Namespace, ConfigMap, Service and Deployment. */
export function sampleObjects(options: SampleOptions): object[] {
  const { namespace, name, image, replicas = 2, config = {}, env = {}, labels = {} } = options;
  const metadata = { name, namespace, labels: { app: name } };
  const container = {
    name: 'app',
    image,
    ports: [{ name: 'http', containerPort: port }],
    envFrom: [{ configMapRef: { name: `${name}-config` } }],
    env: Object.entries({ APP: name, ...env }).map(([key, value]) => ({ name: key, value })),
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
    resources: { requests: { cpu: '50m', memory: '32Mi' } },
  };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-config`, namespace }, data: config },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: name }, ports: [{ name: 'http', port: servicePort, targetPort: 'http' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
      },
    },
  ];
}

export const routeKinds = ['gateway-api', 'contour', 'istio', 'ingress'] as const;
export type RouteKind = (typeof routeKinds)[number];

/** Where the Gateway is, as a `StackInfo` holds it; only an HTTPRoute needs it. */
export interface RouteOptions extends SampleOptions {
  gateway: { namespace: string; name: string };
  /** Of a VirtualService or an HTTPRoute, instead of the host: it is for those who call the Service, through their sidecars. Default false. */
  mesh?: boolean;
}

/** The user's own route to the sample application, with things in it that a release must leave alone. */
export function sampleRoute(kind: RouteKind, options: RouteOptions): object {
  switch (kind) {
    case 'gateway-api':
      return httpRoute(options);
    case 'contour':
      return httpProxy(options);
    case 'istio':
      return virtualService(options);
    case 'ingress':
      return ingress(options);
  }
}

/** Two rules: one of the user's own with a filter and a timeout, one for everything else. */
function httpRoute(options: RouteOptions): object {
  const { name, namespace, gateway, mesh = false } = options;
  const parents = mesh
    ? { parentRefs: [{ group: '', kind: 'Service', name, port: servicePort }] }
    : { parentRefs: [gateway], hostnames: [sampleHost(options)] };
  const backend = { name, port: servicePort };
  const set = [{ name: 'x-section', value: 'static' }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace },
    spec: {
      ...parents,
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/static' } }],
          filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set } }],
          timeouts: { request: '10s' },
          backendRefs: [backend],
        },
        { matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [backend] },
      ],
    },
  };
}

function httpProxy(options: RouteOptions): object {
  const { name, namespace } = options;
  const services = [{ name, port: servicePort }];
  return {
    apiVersion: 'projectcontour.io/v1',
    kind: 'HTTPProxy',
    metadata: { name, namespace },
    spec: {
      virtualhost: { fqdn: sampleHost(options) },
      routes: [
        { conditions: [{ prefix: '/static' }], services, timeoutPolicy: { response: '10s' } },
        { conditions: [{ prefix: '/' }], services },
      ],
    },
  };
}

function virtualService(options: RouteOptions): object {
  const { name, namespace, mesh = false } = options;
  const service = serviceHost(options);
  const route = [{ destination: { host: service, port: { number: servicePort } } }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: {
      hosts: [mesh ? service : sampleHost(options)],
      gateways: [mesh ? 'mesh' : 'istio-system/edge'],
      http: [
        { name: 'static', match: [{ uri: { prefix: '/static' } }], route, timeout: '10s' },
        { name: 'default', route },
      ],
    },
  };
}

/** Nothing here serves it. */
function ingress(options: RouteOptions): object {
  const { name, namespace } = options;
  const backend = { service: { name, port: { number: servicePort } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      annotations: {
        'nginx.ingress.kubernetes.io/proxy-read-timeout': '10',
        'cert-manager.io/cluster-issuer': 'letsencrypt',
      },
    },
    spec: {
      ingressClassName: 'higress',
      tls: [{ hosts: [sampleHost(options)], secretName: `${name}-tls` }],
      rules: [
        {
          host: sampleHost(options),
          http: {
            paths: [
              { path: '/static', pathType: 'Prefix', backend },
              { path: '/', pathType: 'Prefix', backend },
            ],
          },
        },
      ],
    },
  };
}
