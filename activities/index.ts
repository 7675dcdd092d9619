/** Everything that workflows may ask of the world, put together for one worker. */
import type { Activities } from './contract.js';
import { diagnosisActivities } from './diagnosis/diagnose.js';
import type { Cluster } from './kubernetes/client.js';
import { grayGone } from './kubernetes/gray-gone.js';
import { leftoverActivities } from './kubernetes/leftovers.js';
import { observeActivities } from './kubernetes/observe.js';
import { strayActivities } from './kubernetes/strays.js';
import { surveyActivities } from './kubernetes/survey.js';
import { workloadActivities } from './kubernetes/workload.js';
import { metricsActivities } from './metrics/analyse.js';
import { quietOf } from './metrics/gray-quiet.js';
import { probeActivities } from './probe.js';
import { registryActivities } from './registry/resolve.js';
import { lookAtRoute, trafficActivities } from './traffic/activities.js';
import { allToStable } from './traffic/routes.js';

export interface ActivityDeps {
  /** The clusters that this worker serves; throws `cluster_unknown`. */
  readonly clusters: (name: string) => Cluster;
  /** Where an analysis names no Prometheus of its own; null: it must. */
  readonly prometheusUrl: string | null;
  readonly prometheusTokenFile: string | null;
  readonly dockerConfig: string | null;
  readonly insecureRegistries: readonly string[];
}

export function createActivities(deps: ActivityDeps): Activities {
  return {
    ...registryActivities(deps),
    ...observeActivities({ clusters: deps.clusters, lookAtRoute }),
    ...workloadActivities({ ...deps, quiet: quietOf(deps) }),
    ...trafficActivities(deps.clusters),
    ...probeActivities,
    ...diagnosisActivities(deps),
    ...surveyActivities(deps),
    ...leftoverActivities(deps),
    ...strayActivities(deps),
    ...metricsActivities({
      ...deps,
      grayGone: (target, signal) => grayGone(deps.clusters(target.cluster), target, signal),
      returnToStable: (guard, release, signal) => allToStable(deps.clusters, { ...guard, release }, signal),
    }),
  };
}
