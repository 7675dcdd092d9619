import type { Kube, KubeObject } from '../kube.js';
import { until } from '../parts.js';
import { ensureDocuments, type FileName } from '../tools/files.js';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const routing = ['gateway-api-crds', 'contour-crds', 'istio-crds'] as const;

/**
 * Creates the custom resources that are not there yet, and waits until they are served.
 *
 * @param files default: those of Gateway API, Contour and Istio
 */
export async function applyDefinitions(kube: Kube, files: readonly FileName[] = routing): Promise<void> {
  const lists = await Promise.all(files.map((name) => ensureDocuments(name)));
  const definitions = lists.flat() as KubeObject[];
  const present = await kube.get<{ items: KubeObject[] }>(crds);
  const names = new Set(present.items.map((item) => item.metadata.name));
  await Promise.all(
    definitions.filter((one) => !names.has(one.metadata.name)).map((one) => kube.create(crds, one)),
  );
  await until('every custom resource is established', async () => {
    const { items } = await kube.get<{ items: CustomResourceDefinition[] }>(`${crds}?resourceVersion=0`);
    const open = items.filter((item) => !isEstablished(item)).map((item) => item.metadata.name);
    if (items.length < definitions.length || open.length > 0) throw new Error(`not yet: ${open.join(', ')}`);
  });
}

interface CustomResourceDefinition extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') ?? false;
}
