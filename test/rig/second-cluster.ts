/** A second control plane beside the shared stack: a real API server and its controllers; that pods run is what kwok says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kube } from '../../infra/local/kube.js';
import { Parts } from '../../infra/local/parts.js';
import { freePorts } from '../../infra/local/ports.js';
import type { StackInfo } from '../../infra/local/stack.js';
import { portNames, type StackContext } from '../../infra/local/stack/context.js';
import {
  startControlPlane,
  startControllers,
  writeKubeconfig,
} from '../../infra/local/stack/control-plane.js';
import { applyDefinitions } from '../../infra/local/stack/definitions.js';
import { startNode } from '../../infra/local/stack/node.js';
import { reservePodBlock } from '../../infra/local/stack/pod-block.js';
import { ensureTools } from '../../infra/local/tools.js';

const parts = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;

export interface SecondCluster {
  readonly info: StackInfo;
  readonly kube: Kube;
  readonly stop: () => Promise<void>;
}

/** With credentials of its own: those of the shared stack are worth nothing here, and the other way round. Serves VirtualServices. */
export async function startSecondCluster(stack: StackInfo): Promise<SecondCluster> {
  const tools = (await ensureTools(parts, { onProgress: () => undefined })) as StackContext['tools'];
  const dir = mkdtempSync(join(tmpdir(), 'sluice-second-cluster-'));
  const numbers = await freePorts(portNames.length);
  const port = Object.fromEntries(portNames.map((name, i) => [name, numbers[i]])) as StackContext['port'];
  const info: StackInfo = {
    ...stack,
    dir,
    pods: 'simulated',
    kubeconfig: join(dir, 'kubeconfig'),
    kubeUrl: `https://127.0.0.1:${port.kube}`,
    kubeToken: 'second-admin',
    auditLog: join(dir, 'audit.log'),
  };
  const block = await reservePodBlock('simulated');
  const procs = new Parts();
  const kube = new Kube(info.kubeUrl, info.kubeToken);
  const stop = async (): Promise<void> => {
    await procs.stopAll();
    kube.close();
    block.release();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await writeKubeconfig(info);
    const context: StackContext = { info, procs, kube, tools, port, podCidr: block.cidr };
    await startControlPlane(context);
    await Promise.all([
      startControllers(context),
      startNode(context),
      applyDefinitions(kube, ['istio-crds']),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { info, kube, stop };
}
