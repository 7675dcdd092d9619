/** The Deployment that a first release creates, from the application's manifest. Pure. */
import { releasedContainer } from '../../domain/declared.js';
import { failure, type Failure } from '../../domain/failures.js';
import { labels as ours } from '../../domain/ids.js';
import { containersOf, type Deployment } from './objects.js';

export interface ManifestPlace {
  readonly deployment: string;
  readonly namespace: string;
  /** Null: the only container, else the one named like the application. */
  readonly container: string | null;
  readonly application: string;
}

/** What keeps the manifest from being created; empty when it fits. */
export function manifestProblems(
  manifest: Readonly<Record<string, unknown>>,
  place: ManifestPlace,
): Failure[] {
  const invalid = (what: string, remedy: string): Failure[] => [
    failure('invalid_field', { what: `workload.manifest ${what}`, remedy }, '/workload/manifest'),
  ];
  const { kind, apiVersion } = manifest;
  if (kind !== 'Deployment' || (apiVersion !== undefined && apiVersion !== 'apps/v1')) {
    const seen = `${text(apiVersion)} ${text(kind)}`;
    return invalid(`is a ${seen}, not an apps/v1 Deployment.`, 'Give a whole apps/v1 Deployment.');
  }
  const { name, namespace } = (manifest['metadata'] ?? {}) as { name?: unknown; namespace?: unknown };
  const deployment = manifest as unknown as Deployment;
  if (typeof deployment.spec?.template !== 'object') {
    return invalid('has no spec.template.', 'Give a whole apps/v1 Deployment.');
  }
  const wrongName =
    name !== undefined && name !== place.deployment
      ? invalid(
          `is named "${text(name)}", but the workload is "${place.deployment}".`,
          'Correct metadata.name or workload.name.',
        )
      : [];
  const wrongNamespace =
    namespace !== undefined && namespace !== place.namespace
      ? invalid(
          `names namespace "${text(namespace)}", but the environment is in "${place.namespace}".`,
          'Leave metadata.namespace out; the environment decides.',
        )
      : [];
  const container = containerName(deployment, place);
  return [...wrongName, ...wrongNamespace, ...(typeof container === 'string' ? [] : [container])];
}

/** The manifest as it is created: in the environment's namespace, with the released image, marked with the release that made it. */
export function manifestDeployment(
  manifest: Readonly<Record<string, unknown>>,
  place: ManifestPlace & { readonly container: string },
  image: string,
  release: string,
): Deployment {
  const deployment = manifest as unknown as Deployment;
  const { metadata, spec } = deployment;
  const containers = containersOf(deployment).map((c) => (c.name === place.container ? { ...c, image } : c));
  return {
    ...deployment,
    apiVersion: 'apps/v1',
    metadata: {
      ...metadata,
      name: place.deployment,
      namespace: place.namespace,
      annotations: { ...metadata?.annotations, [ours.release]: release },
    },
    spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } },
  };
}

/** The container whose image is released, where the Deployment has it. */
export function containerName(
  deployment: Deployment,
  { container, application, deployment: workload }: Omit<ManifestPlace, 'namespace'>,
): string | Failure {
  const known = containersOf(deployment).map((c) => c.name);
  const wanted = releasedContainer(known, { container, application });
  return known.includes(wanted)
    ? wanted
    : failure('container_unknown', { container: wanted, workload, known }, '/workload/container');
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
