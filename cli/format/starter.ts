/** The application that `sluice init` writes: it can be applied as it is, and says what may be changed. Pure. */
import { isWhole, type RouterName } from '../../domain/traffic.js';

export interface StarterOptions {
  readonly name: string;
  readonly image: string;
  readonly router: RouterName;
}

const routes: Readonly<Record<RouterName, string>> = {
  'gateway-api': 'HTTPRoute',
  contour: 'HTTPProxy',
  'contour-include': 'root HTTPProxy',
  istio: 'VirtualService',
  ingress: 'Ingress',
};

const controller = `  # Who serves the Ingress: nginx, higress, mse or alb.
  controller: nginx
`;

const measured = `  # What is measured while a weight is held. Needs a Prometheus: SLUICE_PROMETHEUS_URL of the worker, or analysis.prometheus.
  # Without metrics, say so: "analysis: null" only waits at each weight.
  analysis:
    metrics:
      # Percent of failed requests on gray.
      - { name: errors, builtin: error-rate, max: 1 }
      # Milliseconds.
      - { name: latency, builtin: latency-p99, max: 500 }
    interval: 10s
    window: 1m
`;

const unmeasured = `  # What is measured while a weight is held: queries of your own. null only waits at each weight.
  analysis: null
`;

const steps = `  steps:
    - { weight: 10, hold: 2m }
    - { weight: 50, hold: 2m }
    - { weight: 100, hold: 1m }
`;
const undoWindow = `  # How long the old version is kept after the switch, one write away.
  undoWindow: 10m
`;
const include = (name: string): string => `  # routeNamespace: edge
  # The HTTPProxy beside the Service that the root includes.
  include: ${name}-proxy
`;

export function starter({ name, image, router }: StarterOptions): string {
  return `# An application for Sluice. Declare it: sluice apply -f <this file>
name: ${name}
# Repository without tag; the version comes with each release: sluice release ${name}@TAG
image: ${image}

# The Deployment that is released; default: named like the application.
# workload:
#   name: ${name}
#   container: ${name}

# What it reads from message queues besides; without a word a lane of several applications is not verified.
# consumers: none

traffic:
  router: ${router}
${router === 'ingress' ? controller : ''}  # The ${routes[router]} that sends requests to the Service. Both default to the application's name.
  route: ${name}
${isWhole(router) ? include(name) : ''}  service: ${name}
  port: 80
  # Where requests enter. With it, each release asks both versions through the real entry before anybody is let on.
  # entry: http://shop.example/

release:
  # gray: tagged requests first, then weights; canary: weights only; blue-green: tagged requests first, then all at once;
  # rolling: the Deployment's own update.
  strategy: ${isWhole(router) ? 'blue-green' : 'gray'}
  # Requests with this header reach the new version before anybody else.
  tag:
    header: x-lane
    value: gray
${isWhole(router) ? undoWindow : steps}  approval:
    # false: fully automatic.
    required: true
    quorum: 1
    separationOfDuties: false
    deadline: 24h
${router === 'ingress' ? unmeasured : measured}
# Released in this order; each may override workload, traffic and release.
environments:
  - name: prod
    type: prod
    namespace: default
`;
}
