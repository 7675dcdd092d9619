import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../parts.js';
import { run } from '../tools/run.js';
import { answers, type StackContext } from './context.js';
import { envoyArgs } from './envoy.js';
import { flags } from './flags.js';
import { servesHost } from './serves.js';
import { applyObjects } from '../apply.js';

/** Host that answers 200 without a backend: an Envoy without any route opens no listener. */
const readyHost = 'ready.stack.local';
/** Contour serves a Gateway's listener on this much above its port. */
const listenerOffset = 8000;

/** Starts Contour and Envoy; ready when a route written to the API server is served. */
export async function startIngress(context: StackContext): Promise<void> {
  const { info, procs, kube, tools, port } = context;
  await applyObjects(kube, gatewayObjects(context));
  const config = join(info.dir, 'contour.yaml');
  const bootstrap = join(info.dir, 'envoy.json');
  // A line for each answer above 499, with Envoy's reason.
  const contour = { gateway: { gatewayRef: info.gateway }, 'accesslog-level': 'critical' };
  await writeFile(config, JSON.stringify(contour));
  await writeBootstrap(context, bootstrap);
  await Promise.all([
    procs.add('contour', {
      command: tools.contour,
      args: [
        'serve',
        '--no-incluster',
        '--insecure',
        '--disable-leader-election',
        ...contourFlags(context, config),
      ],
      log: join(info.dir, 'contour.log'),
      ready: () => answers(`http://127.0.0.1:${port.contourHealth}/healthz`),
    }),
    procs.add('envoy', {
      command: tools.envoy,
      args: [...envoyArgs(bootstrap), '--service-cluster', 'sluice', '--service-node', 'edge'],
      log: join(info.dir, 'envoy.log'),
      ready: () => answers(`http://127.0.0.1:${port.envoyAdmin}/ready`),
    }),
  ]);
  await until('Envoy serves a route of the API server', () => servesHost(port.ingress, readyHost));
}

function contourFlags({ info, port }: StackContext, config: string): string[] {
  return flags({
    kubeconfig: info.kubeconfig,
    'config-path': config,
    'xds-address': '127.0.0.1',
    'xds-port': port.xds,
    'health-address': '127.0.0.1',
    'health-port': port.contourHealth,
    'http-address': '127.0.0.1',
    'http-port': port.contourMetrics,
    'debug-http-address': '127.0.0.1',
    'debug-http-port': port.contourDebug,
    'stats-address': '127.0.0.1',
    'stats-port': port.stats,
    'envoy-service-http-address': '127.0.0.1',
    'envoy-http-access-log': join(info.dir, 'envoy-errors.log'),
  });
}

function gatewayObjects({ info, port }: StackContext): object[] {
  const { name, namespace } = info.gateway;
  const listeners = [
    {
      name: 'http',
      protocol: 'HTTP',
      port: port.ingress - listenerOffset,
      allowedRoutes: { namespaces: { from: 'All' } },
    },
    // For HTTPProxies, which bring their certificates along; an HTTPRoute does not attach to it.
    { name: 'https', protocol: 'projectcontour.io/https', port: port.ingressTls - listenerOffset },
  ];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'contour' },
      spec: { controllerName: 'projectcontour.io/gateway-controller' },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name, namespace },
      spec: { gatewayClassName: 'contour', listeners },
    },
    {
      apiVersion: 'projectcontour.io/v1',
      kind: 'HTTPProxy',
      metadata: { name: 'ready', namespace },
      spec: {
        virtualhost: { fqdn: readyHost },
        routes: [{ directResponsePolicy: { statusCode: 200, body: 'ready' } }],
      },
    },
  ];
}

/** Contour's bootstrap for Envoy, with the admin page on a port, because a path of a unix socket may be too long. */
async function writeBootstrap({ tools, port }: StackContext, path: string): Promise<void> {
  const options = { 'xds-address': '127.0.0.1', 'xds-port': port.xds, 'admin-address': '/admin.sock' };
  await run(tools.contour, ['bootstrap', path, ...flags(options)]);
  const config = JSON.parse(await readFile(path, 'utf8'), (_, value: unknown) =>
    isAddressWithPipe(value)
      ? { socket_address: { address: '127.0.0.1', port_value: port.envoyAdmin } }
      : value,
  ) as unknown;
  await writeFile(path, JSON.stringify(config));
}

const isAddressWithPipe = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'pipe' in value;

/** Starts Prometheus, which reads Envoy's counters each second. */
export async function startPrometheus({ info, procs, tools, port }: StackContext): Promise<void> {
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      {
        job_name: 'envoy',
        metrics_path: new URL(info.envoyStats).pathname,
        static_configs: [{ targets: [new URL(info.envoyStats).host] }],
      },
    ],
  };
  const path = join(info.dir, 'prometheus.yaml');
  await writeFile(path, JSON.stringify(config));
  await procs.add('prometheus', {
    command: tools.prometheus,
    args: flags({
      'config.file': path,
      'storage.tsdb.path': join(info.dir, 'prometheus'),
      'web.listen-address': `127.0.0.1:${port.prometheus}`,
      'log.level': 'warn',
    }),
    log: join(info.dir, 'prometheus.log'),
    ready: () => answers(`${info.prometheus}/-/ready`),
  });
}
