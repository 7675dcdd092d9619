import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { KubeError, type KubeObject } from '../kube.js';
import { until } from '../parts.js';
import { scriptArgs } from '../script.js';
import { ensureDocuments } from '../tools/files.js';
import { answers, type StackContext } from './context.js';
import { flags } from './flags.js';

const nodeName = 'node-0';
const capacity = { cpu: '64', memory: '256Gi', pods: '4000' };
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: nodeName,
    labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': nodeName },
    annotations: { 'kwok.x-k8s.io/node': 'fake' },
  },
  status: { allocatable: capacity, capacity },
};

/**
 * Starts kwok, which keeps the one node alive. It runs the pods too where they are simulated; with real pods it has no stages
 * for them, so that it never writes what our kubelet writes.
 */
export async function startNode({ info, procs, kube, tools, port, podCidr }: StackContext): Promise<void> {
  const nodeStages = ['kwok-node-initialize', 'kwok-node-heartbeat'] as const;
  const podStages = ['kwok-pod-ready', 'kwok-pod-complete', 'kwok-pod-delete'] as const;
  const names = info.pods === 'simulated' ? [...nodeStages, ...podStages] : nodeStages;
  const stages = (await Promise.all(names.map((name) => ensureDocuments(name)))).flat();
  const config = join(info.dir, 'kwok.yaml');
  await writeFile(config, stages.map((stage) => stringify(stage)).join('---\n'));
  await kube.create('/api/v1/nodes', node).catch((error: KubeError) => {
    if (error.status !== 409) throw error;
  });
  await procs.add('kwok', {
    command: tools.kwok,
    args: flags({
      kubeconfig: info.kubeconfig,
      config,
      'manage-all-nodes': true,
      'node-lease-duration-seconds': 40,
      cidr: podCidr,
      'node-ip': '127.0.0.1',
      'server-address': `127.0.0.1:${port.kwok}`,
    }),
    log: join(info.dir, 'kwok.log'),
    ready: () => answers(`http://127.0.0.1:${port.kwok}/healthz`),
  });
  await until('the node is ready and takes pods', async () => {
    const { spec, status } = await kube.get<NodeObject>(`/api/v1/nodes/${nodeName}`);
    const ready = status.conditions?.find((condition) => condition.type === 'Ready');
    if (ready?.status !== 'True' || spec.taints?.length)
      throw new Error(JSON.stringify({ ready, taints: spec.taints }));
  });
}

interface NodeObject extends KubeObject {
  spec: { taints?: unknown[] };
  status: { conditions?: { type: string; status: string }[] };
}

/** Starts the stand-in for kubelet and container runtime as a process of its own, so that it can be killed like one. */
export async function startKubelet({ info, procs, port, podCidr }: StackContext): Promise<void> {
  const script = fileURLToPath(new URL(`../kubelet${extname(import.meta.url)}`, import.meta.url));
  const config = {
    kubeUrl: info.kubeUrl,
    kubeToken: info.kubeToken,
    nodeName,
    podCidr,
    ingress: info.ingress,
    envoyAdmin: new URL(info.envoyStats).origin,
    healthPort: port.kubelet,
  };
  await procs.add('kubelet', {
    command: process.execPath,
    args: scriptArgs(script),
    env: { SLUICE_KUBELET: JSON.stringify(config) },
    log: join(info.dir, 'kubelet.log'),
    ready: () => answers(`http://127.0.0.1:${port.kubelet}/healthz`),
  });
}
