/** What makes several applications one lane. Pure. */
import { releaseSettings } from './application.js';
import { reachedFrom } from './chain.js';
import { callsIn, edgesOf, withEdges } from './edge.js';
import { failure, type Failure } from './failures.js';
import { environmentsOf, type Plan } from './plan.js';
import { entriesOf, hasGray } from './member.js';
import type { ReleaseInputs } from './release.js';
import type { IngressController, IngressTarget } from './traffic.js';

type Inputs = Pick<ReleaseInputs, 'applications' | 'calls'> & {
  readonly request: Pick<ReleaseInputs['request'], 'environment' | 'lane' | 'strategy' | 'wayBack'>;
};

/** One application in one environment. */
interface Member {
  readonly environment: string;
  readonly application: string;
  readonly tag: string;
  readonly isStrict: boolean;
  /** It has no gray version, and is rolled with the promotion. */
  readonly isRolled: boolean;
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
      const isRolled = (request.strategy ?? settings.strategy) === 'rolling';
      return {
        environment: e.name,
        application: spec.name,
        tag,
        isStrict,
        isRolled,
        edges: edgesOf(spec, e),
      };
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
function gaps(environment: string, here: readonly Member[], inputs: Inputs): Failure[] {
  const strict = here.find((one) => one.isStrict);
  if (strict === undefined || here.every((one) => one.isRolled)) return [];
  const known = withEdges(callsIn(inputs), inputs.applications, environment);
  const starts = here.flatMap((one) => [one.application, ...one.edges]);
  const passed = new Set([...starts, ...starts.flatMap((name) => [...reachedFrom(name, known)])]);
  for (const { application, isRolled } of here) if (!isRolled) passed.delete(application);
  const rolled = new Set(here.filter((one) => one.isRolled).map((one) => one.application));
  const missing = [...passed].sort().map((name) => (rolled.has(name) ? `${name} (rolled)` : name));
  const context = { environment, application: strict.application, missing };
  return passed.size === 0 ? [] : [failure('lane_incomplete', context, '/applications')];
}

/** Those that put a header on requests for one of their backends. */
const stampingControllers: readonly IngressController[] = ['higress', 'mse'];

/** Why the controller of an Ingress cannot put the tag on what goes to gray, for people; null: it can, or need not. */
export function unstamped({ controller, stamps }: IngressTarget): string | null {
  if (stamps === undefined || stampingControllers.includes(controller)) return null;
  return (
    `requests of the lane come in here, and ${controller} has no annotation that puts the header "${stamps.header}" on what goes to gray; ` +
    'release this application alone, or let requests come in by another router.'
  );
}

/** Each entry of a lane that cannot tell the others by the tag. */
export const stampProblems = ({ stages }: Pick<Plan, 'stages'>): Failure[] =>
  stages
    .flatMap(({ targets }) => targets)
    .flatMap(({ route }) => {
      const why = route?.router === 'ingress' ? unstamped(route) : null;
      return why === null ? [] : [failure('route_unfit', { kind: 'Ingress', route: route!.route, why })];
    });

/** Each stage whose weights would move nothing; a rollback waits for nothing that stands on a route. */
export const entryProblems = ({ stages, rollbackOf }: Pick<Plan, 'stages' | 'rollbackOf'>): Failure[] =>
  stages.flatMap((stage) => {
    const routed = stage.targets.filter((target) => hasGray(target) && target.route !== null);
    const isMoved = entriesOf(stage, stage.targets).some(({ route }) => route !== null);
    if (routed.length === 0 || isMoved || rollbackOf !== undefined) return [];
    const names = routed.map(({ application }) => application).sort();
    const context = { environment: stage.environment, names };
    return [failure('lane_without_entry', context, '/applications')];
  });
