/** What makes several applications one lane. Pure. */
import { releaseSettings, type Application } from './application.js';
import { failure, type Failure } from './failures.js';
import { environmentsOf } from './plan.js';
import type { ReleaseRequest } from './release.js';

/** Applications that are released together carry the same tag, or requests would lose it on the way. */
export function laneProblems(
  applications: readonly Application[],
  { environment, lane, wayBack }: Pick<ReleaseRequest, 'environment' | 'lane' | 'wayBack'>,
): readonly Failure[] {
  const all = applications.flatMap((spec) =>
    environmentsOf(spec, environment, wayBack).map((e) => {
      const settings = releaseSettings(spec, e);
      const { header, value } = settings.tag;
      const tag = lane === null ? `${settings.lane} (${header}: ${value})` : `${lane} (${header})`;
      return { environment: e.name, application: spec.name, tag };
    }),
  );
  return [...new Set(all.map((one) => one.environment))].flatMap((name) => {
    const here = all.filter((one) => one.environment === name);
    if (new Set(here.map((one) => one.tag)).size < 2) return [];
    const lanes = here.map(({ application, tag }) => `${application} has ${tag}`);
    return [failure('lanes_differ', { environment: name, lanes }, '/lane')];
  });
}
