/** Custom resources of neighbours that the stack does not have, with as little of a schema as an API server takes. */
import type { Kube } from '../../infra/local/kube.js';
import { eventually } from './eventually.js';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Defines kinds of `monitoring.coreos.com/v1`, once for the whole stack; resolves when they are served. */
export async function defineMonitors(kube: Kube): Promise<void> {
  const group = 'monitoring.coreos.com';
  for (const kind of ['ServiceMonitor', 'PodMonitor']) {
    const singular = kind.toLowerCase();
    const plural = `${singular}s`;
    const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: anything } };
    await kube.create(crds, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: { group, scope: 'Namespaced', names: { kind, plural, singular }, versions: [version] },
    });
    await eventually(`${plural} to be served`, () => kube.get(`/apis/${group}/v1/${plural}`));
  }
}
