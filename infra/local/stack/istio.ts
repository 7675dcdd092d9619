/**
 * Istio beside a running stack: istiod, an Envoy as its ingress gateway, and one as the sidecar of those who call each other. Started by who
 * needs it, it is no part of the stack.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { applyObjects } from '../apply.js';
import { linkTo } from '../forward.js';
import { Parts, until } from '../parts.js';
import { freePorts } from '../ports.js';
import { servicePort } from '../sample.js';
import { ensureTools } from '../tools.js';
import { answers, type StackInfo } from './context.js';
import { bootstrap, envoyArgs, type IstioProxy } from './envoy.js';
import { flags } from './flags.js';
import { servesHost } from './serves.js';

export interface Istio {
  /** The gateway's HTTP listener, for VirtualServices of the Gateway `istio-system/edge`; send the Host header of the route. */
  ingress: string;
  /**
   * The sidecar's HTTP listener, for VirtualServices of the mesh: nothing intercepts what a process sends, so callers speak to it; send the
   * Service's full name as Host header.
   */
  mesh: string;
  /** The processes by name: istiod, istio-gateway, istio-sidecar. */
  procs: Parts;
  /** From now on the sidecar hears nothing of istiod, until what this answers is called. */
  holdBack: () => () => void;
  /** Ends every process that was started. */
  stop: () => Promise<void>;
}

/** Labels of the namespaces that istiod looks at: what others have in theirs neither takes a port of the sidecar nor keeps istiod busy. */
export const discovered = { 'istio-discovery': 'enabled' };

const namespace = 'istio-system';
const gatewayLabels = { istio: 'edge' };
const readyHost = 'ready.istio.local';
const deadlineMs = 60_000;

/**
 * What plain processes lack is left out: certificates and mutual TLS, webhooks, and the filters that only Istio's own build of Envoy has.
 * The Gateways of the Gateway API belong to Contour here; HTTPRoutes of Services are served.
 */
const istiodEnv = {
  POD_NAME: 'istiod',
  POD_NAMESPACE: namespace,
  REVISION: 'default',
  ENABLE_CA_SERVER: 'false',
  INJECTION_WEBHOOK_CONFIG_NAME: '',
  VALIDATION_WEBHOOK_CONFIG_NAME: '',
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER: 'false',
  PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: 'false',
};
const mesh = {
  // With it clusters wait for certificates, and no listener opens.
  enableAutoMtls: false,
  // `istio_requests_total` is made by a filter that stock Envoy has not.
  defaultProviders: { metrics: [] },
  enablePrometheusMerge: false,
  discoverySelectors: [{ matchLabels: discovered }],
};

/**
 * Starts all; resolves when a VirtualService written to the API server is served. At most once at a time for a stack, since there is one
 * Gateway.
 *
 * @param dir folder of configuration and logs; created
 * @throws with the last lines of the log of the part that did not become ready; nothing is left running then.
 */
export async function startIstio(stack: StackInfo, dir: string): Promise<Istio> {
  const tools = await ensureTools(['istiod', 'envoy']);
  await mkdir(dir, { recursive: true });
  const [xds, http, monitoring, ingress] = (await freePorts(4)) as [number, number, number, number];
  const procs = new Parts();
  const link = await linkTo(xds);
  const stop = async (): Promise<void> => {
    await procs.stopAll();
    link.close();
  };
  const proxy = async (name: string, options: Omit<IstioProxy, 'namespace' | 'admin'>) => {
    const [admin] = (await freePorts(1)) as [number];
    const config = join(dir, `${name}.json`);
    await writeFile(config, JSON.stringify(bootstrap({ ...options, namespace, admin })));
    await procs.add(name, {
      command: tools.envoy,
      args: envoyArgs(config),
      log: join(dir, `${name}.log`),
      ready: () => answers(`http://127.0.0.1:${admin}/ready`),
      deadlineMs,
    });
  };
  const meshConfig = join(dir, 'mesh.yaml');
  await writeFile(meshConfig, stringify(mesh));
  try {
    await applyObjects(stack, edgeObjects(ingress));
    await Promise.all([
      procs.add('istiod', {
        command: tools.istiod,
        args: [
          'discovery',
          ...flags({
            meshConfig,
            kubeconfig: stack.kubeconfig,
            grpcAddr: `127.0.0.1:${xds}`,
            httpAddr: `127.0.0.1:${http}`,
            httpsAddr: '',
            secureGRPCAddr: '',
            monitoringAddr: `127.0.0.1:${monitoring}`,
            ctrlz_port: 0,
          }),
        ],
        env: istiodEnv,
        log: join(dir, 'istiod.log'),
        ready: () => answers(`http://127.0.0.1:${http}/ready`),
        deadlineMs,
      }),
      proxy('istio-gateway', { kind: 'router', labels: gatewayLabels, xds }),
      proxy('istio-sidecar', {
        kind: 'sidecar',
        labels: {},
        xds: link.port,
        metadata: { INTERCEPTION_MODE: 'NONE' },
      }),
    ]);
    await until('the gateway serves a VirtualService', () => servesHost(ingress, readyHost));
  } catch (error) {
    await stop();
    throw error;
  }
  const { holdBack } = link;
  return {
    ingress: `http://127.0.0.1:${ingress}`,
    mesh: `http://127.0.0.1:${servicePort}`,
    procs,
    holdBack,
    stop,
  };
}

/** The Gateway that the sample's VirtualServices name, and one VirtualService that answers 200 by itself. */
function edgeObjects(port: number): object[] {
  const apiVersion = 'networking.istio.io/v1';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: discovered } },
    {
      apiVersion,
      kind: 'Gateway',
      metadata: { name: 'edge', namespace },
      spec: {
        selector: gatewayLabels,
        servers: [{ port: { number: port, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    },
    {
      apiVersion,
      kind: 'VirtualService',
      metadata: { name: 'ready', namespace },
      spec: {
        hosts: [readyHost],
        gateways: ['edge'],
        http: [{ directResponse: { status: 200 } }],
      },
    },
  ];
}
