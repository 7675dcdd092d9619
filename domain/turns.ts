/** What a release has to itself while it is at work in an environment, besides its applications. Pure. */
import { releaseSettings, type Application } from './application.js';
import { innerOf, reachedFrom } from './chain.js';
import { callsIn, edgesOf, withEdges } from './edge.js';
import { environmentsOf } from './plan.js';
import { edgeTurn, laneTurn } from './queue.js';
import type { ReleaseInputs } from './release.js';

export interface TurnAsked {
  readonly application: string;
  /** The environment, or what a turn at an edge or in a lane is asked for by. */
  readonly environment: string;
  /** By which tag the release tells requests there, `header: value`. */
  readonly tag?: string;
  /** At an edge: the one that it puts on there. */
  readonly stamps?: string;
}

/**
 * In the same order for every release, so that two never wait for each other: its applications; those at whose routes it gives the tag to a
 * share, since one tag tells one share; and those that requests with its tag come through, since none of them may meet there what
 * another release shows to its own, or lose the tag for that of another. A release that only moves the share of its own application asks for nothing more.
 */
export function turnsIn(inputs: ReleaseInputs, environment: string): readonly TurnAsked[] {
  const { applications, request, edges = [] } = inputs;
  const here = applications.filter((spec) =>
    environmentsOf(spec, request.environment, request.wayBack).some((e) => e.name === environment),
  );
  const names = here.map((spec) => spec.name);
  const calls = withEdges(callsIn(inputs), applications, environment);
  const inner = innerOf(names, calls);
  const at = here.flatMap((spec) =>
    edgesOf(
      spec,
      spec.environments.find((e) => e.name === environment)!,
    ),
  );
  const gives = request.strategy === 'rolling' || inner.size + at.length === 0 ? [] : [...at, ...names];
  const entries = [...new Set(gives)].filter(
    (name) => !inner.has(name) && !isBehind(here, name, environment),
  );
  const isLane = entries.length > 0;
  const own = here.map((spec): TurnAsked => {
    const tag = tagOf(spec, inputs, environment, isLane);
    return { application: spec.name, environment, ...(tag === null ? {} : { tag }) };
  });
  const passed = new Set(entries.flatMap((name) => [...reachedFrom(name, calls)]));
  for (const name of [...names, ...entries, ...edges.map((e) => e.name)]) passed.delete(name);
  const tag = own.find((turn) => turn.tag !== undefined)?.tag;
  const turns = [
    ...own,
    ...entries.map((application) => ({
      application,
      environment: edgeTurn(environment),
      ...(tag === undefined ? {} : { stamps: tag }),
    })),
    ...(tag === undefined
      ? []
      : [...passed].map((application) => ({ application, environment: laneTurn(environment, tag) }))),
  ];
  return turns.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ application, environment }: TurnAsked): string => `${application}/${environment}`;

const isBehind = (here: readonly Application[], name: string, environment: string): boolean =>
  here.some((spec) => {
    const declared = spec.environments.find((e) => e.name === environment);
    return spec.name === name && declared !== undefined && edgesOf(spec, declared).length > 0;
  });

/** Null: it tells no requests by a tag. A rollback of one application moves everybody at once. */
function tagOf(
  spec: Application,
  { request }: ReleaseInputs,
  environment: string,
  isLane: boolean,
): string | null {
  const declared = spec.environments.find((e) => e.name === environment)!;
  const { strategy, tag } = releaseSettings(spec, declared);
  const asked = request.strategy ?? strategy;
  const isTold = isLane
    ? asked !== 'rolling'
    : (asked === 'gray' || asked === 'blue-green') && request.rollbackOf === undefined;
  return isTold ? `${tag.header.toLowerCase()}: ${request.lane ?? tag.value}` : null;
}
