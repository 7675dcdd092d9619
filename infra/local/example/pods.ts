/**
 * `pods NAMESPACE COLUMN...`: what the pods of a namespace have, each row once. A column is a label, as in `kubectl get pods -L LABEL`, or
 * `env:NAME`, a variable of the first container; `-` where there is none. Pods that are on their way out are left out.
 */
import { Kube, type KubeList } from '../kube.js';
import type { Pod } from '../kubelet/pod.js';

const [namespace = '', ...columns] = process.argv.slice(2);
const { KUBE_URL = '', KUBE_TOKEN = '' } = process.env;

const kube = new Kube(KUBE_URL, KUBE_TOKEN);
const { items } = await kube.get<KubeList<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
kube.close();
const rows = items
  .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  .map((pod) => columns.map((column) => valueIn(pod, column) ?? '-').join(' '));
console.log([...new Set(rows)].toSorted().join(', '));

function valueIn({ metadata: { labels }, spec }: Pod, column: string): string | undefined {
  if (!column.startsWith('env:')) return labels?.[column];
  return spec.containers[0]?.env?.find(({ name }) => `env:${name}` === column)?.value;
}
