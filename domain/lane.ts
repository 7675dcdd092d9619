/** What makes several applications one lane. Pure. */
import { releaseSettings } from './application.js';
import { reachedFrom } from './chain.js';
import { edgesOf, withEdges } from './edge.js';
import { failure, type Failure } from './failures.js';
import { environmentsOf } from './plan.js';
import type { ReleaseInputs } from './release.js';

type Inputs = Pick<ReleaseInputs, 'applications' | 'calls'> & {
  readonly request: Pick<ReleaseInputs['request'], 'environment' | 'lane' | 'wayBack'>;
};

/** One application in one environment. */
interface Member {
  readonly environment: string;
  readonly application: string;
  readonly tag: string;
  readonly isStrict: boolean;
  readonly edges: readonly string[];
}

export function laneProblems(inputs: Inputs): readonly Failure[] {
  const { applications, request } = inputs;
  const all = applications.flatMap((spec) =>
    environmentsOf(spec, request.environment, request.wayBack).map((e): Member => {
      const settings = releaseSettings(spec, e);
      const { header, value } = settings.tag;
      const tag =
        request.lane === null ? `${settings.lane} (${header}: ${value})` : `${request.lane} (${header})`;
      const isStrict = settings.strict === true && request.wayBack === undefined;
      return { environment: e.name, application: spec.name, tag, isStrict, edges: edgesOf(spec, e) };
    }),
  );
  return [...new Set(all.map((one) => one.environment))].flatMap((name) => {
    const here = all.filter((one) => one.environment === name);
    return [...tagProblems(name, here), ...gaps(name, here, inputs)];
  });
}

/** Applications that are released together carry the same tag, or requests would lose it on the way. */
function tagProblems(environment: string, here: readonly Member[]): Failure[] {
  if (new Set(here.map((one) => one.tag)).size < 2) return [];
  const lanes = here.map(({ application, tag }) => `${application} has ${tag}`);
  return [failure('lanes_differ', { environment, lanes }, '/lane')];
}

/** A strict lane has all that its requests come through. */
function gaps(environment: string, here: readonly Member[], { applications, calls = {} }: Inputs): Failure[] {
  const strict = here.find((one) => one.isStrict);
  if (strict === undefined) return [];
  const declared = Object.fromEntries(applications.map((a) => [a.name, a.dependsOn ?? []]));
  const known = withEdges({ ...calls, ...declared }, applications, environment);
  const starts = here.flatMap((one) => [one.application, ...one.edges]);
  const passed = new Set([...starts, ...starts.flatMap((name) => [...reachedFrom(name, known)])]);
  for (const { application } of here) passed.delete(application);
  const context = { environment, application: strict.application, missing: [...passed].sort() };
  return passed.size === 0 ? [] : [failure('lane_incomplete', context, '/applications')];
}
