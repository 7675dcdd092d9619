/** What pre-flight asks of an Ingress; changes nothing. */
import { failure, type Failure } from '../../../domain/failures.js';
import type { IngressTarget } from '../../../domain/traffic.js';
import type { Cluster } from '../../kubernetes/client.js';
import { KubeError } from '../../kubernetes/kube-error.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { resources } from '../../kubernetes/resources.js';
import { objectOf, textOf } from '../json.js';
import { namesOf } from './canaries.js';
import { controllers } from './controllers.js';
import { isMade } from './note.js';
import { ingressProblemsOf } from './problems.js';

const { ingresses } = resources;
const { kind } = ingresses;

/** Everything that keeps the Ingress from having a canary. Throws what Kubernetes answered (KubeError). */
export async function ingressProblems(
  cluster: Cluster,
  route: IngressTarget,
  signal?: AbortSignal,
): Promise<readonly Failure[]> {
  const { namespace, route: name } = route;
  const { items } = await cluster.list(ingresses, namespace, {}, signal);
  const stable = items.find((one) => one.metadata.name === name);
  if (stable === undefined) return [failure('route_unknown', { kind, route: name, namespace })];
  const names = namesOf(route);
  const taken = items
    .map((one) => ({ name: one.metadata.name, isTaken: !isMade(one) }))
    .filter((one) => one.isTaken && names.includes(one.name))
    .map((one) => failure('gray_name_taken', { kind, name: one.name, namespace }));
  const why = [
    ...ingressProblemsOf(stable, items, route),
    ...(await classProblems(cluster, stable, route, signal)),
  ];
  return [
    ...taken,
    ...(why.length === 0 ? [] : [failure('route_unfit', { kind, route: name, why: why.join(' ') })]),
  ];
}

/** Classes belong to the whole cluster: a worker that may not read them takes the application's word. */
async function classProblems(
  cluster: Cluster,
  stable: KubeObject,
  { controller }: IngressTarget,
  signal?: AbortSignal,
): Promise<string[]> {
  const name = textOf(objectOf(stable['spec'])?.['ingressClassName']);
  if (name === null) return [];
  try {
    const found = await cluster.call('GET', `/apis/networking.k8s.io/v1/ingressclasses/${name}`, { signal });
    const served = textOf(objectOf(found['spec'])?.['controller']);
    const { className } = controllers[controller];
    if (served === null || served === className) return [];
    return [
      `its class "${name}" is served by ${served}, and traffic.controller ${controller} is ${className}; correct one of the two.`,
    ];
  } catch (error) {
    if (error instanceof KubeError && (error.status === 403 || error.status === 404)) return [];
    throw error;
  }
}
