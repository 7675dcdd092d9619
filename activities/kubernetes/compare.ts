/** How stable differs from what is declared of it, as the API server itself tells. */
import { workloadSettings } from '../../domain/application.js';
import { maskText } from '../../domain/mask.js';
import { describe } from '../failure.js';
import { scalesDeployment } from './autoscalers.js';
import type { Cluster } from './client.js';
import { applicable, driftOf } from './declared.js';
import { KubeError } from './kube-error.js';
import { containerName, manifestProblems } from './manifest.js';
import type { Deployment, KubeObject } from './objects.js';
import type { Findings, Lookout } from './observation.js';
import { resources } from './resources.js';

/** Not a release's manager: what Sluice itself has set is compared as well. */
const comparing = { manager: 'sluice-compare', timeoutMs: 3_000 } as const;

/** By a server-side apply that is a dry run: the API server knows which defaults it would add. Whatever keeps it from that stops no release. */
export async function compared(
  cluster: Cluster,
  { application, environment, deployment, namespace }: Lookout,
  stable: Deployment | null,
  autoscalers: readonly KubeObject[] | null,
): Promise<Pick<Findings, 'declared'>> {
  const { manifest, container: declared } = workloadSettings(application, environment);
  if (stable === null || manifest === undefined) return {};
  const place = { deployment, namespace, container: declared ?? null, application: application.name };
  const container = containerName(stable, place);
  // A manifest that fits nothing is told where it matters, at a first release.
  if (typeof container !== 'string' || manifestProblems(manifest, place).length > 0) return {};
  const isScaled = (autoscalers ?? []).some((a) => scalesDeployment(a, deployment));
  try {
    const would = await cluster.dryApply(
      resources.deployments,
      applicable(stable, { manifest, container, isScaled }),
      comparing,
    );
    return { declared: { drift: driftOf(stable, would) } };
  } catch (error) {
    // The missing right is reported by itself.
    if (error instanceof KubeError && error.status === 403) return {};
    return { declared: { unknown: maskText(describe(error)) } };
  }
}
