/** What a Service says of its pods: the cluster tells of it some time after the Deployment's status does, and a release goes by it. */
import { countReady } from '../../activities/traffic/endpoints.js';
import type { KubeObject } from '../../infra/local/kube.js';
import type { World } from './world.js';

/** How many pods of a Service may get requests. */
export async function readyEndpoints(
  { kube, namespace }: Pick<World, 'kube' | 'namespace'>,
  service: string,
): Promise<number> {
  const selector = `labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${selector}`;
  return countReady((await kube.get<{ items: KubeObject[] }>(path)).items, service);
}
