/** The user's own objects as bytes, without what the API server itself counts up: for P9 and P13. */
import { pathOf } from '../../infra/local/apply.js';
import { KubeError, type Kube, type KubeObject } from '../../infra/local/kube.js';

export type Snapshot = Readonly<Record<string, string>>;

/** Everything but status and what every write changes: resourceVersion, generation, managedFields, the rollout's revision. */
export function bytesOf(object: KubeObject): string {
  const { status: _status, metadata, ...rest } = object as KubeObject & { status?: unknown };
  const {
    resourceVersion: _v,
    generation: _g,
    managedFields: _m,
    ...own
  } = metadata as Record<string, unknown>;
  const annotations = { ...(own['annotations'] as Record<string, string> | undefined) };
  delete annotations['deployment.kubernetes.io/revision'];
  return JSON.stringify({ ...rest, metadata: { ...own, annotations } });
}

export async function snapshot(
  kube: Kube,
  objects: readonly Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>[],
): Promise<Snapshot> {
  const entries = await Promise.all(
    objects.map(async (o) => [`${o.kind}/${o.metadata.name}`, bytesOf(await kube.get(pathOf(o)))] as const),
  );
  return Object.fromEntries(entries);
}

/** The same snapshot with another image in it. */
export function withImage(taken: Snapshot, from: string, to: string): Snapshot {
  return Object.fromEntries(
    Object.entries(taken).map(([name, bytes]) => [name, bytes.replaceAll(`"${from}"`, `"${to}"`)]),
  );
}

/** Everything in the namespace that carries a label of Sluice: nothing, once a release has ended. */
export async function leftovers(kube: Kube, namespace: string): Promise<string[]> {
  const kinds = [
    ['apps/v1', 'deployments'],
    ['apps/v1', 'replicasets'],
    ['networking.k8s.io/v1', 'networkpolicies'],
    ['v1', 'services'],
    ['v1', 'pods'],
    ['networking.k8s.io/v1', 'ingresses'],
    ['projectcontour.io/v1', 'httpproxies'],
  ] as const;
  const found = await Promise.all(
    kinds.map(async ([group, plural]) => {
      const base = group === 'v1' ? '/api/v1' : `/apis/${group}`;
      const selector = encodeURIComponent('sluice.dev/lane');
      const path = `${base}/namespaces/${namespace}/${plural}?labelSelector=${selector}`;
      const list = await kube.get<{ items: KubeObject[] }>(path).catch((error: unknown) => {
        // A cluster without Contour has no such kind.
        if (plural === 'httpproxies' && error instanceof KubeError && error.status === 404)
          return { items: [] };
        throw error;
      });
      return list.items.map((o) => `${plural}/${o.metadata.name}`);
    }),
  );
  return found.flat();
}
