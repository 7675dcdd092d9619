/** Where the applications of a release are: no two in one place. Pure. */
import {
  releaseSettings,
  trafficSettings,
  workloadSettings,
  type Application,
  type Environment,
} from './application.js';
import { failure, type Failure } from './failures.js';
import { environmentsOf } from './plan.js';
import type { ReleaseInputs } from './release.js';
import { homeOf } from './traffic.js';

type Inputs = Pick<ReleaseInputs, 'applications'> & {
  readonly request: Pick<ReleaseInputs['request'], 'environment' | 'strategy' | 'wayBack'>;
};

/** Each application that would be released over another one; a rollback goes where its release was. */
export function placeProblems({ applications, request }: Inputs): readonly Failure[] {
  if (request.wayBack !== undefined) return [];
  const taken = new Map<string, { readonly application: string; readonly where: string }>();
  return applications.flatMap((spec, i) =>
    environmentsOf(spec, request.environment).flatMap((environment): Failure[] => {
      const here = { application: spec.name, where: `${spec.name} in ${environment.name}` };
      const places = placesOf(spec, environment, request.strategy);
      const place = places.find((one) => (taken.get(one) ?? here).application !== spec.name);
      if (place !== undefined) {
        const context = { place, names: [taken.get(place)!.where, here.where] };
        return [failure('place_shared', context, `/applications/${i}/name`)];
      }
      for (const one of places) taken.set(one, here);
      return [];
    }),
  );
}

/** What a release changes there, in words that tell it from all else. */
function placesOf(
  application: Application,
  environment: Environment,
  asked: ReleaseInputs['request']['strategy'],
): string[] {
  const { cluster = 'default', namespace } = environment;
  const traffic = trafficSettings(application, environment);
  const { name } = workloadSettings(application, environment);
  const { strategy } = releaseSettings(application, environment);
  const at = `in namespace "${namespace}" of cluster "${cluster}"`;
  const deployment = `Deployment "${name}" ${at}`;
  if (traffic === null || (asked ?? strategy) === 'rolling') return [deployment];
  const { route, service, router } = traffic;
  const home = homeOf({ ...traffic, namespace });
  return [deployment, `the share of Service "${service}" ${at} at route "${home}/${route}" (${router})`];
}
