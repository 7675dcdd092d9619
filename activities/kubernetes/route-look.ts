/** What the pre-flight asks of a route besides what is in it. */
import { releaseSettings, stepsFor, type Strategy } from '../../domain/application.js';
import { edgesOf } from '../../domain/edge.js';
import { failure, type Failure } from '../../domain/failures.js';
import { canShare, homeOf, type AnyRoute } from '../../domain/traffic.js';
import type { Cluster } from './client.js';
import type { Lookout } from './observation.js';
import { rightsLacking } from './rights.js';
import { routeRights, type Need } from './rules.js';

/** Rights that lack where the route is, when it is in another namespace. */
export async function deniedAtHome(cluster: Cluster, route: AnyRoute | null): Promise<Need[]> {
  if (route === null || homeOf(route) === route.namespace) return [];
  return rightsLacking(cluster, homeOf(route), routeRights(route));
}

/** Whether the router can set what is planned: the declaration was checked, but a release may ask for another strategy. */
export function shareProblems(
  { application, environment, route }: Lookout,
  asked: Strategy | null,
): Failure[] {
  // With edges the share is moved there.
  if (route === null || edgesOf(application, environment).length > 0) return [];
  const settings = releaseSettings(application, environment);
  const steps = stepsFor(asked ?? settings.strategy, settings);
  const between = steps.find(({ weight }) => !canShare(route.router, weight));
  if (between === undefined) return [];
  const why = `router ${route.router} switches all requests at once, and a step has ${between.weight} %; release with the strategy blue-green.`;
  return [failure('route_unfit', { kind: 'HTTPProxy', route: route.route, why })];
}
