import { KubeError, type Kube } from '../kube.js';
import type { Container, EnvVar, OptionalRef, Pod } from './pod.js';

/**
 * Environment of a container: `envFrom`, then `env`, from literals, ConfigMaps, Secrets and fields of the pod.
 *
 * @throws naming the ConfigMap, Secret or key that is missing and not optional
 */
export async function containerEnv(
  kube: Kube,
  pod: Pod,
  container: Container,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? await readData(kube, pod, 'configmaps', configMapRef)
      : secretRef && (await readData(kube, pod, 'secrets', secretRef));
    for (const [key, value] of Object.entries(data ?? {})) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(kube, pod, variable);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function valueOf(kube: Kube, pod: Pod, { value, valueFrom }: EnvVar): Promise<string | undefined> {
  if (valueFrom?.configMapKeyRef) return readKey(kube, pod, 'configmaps', valueFrom.configMapKeyRef);
  if (valueFrom?.secretKeyRef) return readKey(kube, pod, 'secrets', valueFrom.secretKeyRef);
  if (valueFrom?.fieldRef) return fieldOf(pod, valueFrom.fieldRef.fieldPath);
  return value ?? '';
}

type Source = 'configmaps' | 'secrets';
/** As the kubelet calls them. */
const words = {
  configmaps: { one: 'configmap', kind: 'ConfigMap' },
  secrets: { one: 'secret', kind: 'Secret' },
} as const;

async function readKey(
  kube: Kube,
  pod: Pod,
  source: Source,
  ref: OptionalRef & { key: string },
): Promise<string | undefined> {
  const value = (await readData(kube, pod, source, ref))?.[ref.key];
  if (value === undefined && !ref.optional)
    throw new Error(
      `couldn't find key ${ref.key} in ${words[source].kind} ${pod.metadata.namespace}/${ref.name}`,
    );
  return value;
}

async function readData(
  kube: Kube,
  pod: Pod,
  source: Source,
  { name, optional }: OptionalRef,
): Promise<Record<string, string> | undefined> {
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/${source}/${name}`;
  try {
    const { data = {} } = await kube.get<{ data?: Record<string, string> }>(path);
    if (source === 'configmaps') return data;
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 404)) throw error;
    if (optional) return undefined;
    throw new Error(`${words[source].one} "${name}" not found`, { cause: error });
  }
}

function fieldOf(pod: Pod, path: string): string {
  const label = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (label) return pod.metadata[label[1] as 'labels' | 'annotations']?.[label[2]!] ?? '';
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'status.podIP': pod.status?.podIP,
  };
  if (!(path in fields)) throw new Error(`unknown field ${path}; known: ${Object.keys(fields).join(', ')}`);
  return fields[path] ?? '';
}
