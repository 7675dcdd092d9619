/** What a plan would change in the clusters, in words. */
import type { Plan, Stage, Target } from '../domain/plan.js';
import type { RouterKind } from '../domain/traffic.js';

const routeKinds: Readonly<Record<RouterKind, string>> = {
  'gateway-api': 'HTTPRoute',
  contour: 'HTTPProxy',
  istio: 'VirtualService',
};

export function changesOf(plan: Plan): string[] {
  return plan.stages.flatMap((stage) => stage.targets.flatMap((target) => changesOfTarget(stage, target)));
}

function changesOfTarget(stage: Stage, target: Target): string[] {
  const where = `${stage.environment}: namespace ${target.namespace}${target.cluster === 'default' ? '' : ` of cluster ${target.cluster}`}`;
  // A rollback to what runs there already.
  if (stage.steps.length === 0) return [];
  const lasting = `${where}: Deployment ${target.deployment}: ${stableChange(target)}`;
  switch (target.strategy) {
    case 'first':
    case 'rolling':
      return [lasting];
    case 'gray':
    case 'canary': {
      const weights = stage.steps.flatMap((step) =>
        step.kind === 'weight' && target.inner !== true ? [`${step.weight} %`] : [],
      );
      const tag = stage.steps.flatMap((step) =>
        step.kind === 'tag' ? [`${step.tag.header}: ${step.tag.value}`] : [],
      );
      const rules = [...tag.map((t) => `requests with ${t}`), ...weights.map((w) => `then ${w} of all`)].join(
        ', ',
      );
      return [
        `${where}: Deployment and Service ${target.gray}: made for the release, removed after it`,
        ...(target.route === null
          ? []
          : [
              `${where}: ${routeKinds[target.route.router]} ${target.route.route}: ${rules} to ${target.gray}, restored after it`,
            ]),
        lasting,
      ];
    }
  }
}

function stableChange({ stableImage, image, manifest, container }: Target): string {
  if (manifest !== null) return `created with image ${image.reference}`;
  if (stableImage === image.reference) return 'unchanged, it has this image already';
  return `image of container ${container} from ${stableImage ?? 'unknown'} to ${image.reference}`;
}
