/**
 * The stand-in for kubelet and container runtime on the one node: makes scheduled pods really pull their image and answer HTTP on
 * an address of their own. A process of its own; its configuration is JSON in `SLUICE_KUBELET`.
 */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Kube, KubeError, type KubeList } from './kube.js';
import { PodAddresses } from './kubelet/addresses.js';
import { isRouted } from './kubelet/envoy.js';
import { PodWorker, type WorkerOptions } from './kubelet/pod-worker.js';
import type { Pod } from './kubelet/pod.js';

export interface KubeletConfig {
  kubeUrl: string;
  kubeToken: string;
  nodeName: string;
  podCidr: string;
  /** Envoy, through which pods call each other by host name. */
  ingress: string;
  /** Envoy's admin page. */
  envoyAdmin: string;
  healthPort: number;
}

const config = JSON.parse(process.env.SLUICE_KUBELET ?? '') as KubeletConfig;
const kube = new Kube(config.kubeUrl, config.kubeToken);
const workers = new Map<string, PodWorker>();
const options: WorkerOptions = {
  kube,
  addresses: new PodAddresses(config.podCidr),
  ingress: config.ingress,
  isRouted: (address) => isRouted(config.envoyAdmin, address),
  log: (message, pod, detail) => {
    const { namespace, name } = pod.metadata;
    console.log(
      JSON.stringify({ time: new Date().toISOString(), message, pod: `${namespace}/${name}`, detail }),
    );
  },
};
const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${config.nodeName}`;

function seen(pod: Pod): void {
  const worker = workers.get(pod.metadata.uid);
  if (worker) return worker.update(pod);
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
  workers.set(pod.metadata.uid, new PodWorker(options, pod));
}

function gone(uid: string): void {
  workers.get(uid)?.end();
  workers.delete(uid);
}

/** Lists, then watches until the watch ends. */
async function follow(listed: () => void): Promise<void> {
  const list = await kube.get<KubeList<Pod>>(path);
  const present = new Set(list.items.map((pod) => pod.metadata.uid));
  for (const uid of workers.keys()) if (!present.has(uid)) gone(uid);
  // Addresses that pods have must be kept before new ones are given.
  for (const pod of [...list.items].sort((a, b) => Number(!a.status?.podIP) - Number(!b.status?.podIP)))
    seen(pod);
  listed();
  for await (const { type, object } of kube.watch<Pod>(
    path,
    list.metadata.resourceVersion,
    new AbortController().signal,
  )) {
    if (type === 'ADDED' || type === 'MODIFIED') seen(object);
    if (type === 'DELETED') gone(object.metadata.uid);
    if (type === 'ERROR') throw new KubeError(410, JSON.stringify(object));
  }
}

let ready = false;
createServer((_, response) => {
  response.statusCode = ready ? 200 : 503;
  response.end(ready ? 'ok' : 'the pods are not listed yet');
}).listen(config.healthPort, '127.0.0.1');

for (;;) {
  await follow(() => (ready = true)).catch((error: unknown) => console.log(`watch ended: ${String(error)}`));
  await delay(100);
}
