import { Kube, type KubeObject } from './kube.js';

/** Where objects of a kind live: group, plural and whether they have a namespace. */
const kinds: Record<string, { plural: string; cluster?: true }> = {
  Namespace: { plural: 'namespaces', cluster: true },
  Node: { plural: 'nodes', cluster: true },
  ConfigMap: { plural: 'configmaps' },
  Secret: { plural: 'secrets' },
  Service: { plural: 'services' },
  ServiceAccount: { plural: 'serviceaccounts' },
  Pod: { plural: 'pods' },
  Deployment: { plural: 'deployments' },
  StatefulSet: { plural: 'statefulsets' },
  Job: { plural: 'jobs' },
  EndpointSlice: { plural: 'endpointslices' },
  Ingress: { plural: 'ingresses' },
  NetworkPolicy: { plural: 'networkpolicies' },
  HorizontalPodAutoscaler: { plural: 'horizontalpodautoscalers' },
  GatewayClass: { plural: 'gatewayclasses', cluster: true },
  Gateway: { plural: 'gateways' },
  HTTPRoute: { plural: 'httproutes' },
  ReferenceGrant: { plural: 'referencegrants' },
  HTTPProxy: { plural: 'httpproxies' },
  VirtualService: { plural: 'virtualservices' },
  DestinationRule: { plural: 'destinationrules' },
};

/** Path of an object in the API server; without `metadata.namespace` that of namespace `default`. */
export function pathOf({
  apiVersion,
  kind,
  metadata,
}: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): string {
  const entry = kinds[kind];
  if (!entry) throw new Error(`unknown kind ${kind}; known: ${Object.keys(kinds).join(', ')}`);
  const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const scope = entry.cluster ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  return `${base}${scope}/${entry.plural}/${metadata.name}`;
}

/** An API server and the token for it, as a `StackInfo` holds them. */
export interface KubeAddress {
  kubeUrl: string;
  kubeToken: string;
}

/** Applies objects in their order, server-side, as field manager `local`, taking over the fields of others. */
export async function applyObjects(target: Kube | KubeAddress, objects: readonly object[]): Promise<void> {
  const kube = target instanceof Kube ? target : new Kube(target.kubeUrl, target.kubeToken);
  for (const object of objects as KubeObject[]) {
    await kube.patch(`${pathOf(object)}?fieldManager=local&force=true`, 'apply', object);
  }
  if (kube !== target) kube.close();
}
