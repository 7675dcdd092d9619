/** One gray track that stands, with what its release says of it, or else the declaration of its application. Pure. */
import { releaseSettings, type Application } from './application.js';
import { edgeIn, edgesOf } from './edge.js';
import type { EnvironmentRow, GrayTrack } from './environment.js';
import { entriesOf } from './member.js';
import type { Phase, ReleaseView } from './release.js';
import type { Stage } from './stage.js';
import type { Routed } from './target.js';
import type { Enter } from './enter.js';
import { homeOf, type RouterName, type Tag } from './traffic.js';

export interface LaneMember {
  readonly application: string;
  /** Null: its release does not say. */
  readonly version: string | null;
  readonly digest: string | null;
  /** Gray pods. */
  readonly ready: number;
  readonly replicas: number;
  /** That made it. */
  readonly release: string;
  /** Null: nobody tells. */
  readonly phase: Phase | null;
  /** Percent of untagged requests that its release lets in; null: nobody tells. */
  readonly share: number | null;
}

/** Where requests come in: there they get the tag. */
export interface LaneEntry {
  readonly application: string;
  readonly router: RouterName;
  readonly namespace: string;
  /** Name of the HTTPRoute, HTTPProxy, VirtualService or Ingress. */
  readonly route: string;
  /** Where the probe asks; null: the application does not say. */
  readonly url: string | null;
  /** Who gets in besides those with the tag; empty: nobody. */
  readonly enter: Enter;
}

interface Told {
  /** `header: value`; null: no request is told by a tag. */
  readonly tag: string | null;
  readonly entries: readonly LaneEntry[];
}

export interface Track extends Told {
  readonly lane: string;
  readonly member: LaneMember;
}

/**
 * @param applications all of the environment
 * @param view of its release; undefined: nobody knows it
 */
export function trackOf(
  track: GrayTrack,
  row: EnvironmentRow,
  environment: string,
  applications: readonly Application[],
  view: ReleaseView | undefined,
): Track {
  const { application } = row;
  const stage = view?.plan?.stages.find((s) => s.environment === environment);
  const image = stage?.targets.find((t) => t.application === application)?.image;
  const atWork = row.running?.release === track.release ? row.running.phase : null;
  return {
    ...(stage === undefined
      ? byDeclaration(track, application, environment, applications)
      : byPlan(stage, application)),
    lane: track.lane,
    member: {
      application,
      version: image?.version ?? null,
      digest: track.digest ?? image?.digest ?? null,
      ready: track.ready,
      replicas: track.replicas,
      release: track.release,
      phase: view?.phase ?? atWork,
      share: view?.applications.find((a) => a.name === application)?.grayWeight ?? null,
    },
  };
}

/** As the release keeps it, whatever has been declared since. */
function byPlan(stage: Stage, application: string): Told {
  const tags = stage.steps.flatMap((step) =>
    step.kind === 'tag' && (step.of ?? [application]).includes(application) ? [textOf(step.tag)] : [],
  );
  return { tag: tags[0] ?? null, entries: entriesOf(stage, stage.targets).flatMap(entryAt) };
}

function byDeclaration(
  { lane }: GrayTrack,
  application: string,
  environment: string,
  applications: readonly Application[],
): Told {
  const spec = applications.find((a) => a.name === application)!;
  const declared = spec.environments.find((e) => e.name === environment)!;
  const settings = releaseSettings(spec, declared);
  const edges = edgesOf(spec, declared);
  const tag = lane === settings.lane ? settings.tag : { ...settings.tag, value: lane };
  const at = edges.length === 0 ? [spec] : applications.filter((a) => edges.includes(a.name));
  return {
    // A canary that is released alone tells nobody by it.
    tag: settings.strategy === 'canary' && edges.length === 0 ? null : textOf(tag),
    entries: at.flatMap((one) => edgeIn(one, environment, settings) ?? []).flatMap(entryAt),
  };
}

const textOf = ({ header, value }: Tag): string => `${header.toLowerCase()}: ${value}`;

function entryAt({
  application,
  route,
  probe,
}: Pick<Routed, 'application' | 'route' | 'probe'>): LaneEntry[] {
  if (route === null) return [];
  const { router, route: name, enter = [] } = route;
  return [{ application, router, namespace: homeOf(route), route: name, url: probe?.entry ?? null, enter }];
}
