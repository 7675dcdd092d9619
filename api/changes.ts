/** What a plan would change in the clusters, in words. */
import type { Plan } from '../domain/plan.js';
import type { Stage } from '../domain/stage.js';
import type { Edge, Routed, Target } from '../domain/target.js';
import type { RouterName } from '../domain/traffic.js';

const routeKinds: Readonly<Record<RouterName, string>> = {
  'gateway-api': 'HTTPRoute',
  contour: 'HTTPProxy',
  'contour-include': 'HTTPProxy',
  istio: 'VirtualService',
  ingress: 'Ingress',
};

export function changesOf(plan: Plan): string[] {
  // Without steps: a rollback to what runs there already.
  return plan.stages
    .filter((stage) => stage.steps.length > 0)
    .flatMap((stage) => [
      ...stage.targets.flatMap((target) => changesOfTarget(stage, target)),
      ...(stage.edges ?? []).map((edge) => changeAtEdge(stage, edge)),
    ]);
}

const placeOf = ({ environment, namespace, cluster }: Routed): string =>
  `${environment}: namespace ${namespace}${cluster === 'default' ? '' : ` of cluster ${cluster}`}`;

const tagsIn = ({ steps }: Stage): string[] =>
  steps.flatMap((step) => (step.kind === 'tag' ? [`${step.tag.header}: ${step.tag.value}`] : []));
const weightsIn = ({ steps }: Stage): string[] =>
  steps.flatMap((step) => (step.kind === 'weight' ? [`${step.weight} %`] : []));

function changeAtEdge(stage: Stage, edge: Edge): string {
  const { router, route } = edge.route;
  const rules = weightsIn(stage).join(', then ');
  return `${placeOf(edge)}: ${routeKinds[router]} ${route}: ${tagsIn(stage).join(', ')} kept, and given to ${rules} of all, restored after it`;
}

function changesOfTarget(stage: Stage, target: Target): string[] {
  const where = placeOf(target);
  const lasting = `${where}: Deployment ${target.deployment}: ${stableChange(target)}`;
  switch (target.strategy) {
    case 'first':
    case 'rolling':
      return target.batches === undefined ? [lasting] : [`${where}: ${batchChange(target)}`, lasting];
    case 'gray':
    case 'canary':
    case 'blue-green': {
      const weights = target.inner === true ? [] : weightsIn(stage);
      const rules = [
        ...tagsIn(stage).map((tag) => `requests with ${tag}`),
        ...weights.map((weight) => `then ${weight} of all`),
      ].join(', ');
      return [
        `${where}: ${madeBy(target)} ${target.gray}: made for the release, removed after it`,
        ...(target.route === null
          ? []
          : [
              target.route.router === 'ingress'
                ? `${where}: Ingress ${target.gray}: ${rules} to ${target.gray} beside Ingress ${target.route.route}, removed after it`
                : `${where}: ${routeKinds[target.route.router]} ${target.route.route}: ${rules} to ${target.gray}, restored after it`,
            ]),
        lasting,
      ];
    }
  }
}

const batchChange = ({ gray, deployment, batches = [], stableReplicas }: Target): string =>
  `Deployment ${gray}: made for the release with ${batches.join(', ')} of ${stableReplicas} pods, while ${deployment} has the rest; removed after it`;

const madeBy = ({ route }: Target): string =>
  route?.include === undefined ? 'Deployment and Service' : 'Deployment, Service and HTTPProxy';

function stableChange({ stableImage, image, manifest, container }: Target): string {
  if (manifest !== null) return `created with image ${image.reference}`;
  if (stableImage === image.reference) return 'unchanged, it has this image already';
  return `image of container ${container} from ${stableImage ?? 'unknown'} to ${image.reference}`;
}
