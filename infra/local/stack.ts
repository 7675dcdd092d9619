import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Kube } from './kube.js';
import { Parts } from './parts.js';
import { freePorts } from './ports.js';
import { startControlPlane, startControllers, writeKubeconfig } from './stack/control-plane.js';
import { portNames, type StackContext, type StackInfo } from './stack/context.js';
import { startIngress, startPrometheus } from './stack/edge.js';
import { applyDefinitions } from './stack/definitions.js';
import { startRegistry, startTemporal } from './stack/neighbours.js';
import { startKubelet, startNode } from './stack/node.js';
import { reservePodBlock } from './stack/pod-block.js';
import { ensureTools } from './tools.js';
import type { ToolName } from './tools/catalogue.js';

export type { StackInfo } from './stack/context.js';

export interface StackOptions {
  /** Folder of all state and logs; created. Two stacks need two folders. */
  dir: string;
  /** `real`: pods pull their image and answer HTTP; needs the network namespace. `simulated`: kwok says that they run. */
  pods: 'real' | 'simulated';
  /** `host:port` whose `/` Prometheus scrapes in Envoy's place; Contour and Envoy are not started then. */
  scrape?: string;
  /** false: no Kubernetes, only Temporal, the registry and Prometheus. Default true. */
  cluster?: boolean;
  /** File of Temporal's state. Default: `temporal.db` in the folder. */
  temporalFile?: string;
  /** One line for people. Default: nothing is said. */
  log?: (line: string) => void;
}

export interface Stack extends StackInfo {
  /** The plain data alone, to hand to another process. */
  info: StackInfo;
  /**
   * The processes by name: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok, kubelet (pods `real`), temporal,
   * registry, contour, envoy, prometheus. Each can be stopped, killed and started again at the same address with the same data.
   */
  procs: Parts;
  /** A client of the API server with every right. */
  kube: Kube;
  /** Ends every process that was started; safe to call twice. A process that dies without calling it leaves nothing running either. */
  stop: () => Promise<void>;
}

/**
 * Starts the whole stack on free ports and resolves when every part is ready.
 *
 * @throws with the last lines of the log of the part that did not become ready; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const begun = Date.now();
  const log = options.log ?? (() => {});
  const tools = await ensureTools(toolsOf(options), { onProgress: log });
  await mkdir(options.dir, { recursive: true });
  const block = await reservePodBlock(options.pods);
  const numbers = await freePorts(portNames.length);
  const port = Object.fromEntries(portNames.map((name, i) => [name, numbers[i]])) as StackContext['port'];
  const info = describe(options, port);
  const procs = new Parts();
  const kube = new Kube(info.kubeUrl, info.kubeToken);
  const { temporalFile = join(options.dir, 'temporal.db') } = options;
  const context: StackContext = { info, procs, kube, tools, port, podCidr: block.cidr, temporalFile };
  const stop = async (): Promise<void> => {
    await procs.stopAll();
    kube.close();
    block.release();
  };
  const step = async (name: string, work: Promise<unknown>): Promise<void> => {
    await work;
    log(`${name} ready after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  };

  try {
    await writeKubeconfig(info);
    await Promise.all([
      step('temporal', startTemporal(context)),
      step('registry', startRegistry(context)),
      step('prometheus', startPrometheus(context)),
      ...(options.cluster === false
        ? []
        : [step('cluster', startCluster(context, step, options.scrape === undefined))]),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...info, info, procs, kube, stop };
}

async function startCluster(
  context: StackContext,
  step: (name: string, work: Promise<unknown>) => Promise<void>,
  withIngress: boolean,
): Promise<void> {
  await step('kube-apiserver', startControlPlane(context));
  await Promise.all([
    step('controllers', startControllers(context)),
    step('node', startNode(context)),
    ...(context.info.pods === 'real' ? [step('kubelet', startKubelet(context))] : []),
    applyDefinitions(context.kube).then(() =>
      withIngress ? step('ingress', startIngress(context)) : undefined,
    ),
  ]);
}

const clusterTools = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;

/** The tools that such a stack needs. */
export function toolsOf({ scrape, cluster }: Pick<StackOptions, 'pods' | 'scrape' | 'cluster'>): ToolName[] {
  const edge = scrape === undefined ? (['contour', 'envoy'] as const) : [];
  return ['temporal', 'registry', 'prometheus', ...(cluster === false ? [] : clusterTools), ...edge];
}

function describe({ dir, pods, scrape }: StackOptions, port: StackContext['port']): StackInfo {
  return {
    dir,
    pods,
    kubeconfig: join(dir, 'kubeconfig'),
    kubeUrl: `https://127.0.0.1:${port.kube}`,
    kubeToken: 'local-admin',
    auditLog: join(dir, 'audit.log'),
    temporal: {
      address: `127.0.0.1:${port.temporal}`,
      ui: `http://127.0.0.1:${port.temporalUi}`,
      namespace: 'default',
    },
    prometheus: `http://127.0.0.1:${port.prometheus}`,
    registry: `127.0.0.1:${port.registry}`,
    ingress: `http://127.0.0.1:${port.ingress}`,
    ingressTls: `https://127.0.0.1:${port.ingressTls}`,
    gateway: { namespace: 'projectcontour', name: 'edge' },
    envoyStats:
      scrape === undefined ? `http://127.0.0.1:${port.envoyAdmin}/stats/prometheus` : `http://${scrape}/`,
  };
}
