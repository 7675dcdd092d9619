/** Every answer that a user got, held against what the cluster said at that time. */
import type { LoadRecord } from '../../../infra/local/load.js';
import type { Away, Window } from './away.js';
import { messengers } from './faults.js';
import type { ClusterWatch, Entry, WatchedDeployment, WatchedRoute } from './cluster-watch.js';

export interface Verdict {
  readonly answered: number;
  /** "why: what was answered when", each a broken promise. */
  readonly wrong: readonly string[];
  /** Without an answer while Envoy itself was killed: there is nobody who could have answered. */
  readonly whileEnvoyWasAway: number;
  /** Without an answer because Contour, which was killed, took the clusters of a route away that nobody had written meanwhile. */
  readonly takenByContour: number;
}

/** What Contour has taken it tells Envoy at once, and pods come and go; a busy machine is slower. */
const lagMs = 3_000;

export interface Traffic {
  readonly namespace: string;
  readonly name: string;
  /** Version that an image stands for; by its digest or tag. */
  readonly versionOf: (image: string) => string;
}

export function judge(
  records: readonly LoadRecord[],
  { namespace, name, versionOf }: Traffic,
  watch: Pick<ClusterWatch, 'routes' | 'of'>,
  away: Away,
): Verdict {
  const routes = watch.routes(namespace);
  const deployments = watch.of(namespace).filter((e) => e.kind === 'deployment');
  const stable = spans(deployments.filter((e) => e.name === name));
  const gray = spans(deployments.filter((e) => e.name !== name));
  const wrong: string[] = [];
  let whileEnvoyWasAway = 0;
  let takenByContour = 0;
  for (const { at, tookMs, version, failure, status } of records) {
    const end = at + tookMs;
    const said = `${[failure, status, version].filter((part) => part !== undefined).join(' ')} in ${namespace}, sent ${new Date(at).toISOString()}, ${Math.round(tookMs)} ms; away around then: ${away.around(at, lagMs).join(', ') || 'nothing'}`;
    if (version === undefined && away.overlaps(['envoy'], at, end)) whileEnvoyWasAway++;
    else if (failure === withoutCluster && isUntouched(routes, away.window('contour', at, end), end))
      takenByContour++;
    else if (failure !== undefined || version === undefined) wrong.push(`no answer: ${said}`);
    else {
      const from = away.before(messengers, at, lagMs);
      const shares = weightsBetween(routes, `${name}-gray`, from, end);
      const allowed = [
        ...(shares.some((w) => w < 100) ? versionsBetween(stable, from, end, versionOf) : []),
        ...(shares.some((w) => w > 0) ? versionsBetween(gray, from, end, versionOf) : []),
      ];
      if (!allowed.includes(version))
        wrong.push(`not allowed then, but ${[...new Set(allowed)].join(' or ')}: ${said}`);
    }
  }
  const answered = records.length - whileEnvoyWasAway - takenByContour;
  return { answered, wrong, whileEnvoyWasAway, takenByContour };
}

/**
 * What Envoy answers for a route whose cluster it does not know: a status and no word. Contour serves what it has read so far when it starts,
 * and tells of clusters and of routes apart (projectcontour/contour issues 4991, 1178).
 */
const withoutCluster = '503';

/** Nothing that was written to the route since then had been taken by a moment. */
const isUntouched = (routes: readonly WatchedRoute[], since: Window | null, moment: number): boolean =>
  since !== null && !routes.some(({ at, takenAt }) => at >= since.from && takenAt <= moment);

interface Span {
  readonly from: number;
  readonly to: number;
  readonly images: readonly string[];
}

/** The images that pods of a Deployment may run, from each of its versions to the next; while it rolls, the one before as well. */
function spans(entries: readonly Entry[]): readonly Span[] {
  let running: readonly string[] = [];
  return entries.map((entry, i) => {
    const deployment = entry.object as WatchedDeployment | null;
    const image = deployment?.spec.template.spec.containers[0]?.image;
    if (image !== undefined) running = isRolledOut(deployment!) ? [image] : [...new Set([...running, image])];
    return { from: entry.earliest, to: entries[i + 1]?.at ?? Number.POSITIVE_INFINITY, images: running };
  });
}

function isRolledOut({ metadata, spec, status }: WatchedDeployment): boolean {
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
  return status?.observedGeneration === metadata.generation && counts.every((n) => n === spec.replicas);
}

const versionsBetween = (
  list: readonly Span[],
  from: number,
  to: number,
  versionOf: (image: string) => string,
): readonly string[] =>
  list.filter((s) => s.from <= to && s.to >= from).flatMap((s) => s.images.map(versionOf));

/** Shares of gray that the route had at some time between the two moments; each until its controller has taken the next. */
function weightsBetween(
  routes: readonly WatchedRoute[],
  gray: string,
  from: number,
  to: number,
): readonly number[] {
  return routes
    .filter((r, i) => r.earliest <= to && (routes[i + 1]?.takenAt ?? Number.POSITIVE_INFINITY) >= from)
    .flatMap((r) => (r.weights.length === 0 ? [0] : r.weights.map((rule) => rule[gray] ?? 0)));
}
