/** The one cluster on which every candidate is measured: a real control plane with kwok as the kubelet. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kube, type KubeError } from '../../infra/local/kube.js';
import { Parts } from '../../infra/local/parts.js';
import { freePorts } from '../../infra/local/ports.js';
import { scriptArgs } from '../../infra/local/script.js';
import { answers, portNames, type StackContext, type StackInfo } from '../../infra/local/stack/context.js';
import {
  startControlPlane,
  startControllers,
  writeKubeconfig,
} from '../../infra/local/stack/control-plane.js';
import { applyDefinitions } from '../../infra/local/stack/definitions.js';
import { startRegistry, startTemporal } from '../../infra/local/stack/neighbours.js';
import { startNode } from '../../infra/local/stack/node.js';
import { ensureTools } from '../../infra/local/tools.js';
import type { PeerName } from '../../infra/local/tools/catalogue.js';
import type { FileName } from '../../infra/local/tools/files.js';
import type { Asked } from './prometheus-stub.js';

const tools = [
  ...(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const),
  ...(['temporal', 'registry'] as const),
] as const;

export interface ClusterOptions {
  /** Folder of all state and logs. */
  readonly dir: string;
  readonly peers: readonly PeerName[];
  /** Custom resources of the peers. */
  readonly definitions: readonly FileName[];
  readonly log: (line: string) => void;
}

export class Cluster {
  /** Names of the processes that every candidate needs. */
  private own: readonly string[] = [];

  private constructor(
    readonly info: StackInfo,
    readonly kube: Kube,
    readonly procs: Parts,
    /** Paths of the peers' binaries. */
    readonly peers: Readonly<Partial<Record<PeerName, string>>>,
    private readonly metricsPort: number,
  ) {}

  static async start({ dir, peers, definitions, log }: ClusterOptions): Promise<Cluster> {
    const paths = await ensureTools([...tools, ...peers], { onProgress: log });
    await mkdir(dir, { recursive: true });
    const numbers = await freePorts(portNames.length);
    const port = Object.fromEntries(portNames.map((name, i) => [name, numbers[i]])) as StackContext['port'];
    const info = describe(dir, port);
    const procs = new Parts();
    const kube = new Kube(info.kubeUrl, info.kubeToken);
    const context: StackContext = {
      info,
      procs,
      kube,
      tools: paths as StackContext['tools'],
      port,
      podCidr: '10.244.0.0/16',
    };
    const cluster = new Cluster(info, kube, procs, paths, port.temporalMetrics);
    try {
      await writeKubeconfig(info);
      await Promise.all([
        startTemporal(context),
        startRegistry(context),
        cluster.startPrometheus(port.prometheus),
        startControlPlane(context).then(() =>
          Promise.all([
            startControllers(context),
            startNode(context),
            applyDefinitions(kube, ['istio-crds', ...definitions]),
          ]),
        ),
      ]);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    cluster.own = procs.names;
    return cluster;
  }

  /** Ends every process that a candidate has started, also one that did not become ready. */
  async endCandidate(): Promise<void> {
    const added = this.procs.names.filter((name) => !this.own.includes(name));
    await Promise.all(added.map((name) => this.procs.stop(name)));
  }

  async stop(): Promise<void> {
    await this.procs.stopAll();
    this.kube.close();
  }

  /** Process ids of everything that runs, by name. */
  pids(): Record<string, number> {
    const running = this.procs.names.flatMap((name) => {
      const pid = this.procs.pid(name);
      return pid === undefined ? [] : [[name, pid] as const];
    });
    return { bench: process.pid, ...Object.fromEntries(running) };
  }

  async createNamespace(name: string): Promise<void> {
    await this.kube
      .create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      .catch((error: KubeError) => {
        if (error.status !== 409) throw error;
      });
  }

  // --- the metrics that every candidate asks for ---

  /** What every query answers from now on. */
  async answer(value: number): Promise<void> {
    await fetch(`${this.info.prometheus}/value`, { method: 'PUT', body: String(value) });
  }

  /** How often that value was answered, and when first. */
  async asked(): Promise<Asked> {
    return (await (await fetch(`${this.info.prometheus}/asked`)).json()) as Asked;
  }

  private async startPrometheus(port: number): Promise<void> {
    await this.procs.add('prometheus', {
      command: process.execPath,
      args: scriptArgs(fileURLToPath(new URL('prometheus-stub.ts', import.meta.url))),
      env: { PORT: String(port) },
      log: join(this.info.dir, 'prometheus.log'),
      ready: () => answers(`${this.info.prometheus}/asked`),
    });
  }

  /** Text of the Temporal server's own metrics. */
  async temporalMetrics(): Promise<string> {
    return answers(`http://127.0.0.1:${this.metricsPort}/metrics`);
  }
}

function describe(dir: string, port: StackContext['port']): StackInfo {
  return {
    dir,
    pods: 'simulated',
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
    // No traffic flows: the VirtualServices are only watched.
    ingress: '',
    ingressTls: '',
    gateway: { namespace: '', name: '' },
    envoyStats: '',
  };
}
